import type { ClaimedJob } from "../attempt/claimed-job.ts";
import type { AttemptOutcome } from "../job/attempt-info.ts";
import { countFitting, MOST_BYTES_PER_UNIT, MOST_SETTLED_BYTES } from "../shared/limits.ts";

/** A job whose attempt has ended, or that is released. */
export interface EndedJob {
  readonly job: ClaimedJob;
  readonly outcome: AttemptOutcome;
  readonly at: number;
}

/** How long an ended job waits for others to be settled with it, while some still run. Its lease leaves it 5 s (`SETTLE_MARGIN_MS`). */
const WAITS_MS = 1_000;

/** The jobs of a drain that have ended and are not settled yet, oldest first. */
export class SettleBuffer {
  #jobs: EndedJob[] = [];
  #hasReleased = false;
  #requests: readonly number[] = [];
  /** How long their records are together, in UTF-16 units: counting bytes would take longer than all else that is done here. */
  #units = 0;

  /** Whether some are released. */
  get hasReleased(): boolean {
    return this.#hasReleased;
  }

  get length(): number {
    return this.#jobs.length;
  }

  add(job: EndedJob): void {
    this.#jobs.push(job);
    if (job.outcome.to === "released") this.#hasReleased = true;
    this.#units += job.outcome.record.length;
    this.#requests = this.#inRequests();
  }

  /**
   * When the oldest must be settled at the latest; infinite if there is none. Released jobs go back at once, since another drain may
   * have a slot for them.
   *
   * @param isAborted whether the drain has been aborted: then there may be no time to wait.
   */
  settleBy(isAborted: boolean): number {
    const [oldest] = this.#jobs;
    return oldest ? oldest.at + (isAborted || this.#hasReleased ? 0 : WAITS_MS) : Number.POSITIVE_INFINITY;
  }

  /** The requests in which the jobs will be settled: how many jobs each takes. */
  get requests(): readonly number[] {
    return this.#requests;
  }

  #inRequests(): readonly number[] {
    if (this.#units * MOST_BYTES_PER_UNIT <= MOST_SETTLED_BYTES)
      return this.#jobs.length > 0 ? [this.#jobs.length] : [];
    const records = this.#jobs.map(({ outcome }) => outcome.record);
    const requests: number[] = [];
    for (let first = 0; first < records.length; first += requests.at(-1) ?? 0) {
      requests.push(Math.max(1, countFitting(first === 0 ? records : records.slice(first), MOST_SETTLED_BYTES)));
    }
    return requests;
  }

  /** Takes out the jobs of the next request. */
  take(): readonly EndedJob[] {
    this.#hasReleased = false;
    const taken = this.#jobs.splice(0, this.#requests[0] ?? 0);
    this.#hold(this.#jobs);
    return taken;
  }

  /** Puts back jobs that could not be settled. */
  putBack(jobs: readonly EndedJob[]): void {
    this.#hold([...jobs, ...this.#jobs]);
  }

  #hold(jobs: EndedJob[]): void {
    this.#jobs = jobs;
    this.#units = jobs.reduce((sum, { outcome }) => sum + outcome.record.length, 0);
    this.#requests = this.#inRequests();
  }
}
