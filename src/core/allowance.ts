import type { Clock } from "./clock.ts";
import type { DrainLimits } from "./drain-options.ts";
import type { StoppedBy } from "./drain-report.ts";
import type { Exchanges } from "./exchanges.ts";
import type { Meter, QueueStore } from "./store.ts";

/** What one drain may still do: its limits, beside the time that has passed and what has been claimed and spent. */
export class Allowance {
  /** From when on no job is started. */
  readonly deadline: number;
  /** From when on jobs that run are aborted. */
  readonly cutOffAt: number;
  readonly #limits: DrainLimits;
  readonly #store: QueueStore;
  readonly #clock: Clock;
  readonly #spent: Readonly<Meter>;
  readonly #exchanges: Exchanges;
  readonly #startedAt: number;

  /** @param spent the meter of the store: what it shows already counts against the budget. */
  constructor(
    limits: DrainLimits,
    { store, clock }: { readonly store: QueueStore; readonly clock: Clock },
    spent: Readonly<Meter>,
    exchanges: Exchanges,
  ) {
    this.#limits = limits;
    this.#store = store;
    this.#clock = clock;
    this.#spent = spent;
    this.#exchanges = exchanges;
    this.#startedAt = clock();
    this.deadline = this.#startedAt + Math.max(limits.timeBudgetMs, limits.lingerMs);
    this.cutOffAt = this.deadline + limits.graceMs;
  }

  /** When lingering ends. */
  get lingersUntil(): number {
    return Math.min(this.#startedAt + this.#limits.lingerMs, this.deadline - 1);
  }

  /** Which limit has been reached, if any. @param toHandIn how many of the jobs claimed have been started and not handed in. */
  stoppedBy(claimed: number, toHandIn: number): StoppedBy | undefined {
    const { signal, maxJobs } = this.#limits;
    if (signal?.aborted || this.#exchanges.hasFailed) return "aborted";
    if (this.#exchanges.paused) return "paused";
    if (this.#clock() >= this.deadline) return "timeBudget";
    if (claimed >= maxJobs) return "maxJobs";
    return this.affords(2, toHandIn) ? undefined : "budget";
  }

  /** Whether the budget allows so many more exchanges. Claiming takes two: what is claimed must be handed in. */
  affords(exchanges: number, toHandIn: number): boolean {
    const { roundTrips, commands, batchSize } = this.#limits;
    const most = this.#store.mostCommands(Math.max(batchSize, toHandIn));
    // Round trips are counted when they begin, commands when the answer tells of them.
    return (
      this.#spent.roundTrips + exchanges * this.#store.roundTrips <= roundTrips &&
      this.#spent.commands + (exchanges + this.#exchanges.underWay) * most <= commands
    );
  }

  /** How often the next exchange may be sent. @param isClaiming whether something must be kept to hand in what it claims. */
  sends(isClaiming: boolean): number {
    const kept = isClaiming ? this.#store.roundTrips : 0;
    return Math.max(1, this.#limits.roundTrips - this.#spent.roundTrips - kept);
  }

  /** How many more jobs may be claimed in all. */
  jobsLeft(claimed: number): number {
    return this.#limits.maxJobs - claimed - this.#exchanges.claiming;
  }

  /** How many jobs one exchange may claim. */
  batch(claimed: number): number {
    return Math.min(this.#limits.batchSize, this.jobsLeft(claimed));
  }
}
