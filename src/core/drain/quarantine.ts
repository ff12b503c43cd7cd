import type { Attempt } from "../attempt/attempt.ts";

/**
 * The claimed jobs of a drain that may be poison.
 *
 * A poison job, which crashes its invocation, uses up an attempt of every job that was claimed with it. So a job that
 * may be one is quarantined: it starts only when everything else is settled, and all other quarantined jobs are
 * released, with no attempt used.
 */
export class Quarantine {
  readonly attempts: Attempt[] = [];
  /** Whether the last job to leave was a quarantined one: then the next one may be another. */
  #claimsOneByOne = false;

  push(attempt: Attempt): void {
    this.attempts.push(attempt);
  }

  /** A job that is not suspected was claimed: the next ones need not be claimed one by one. */
  noteHealthy(): void {
    this.#claimsOneByOne = false;
  }

  /**
   * How many jobs may be claimed now: none while one is quarantined, and after it one at a time.
   *
   * @param isIdle whether nothing runs.
   */
  mostClaims(isIdle: boolean): number {
    if (this.attempts.length > 0 || (this.#claimsOneByOne && !isIdle)) return 0;
    return this.#claimsOneByOne ? 1 : Number.POSITIVE_INFINITY;
  }

  /** Takes out the only quarantined job, to be started alone; none if there are others. */
  takeOnly(): readonly Attempt[] {
    return this.attempts.length === 1 ? this.takeAll() : [];
  }

  /** Takes out the jobs that must be released before the first may start. */
  takeSurplus(): readonly Attempt[] {
    return this.attempts.splice(1);
  }

  /** Takes out every job. It must not be claimed again while others run. */
  takeAll(): readonly Attempt[] {
    if (this.attempts.length > 0) this.#claimsOneByOne = true;
    return this.attempts.splice(0);
  }
}
