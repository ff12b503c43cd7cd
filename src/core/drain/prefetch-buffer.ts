import type { Attempt } from "../attempt/attempt.ts";
import { Quarantine } from "./quarantine.ts";

/**
 * How long a job waits for a slot before it is released. A drain claims what it expects to start within 1.25 s
 * (`CLAIMED_MS` and `READY_MS` in prefetch.ts). A job that has waited longer waits behind jobs that take longer than
 * those before them, and another drain may have a slot for it. Its lease leaves it 25 s to wait, so no lease runs out
 * here.
 */
const LONGEST_WAIT_MS = 2_000;

/** The jobs of a drain that are claimed and wait for a slot. Those that may be poison wait in quarantine. */
export class PrefetchBuffer {
  #ready: Attempt[] = [];
  readonly #quarantine = new Quarantine();

  add(attempts: readonly Attempt[]): void {
    for (const attempt of attempts) (attempt.job.mayBePoison ? this.#quarantine : this.#ready).push(attempt);
    if (this.#ready.length > 0) this.#quarantine.noteHealthy();
  }

  /** When the first job will have waited too long; infinite if none waits. */
  get overdueAt(): number {
    const oldest = [this.#ready[0], this.#quarantine.attempts[0]].map(
      (first) => first?.claimedAt ?? Number.POSITIVE_INFINITY,
    );
    return Math.min(...oldest) + LONGEST_WAIT_MS;
  }

  get length(): number {
    return this.#ready.length + this.#quarantine.attempts.length;
  }

  /** How many jobs may be claimed now, as the quarantine has it. @param isIdle whether nothing runs. */
  mostClaims(isIdle: boolean): number {
    return this.#quarantine.mostClaims(isIdle);
  }

  /**
   * Takes out what starts next in one slot: a job, or several that one call of their handler performs.
   *
   * @param isAlone whether nothing runs and nothing waits to be settled.
   */
  next(isAlone: boolean): readonly Attempt[] {
    const first = this.#ready.shift();
    if (first) return [first, ...this.#takeCompanions(first)];
    return isAlone ? this.#quarantine.takeOnly() : [];
  }

  /** Takes out those that are performed in one call with this one. */
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
    return this.#ready.length > 0 ? [] : this.#quarantine.takeSurplus();
  }

  /** Takes out every job. */
  takeAll(): readonly Attempt[] {
    return [...this.#ready.splice(0), ...this.#quarantine.takeAll()];
  }
}
