import { alarm, type Clock } from "../shared/clock.ts";

const never = Number.POSITIVE_INFINITY;
const nothing = () => {};

/** A running attempt that times out. */
export interface Timed {
  /** ms since 1970 */
  readonly timesOutAt: number;
  timeOut(): void;
  stop(reason: Error): void;
}

/** Times out running attempts by one timer, for the first of them: a timer for each was a tenth of what a job costs. */
export class Timeouts {
  readonly #clock: Clock;
  readonly #attempts = new Set<Timed>();
  /** When the timer fires, or earlier than any attempt times out; infinite without a timer. */
  #firesAt = never;
  #cancel = nothing;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Times an attempt out once, at its `timesOutAt`. Call it again if that has moved. */
  set(attempt: Timed, now: number): void {
    this.#attempts.add(attempt);
    this.#fireBy(attempt.timesOutAt, now);
  }

  delete(attempt: Timed): void {
    this.#attempts.delete(attempt);
    if (this.#attempts.size > 0) return;
    this.#cancel();
    this.#firesAt = never;
  }

  #fireBy(at: number, now: number): void {
    if (at >= this.#firesAt) return;
    this.#cancel();
    this.#firesAt = at;
    this.#cancel = alarm(this.#clock, at - now, () => this.#fire());
  }

  #fire(): void {
    this.#firesAt = never;
    try {
      const now = this.#clock();
      // Timers may fire a little early, and the attempt of this one may have ended, or have more time.
      const due = [...this.#attempts].filter(({ timesOutAt }) => timesOutAt <= now);
      for (const attempt of due) {
        this.#attempts.delete(attempt);
        attempt.timeOut();
      }
      const next = Math.min(...[...this.#attempts].map(({ timesOutAt }) => timesOutAt));
      if (next < never) this.#fireBy(next, now);
    } catch (error) {
      // Nothing would catch an error thrown in a timer.
      const reason = error instanceof Error ? error : new Error("The clock failed.");
      for (const attempt of this.#attempts) attempt.stop(reason);
    }
  }
}
