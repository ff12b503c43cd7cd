import type { Clock } from "../shared/clock.ts";
import { type Cost, noCost } from "../store/meter.ts";
import type { ExchangeSize, QueueStore } from "../store/store.ts";
import { type DrainBudget, mostOf } from "./budget.ts";
import type { Exchanges } from "./in-flight.ts";
import type { DrainLimits } from "./options.ts";
import type { StoppedBy } from "./report.ts";

/** What an exchange would do, and what would then remain to be settled. */
export interface NextExchange {
  readonly size: ExchangeSize;
  /** How many jobs are in hand that it does not settle, and that none under way does. */
  readonly jobsAfter: number;
  /** How many requests these take, where all have ended. */
  readonly requestsAfter: number;
}

/** What one drain may still do: its limits, beside the time that has passed and what has been claimed and spent. */
export class Allowance {
  /** From when on no job is started. */
  readonly deadline: number;
  /** From when on jobs that run are aborted. */
  readonly cutOffAt: number;
  readonly #limits: DrainLimits;
  readonly #store: QueueStore;
  readonly #clock: Clock;
  readonly #budget: DrainBudget;
  readonly #exchanges: Exchanges;
  readonly #startedAt: number;

  /** @param budget the meter of the store: what it shows already counts. */
  constructor(
    limits: DrainLimits,
    { store, clock }: { readonly store: QueueStore; readonly clock: Clock },
    budget: DrainBudget,
    exchanges: Exchanges,
  ) {
    this.#limits = limits;
    this.#store = store;
    this.#clock = clock;
    this.#budget = budget;
    this.#exchanges = exchanges;
    this.#startedAt = clock();
    this.deadline = this.#startedAt + Math.max(limits.timeBudgetMs, limits.lingerMs);
    this.cutOffAt = this.deadline + limits.graceMs;
  }

  /** When lingering ends. */
  get lingersUntil(): number {
    return Math.min(this.#startedAt + this.#limits.lingerMs, this.deadline - 1);
  }

  /**
   * Which limit has been reached, if any.
   *
   * @param claimed how many jobs have been.
   * @param next what the next exchange settles at least, and what is set aside then.
   */
  stoppedBy(claimed: number, next: NextExchange): StoppedBy | undefined {
    const { signal, maxJobs } = this.#limits;
    if (signal?.aborted || this.#exchanges.hasFailed) return "aborted";
    if (this.#exchanges.paused) return "paused";
    if (this.#clock() >= this.deadline) return "timeBudget";
    if (claimed >= maxJobs) return "maxJobs";
    return !this.#exchanges.isOutOfBudget && this.mostClaims(1, next) === 1 ? undefined : "budget";
  }

  /** Whether the budget allows this exchange. */
  affords({ size, jobsAfter, requestsAfter }: NextExchange): boolean {
    return this.#budget.affords(this.#costOf(size), this.costOfSettling(jobsAfter, requestsAfter));
  }

  /** The most that it takes to settle so many jobs in so many requests, once they have ended. */
  costOfSettling(jobs: number, requests: number): Cost {
    if (jobs === 0) return noCost;
    const { roundTrips, commands } = this.#costOf({ settles: jobs });
    return { roundTrips: roundTrips * requests, commands: commands * requests };
  }

  #costOf(size: ExchangeSize): Cost {
    return this.#limits.heldOnly ? this.#store.local.mostOfSettle(size) : this.#store.local.mostOfExchange(size);
  }

  /** How many of so many jobs the budget allows to claim with this exchange. What is claimed must be settled. */
  mostClaims(wanted: number, { size, jobsAfter, requestsAfter }: NextExchange): number {
    return mostOf(wanted, (claims) =>
      this.affords({ size: { ...size, claims }, jobsAfter: jobsAfter + claims, requestsAfter }),
    );
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
