import type { InFlight } from "./in-flight.ts";
import type { DrainLimits } from "./options.ts";

/** What a drain may still do by its limits: of time, of jobs, and those that others set. */
export class DrainBounds {
  /** From when on no job is started. */
  readonly deadline: number;
  /** From when on running jobs are aborted. */
  readonly cutOffAt: number;
  /** When lingering ends. */
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

  /** Why nothing more is claimed, if so. @param claimed how many jobs have been claimed. */
  stoppedBy(claimed: number, now: number): "aborted" | "paused" | "timeBudget" | "maxJobs" | undefined {
    return this.startsNothing(now) ?? (claimed >= this.#limits.maxJobs ? "maxJobs" : undefined);
  }

  /** Why not even what has been claimed is started, if so. */
  startsNothing(now: number): "aborted" | "paused" | "timeBudget" | undefined {
    if (this.#limits.signal?.aborted || this.#inFlight.hasFailed) return "aborted";
    if (this.#inFlight.paused) return "paused";
    return now >= this.deadline ? "timeBudget" : undefined;
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
