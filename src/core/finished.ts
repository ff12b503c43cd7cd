import type { Claim } from "./claim.ts";
import type { DrainCounts } from "./drain-report.ts";
import type { AttemptOutcome } from "./outcomes.ts";
import { countFitting, MOST_SETTLED_BYTES } from "./request-size.ts";

/** What a report counts the outcome of an attempt as. */
export const countedAs = {
  completed: "completed",
  retried: "retried",
  returned: "snoozed",
  dead: "deadLettered",
} as const;

/** A job that has ended, or is handed back. */
export interface Finished {
  readonly claim: Claim;
  readonly outcome: AttemptOutcome;
  /** As what it counts once it is handed in. */
  readonly as: keyof DrainCounts;
  readonly at: number;
}

/** How long a finished job waits for others to be handed in with it, while some are still running. */
const WAITS_MS = 1_000;

/** The jobs of a drain that have ended and are not handed in yet, oldest first. */
export class FinishedJobs {
  #jobs: Finished[] = [];
  #hasReleased = false;

  /** Whether some are handed back. */
  get hasReleased(): boolean {
    return this.#hasReleased;
  }

  get length(): number {
    return this.#jobs.length;
  }

  add(job: Finished): void {
    this.#jobs.push(job);
    if (job.as === "released") this.#hasReleased = true;
  }

  /**
   * When the first must be handed in at the latest; infinite without one. Whoever is told to end may not have the time to wait, and
   * somebody else may be waiting for what is handed back.
   */
  dueAt(isTold: boolean): number {
    const [oldest] = this.#jobs;
    return oldest ? oldest.at + (isTold || this.#hasReleased ? 0 : WAITS_MS) : Number.POSITIVE_INFINITY;
  }

  /** Takes out those that fit into one request. */
  take(): readonly Finished[] {
    this.#hasReleased = false;
    const records = this.#jobs.map(({ outcome }) => outcome.record);
    return this.#jobs.splice(0, Math.max(1, countFitting(records, MOST_SETTLED_BYTES)));
  }

  putBack(jobs: readonly Finished[]): void {
    this.#jobs = [...jobs, ...this.#jobs];
  }
}
