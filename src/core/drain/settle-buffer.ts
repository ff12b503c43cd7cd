import type { Claim } from "../attempt/claimed-job.ts";
import type { AttemptOutcome } from "../job/attempt-info.ts";
import { countFitting, MOST_SETTLED_BYTES } from "../shared/limits.ts";

/** A job that has ended, or is handed back. */
export interface Finished {
  readonly claim: Claim;
  readonly outcome: AttemptOutcome;
  readonly at: number;
}

/** How long a finished job waits for others to be handed in with it, while some are still running. */
const WAITS_MS = 1_000;

/** The jobs of a drain that have ended and are not handed in yet, oldest first. */
export class FinishedJobs {
  #jobs: Finished[] = [];
  #hasReleased = false;
  #requests: readonly number[] = [];
  /** How long their records are together, in UTF-16 units, of which each takes three bytes at most. */
  #units = 0;

  /** Whether some are handed back. */
  get hasReleased(): boolean {
    return this.#hasReleased;
  }

  get length(): number {
    return this.#jobs.length;
  }

  add(job: Finished): void {
    this.#jobs.push(job);
    if (job.outcome.to === "released") this.#hasReleased = true;
    this.#units += job.outcome.record.length;
    this.#requests = this.#inRequests();
  }

  /**
   * When the first must be handed in at the latest; infinite without one. Whoever is told to end may not have the time to wait, and
   * somebody else may be waiting for what is handed back.
   */
  dueAt(isTold: boolean): number {
    const [oldest] = this.#jobs;
    return oldest ? oldest.at + (isTold || this.#hasReleased ? 0 : WAITS_MS) : Number.POSITIVE_INFINITY;
  }

  /** How many jobs each of the requests takes in which they will be handed in. */
  get requests(): readonly number[] {
    return this.#requests;
  }

  #inRequests(): readonly number[] {
    if (this.#units * 3 <= MOST_SETTLED_BYTES) return this.#jobs.length > 0 ? [this.#jobs.length] : [];
    const records = this.#jobs.map(({ outcome }) => outcome.record);
    const requests: number[] = [];
    for (let first = 0; first < records.length; first += requests.at(-1) ?? 0) {
      requests.push(Math.max(1, countFitting(first === 0 ? records : records.slice(first), MOST_SETTLED_BYTES)));
    }
    return requests;
  }

  /** Takes out those that fit into one request. */
  take(): readonly Finished[] {
    this.#hasReleased = false;
    const taken = this.#jobs.splice(0, this.#requests[0] ?? 0);
    this.#hold(this.#jobs);
    return taken;
  }

  putBack(jobs: readonly Finished[]): void {
    this.#hold([...jobs, ...this.#jobs]);
  }

  #hold(jobs: Finished[]): void {
    this.#jobs = jobs;
    this.#units = jobs.reduce((sum, { outcome }) => sum + outcome.record.length, 0);
    this.#requests = this.#inRequests();
  }
}
