import type { Attempt } from "../attempt/attempt.ts";

/**
 * How long a job waits for a slot before it is released. A drain claims what it expects to start within 1.25 s
 * (`CLAIMED_MS` and `READY_MS` in prefetch.ts). A job that has waited longer is behind jobs that are slower than those
 * before them, and another drain may have a slot for it. Its lease leaves it 25 s to wait, so no lease runs out here.
 */
const LONGEST_WAIT_MS = 2_000;

/**
 * The jobs of a drain that are claimed and wait for a slot.
 *
 * A poison job, which crashes its invocation, uses up an attempt of every job that was claimed with it. So a job that
 * may be one is quarantined: it starts only when everything else is settled, and all other quarantined jobs are
 * released, with no attempt used.
 */
export class PrefetchBuffer {
  #ready: Attempt[] = [];
  readonly #quarantined: Attempt[] = [];
  /** Whether the last job to leave was a quarantined one: then the next one may be another. */
  #claimsOneByOne = false;

  add(attempts: readonly Attempt[]): void {
    for (const attempt of attempts) (attempt.job.mayBePoison ? this.#quarantined : this.#ready).push(attempt);
    if (this.#ready.length > 0) this.#claimsOneByOne = false;
  }

  /** When the first job will have waited too long; infinite if none waits. */
  get overdueAt(): number {
    const claimedAt = (attempts: readonly Attempt[]) => attempts[0]?.claimedAt ?? Number.POSITIVE_INFINITY;
    return Math.min(claimedAt(this.#ready), claimedAt(this.#quarantined)) + LONGEST_WAIT_MS;
  }

  get length(): number {
    return this.#ready.length + this.#quarantined.length;
  }

  /**
   * How many jobs may be claimed now: none while one is quarantined, and after it one at a time.
   *
   * @param isIdle whether nothing runs.
   */
  mostClaims(isIdle: boolean): number {
    if (this.#quarantined.length > 0 || (this.#claimsOneByOne && !isIdle)) return 0;
    return this.#claimsOneByOne ? 1 : Number.POSITIVE_INFINITY;
  }

  /**
   * Takes out what starts next in one slot: a job, or several that one call of their handler performs.
   *
   * @param isAlone whether nothing runs and nothing waits to be settled.
   */
  next(isAlone: boolean): readonly Attempt[] {
    const first = this.#ready.shift();
    if (first) return [first, ...this.#takeCompanions(first)];
    return isAlone && this.#quarantined.length === 1 ? this.takeAll() : [];
  }

  /** Takes out the jobs that are performed in one call with this one. */
  #takeCompanions({ job: { name, batchSize } }: Attempt): readonly Attempt[] {
    if (batchSize === 1) return [];
    const isCompanion = ({ job }: Attempt) => job.name === name && job.batchSize > 1;
    const companions = this.#ready.filter(isCompanion).slice(0, batchSize - 1);
    const taken = new Set(companions);
    this.#ready = this.#ready.filter((attempt) => !taken.has(attempt));
    return companions;
  }

  /** Takes out the quarantined jobs that must be released before one of them may start. */
  takeSurplus(): readonly Attempt[] {
    return this.#ready.length > 0 ? [] : this.#quarantined.splice(1);
  }

  takeAll(): readonly Attempt[] {
    if (this.#quarantined.length > 0) this.#claimsOneByOne = true;
    return [...this.#ready.splice(0), ...this.#quarantined.splice(0)];
  }
}
