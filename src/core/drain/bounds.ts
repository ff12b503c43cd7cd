import type { InFlight } from "./in-flight.ts";
import type { DrainLimits } from "./options.ts";

/** How far a drain may go: for how long, for how many jobs, and only until it is aborted or paused. */
export class DrainBounds {
  /** When the drain stops starting jobs. */
  readonly deadline: number;
  /** When it aborts running jobs. */
  readonly cutOffAt: number;
  readonly lingersUntil: number;
  readonly #limits: DrainLimits;
  readonly #inFlight: Readonly<InFlight>;

  constructor(limits: DrainLimits, startedAt: number, inFlight: Readonly<InFlight>) {
    this.#limits = limits;
    this.#inFlight = inFlight;
    this.deadline = startedAt + Math.max(limits.timeBudgetMs, limits.lingerMs);
    this.cutOffAt = this.deadline + limits.graceMs;
    this.lingersUntil = Math.min(startedAt + limits.lingerMs, this.deadline - 1);
  }

  /** Why the drain claims no more; undefined if it may. @param claimed how many jobs it has claimed. */
  stoppedBy(claimed: number, now: number): "aborted" | "paused" | "timeBudget" | "maxJobs" | undefined {
    return this.startsNothing(now) ?? (claimed >= this.#limits.maxJobs ? "maxJobs" : undefined);
  }

  /** Why it does not even start claimed jobs; undefined if it may. */
  startsNothing(now: number): "aborted" | "paused" | "timeBudget" | undefined {
    if (this.#limits.signal?.aborted || this.#inFlight.hasFailed) return "aborted";
    if (this.#inFlight.paused) return "paused";
    return now >= this.deadline ? "timeBudget" : undefined;
  }

  mostClaims(claimed: number): number {
    return this.#limits.maxJobs - claimed - this.#inFlight.claiming;
  }

  batch(claimed: number): number {
    return Math.min(this.#limits.batchSize, this.mostClaims(claimed));
  }
}
