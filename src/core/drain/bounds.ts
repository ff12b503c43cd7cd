import type { Clock } from "../shared/clock.ts";
import { type Cost, noCost, sumOf } from "../store/meter.ts";
import type { ExchangeSize, LocalFacts } from "../store/store.ts";
import { type DrainBudget, mostOf } from "./budget.ts";
import type { InFlight } from "./in-flight.ts";
import type { DrainLimits } from "./options.ts";
import type { StoppedBy } from "./report.ts";

/** What an exchange would do, and what would be left to settle after it. */
export interface PlannedExchange {
  readonly size: ExchangeSize;
  /** How many jobs in hand neither it nor the exchanges in flight settle. */
  readonly jobsAfter: number;
  /** How many requests it takes to settle these, once all have ended. */
  readonly requestsAfter: number;
  /** Whether a lease may have to be extended before that. */
  readonly extendsAfter?: boolean;
  /** Whether there must be room to send it once more, if its reply is lost. */
  readonly mayResend?: boolean;
}

/** What a drain may still do: its limits, compared with the time that has passed, the jobs claimed, and what it has spent. */
export class DrainBounds {
  /** From when on no job is started. */
  readonly deadline: number;
  /** From when on running jobs are aborted. */
  readonly cutOffAt: number;
  /** When lingering ends. */
  readonly lingersUntil: number;
  readonly #limits: DrainLimits;
  readonly #costs: LocalFacts;
  readonly #clock: Clock;
  readonly #budget: DrainBudget;
  readonly #inFlight: InFlight;
  readonly #followUps: number;

  /**
   * @param budget the meter of the store: it includes what was spent before the drain began.
   * @param followUps how many jobs one outcome may make at most.
   */
  constructor(
    limits: DrainLimits,
    costs: LocalFacts,
    clock: Clock,
    budget: DrainBudget,
    inFlight: InFlight,
    followUps: number,
  ) {
    this.#limits = limits;
    this.#costs = costs;
    this.#clock = clock;
    this.#budget = budget;
    this.#inFlight = inFlight;
    this.#followUps = followUps;
    const startedAt = clock();
    this.deadline = startedAt + Math.max(limits.timeBudgetMs, limits.lingerMs);
    this.cutOffAt = this.deadline + limits.graceMs;
    this.lingersUntil = Math.min(startedAt + limits.lingerMs, this.deadline - 1);
  }

  /**
   * Which limit has been reached, if any.
   *
   * @param claimed how many jobs have been claimed.
   * @param next the least that the next exchange must do.
   */
  stoppedBy(claimed: number, next: PlannedExchange): StoppedBy | undefined {
    const why = this.startsNothing();
    if (why) return why;
    if (claimed >= this.#limits.maxJobs) return "maxJobs";
    return !this.#inFlight.isOutOfBudget && this.mostClaims(1, next) === 1 ? undefined : "budget";
  }

  /** Why not even what has been claimed is started, if so. */
  startsNothing(): "aborted" | "paused" | "timeBudget" | undefined {
    if (this.#limits.signal?.aborted || this.#inFlight.hasFailed) return "aborted";
    if (this.#inFlight.paused) return "paused";
    return this.#clock() >= this.deadline ? "timeBudget" : undefined;
  }

  /** Whether the budget allows this exchange, and then settling what is left. */
  affords({ size, jobsAfter, requestsAfter, extendsAfter, mayResend }: PlannedExchange): boolean {
    const after = [
      this.costOfSettling(jobsAfter, requestsAfter, size.hasKeys),
      extendsAfter ? this.#costs.mostOfExtend(1) : noCost,
      mayResend ? this.#costOf({ ...size, isResend: true }) : noCost,
    ];
    return this.#budget.affords(this.#costOf(size), after.reduce(sumOf));
  }

  /** The most that it costs to settle so many jobs in so many requests, once they have ended. */
  costOfSettling(jobs: number, requests: number, hasKeys = false): Cost {
    if (jobs === 0) return noCost;
    const { roundTrips, commands } = this.#costOf({ settles: jobs, hasKeys });
    return { roundTrips: roundTrips * requests, commands: commands * requests };
  }

  #costOf(exchange: ExchangeSize): Cost {
    const size = { ...exchange, followUps: (exchange.settles ?? 0) * this.#followUps };
    return this.#limits.heldOnly ? this.#costs.mostOfSettle(size) : this.#costs.mostOfExchange(size);
  }

  /** How many jobs, up to `wanted`, the budget allows this exchange to claim. What is claimed must be settled too. */
  mostClaims(wanted: number, plan: PlannedExchange): number {
    return mostOf(wanted, (claims) =>
      this.affords({ ...plan, size: { ...plan.size, claims }, jobsAfter: plan.jobsAfter + claims }),
    );
  }

  /** How many more jobs may be claimed in all. */
  jobsLeft(claimed: number): number {
    return this.#limits.maxJobs - claimed - this.#inFlight.claiming;
  }

  /** How many jobs one exchange may claim. */
  batch(claimed: number): number {
    return Math.min(this.#limits.batchSize, this.jobsLeft(claimed));
  }
}
