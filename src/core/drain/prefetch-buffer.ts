import type { Attempt } from "../attempt/attempt.ts";

/**
 * How long a job waits for a slot before it is handed back. A drain claims what it expects to start within 1.25 s, so one that has
 * waited longer than that waits behind jobs that take longer than those before them, and its lease has 25 s to wait.
 */
const LONGEST_WAIT_MS = 2_000;

/**
 * The jobs of a drain that are claimed and have not started.
 *
 * A job that kills its invocation takes the attempts of all that were claimed with it. So one whose leases have run out before,
 * a suspect, starts alone: when all else has been handed in, and with every other suspect handed back, no attempt used.
 */
export class Lineup {
  readonly #waiting: Attempt[] = [];
  readonly #suspects: Attempt[] = [];
  #isCareful = false;

  add(attempts: readonly Attempt[]): void {
    for (const attempt of attempts) (attempt.claim.isSuspect ? this.#suspects : this.#waiting).push(attempt);
    if (this.#waiting.length > 0) this.#isCareful = false;
  }

  /** When the first has waited too long; infinite where none waits. */
  get overdueAt(): number {
    const waiting = this.#waiting[0]?.takenAt ?? Number.POSITIVE_INFINITY;
    const suspect = this.#suspects[0]?.takenAt ?? Number.POSITIVE_INFINITY;
    return Math.min(waiting, suspect) + LONGEST_WAIT_MS;
  }

  get length(): number {
    return this.#waiting.length + this.#suspects.length;
  }

  /** How many may be claimed now: none beside a suspect, and one after it, which may be the next. */
  mostClaimed(isIdle: boolean): number {
    if (this.#suspects.length > 0 || (this.#isCareful && !isIdle)) return 0;
    return this.#isCareful ? 1 : Number.POSITIVE_INFINITY;
  }

  /** The next to start. @param isAlone whether nothing runs, and nothing waits to be handed in. */
  next(isAlone: boolean): Attempt | undefined {
    const next = this.#waiting.shift() ?? (isAlone && this.#suspects.length === 1 ? this.#suspects.shift() : undefined);
    if (next?.claim.isSuspect) this.#isCareful = true;
    return next;
  }

  /** The suspects that must be handed back before one of them may start. */
  surplus(): readonly Attempt[] {
    return this.#waiting.length > 0 ? [] : this.#suspects.splice(1);
  }

  /** Takes all out. Where a suspect was among them, it must not be claimed again while others run. */
  clear(): readonly Attempt[] {
    if (this.#suspects.length > 0) this.#isCareful = true;
    return [...this.#waiting.splice(0), ...this.#suspects.splice(0)];
  }
}
