import { type Attempt, checkOn } from "../attempt/attempt.ts";
import type { QueueStore } from "../store/store.ts";

/**
 * From when on a drain checks on a job, and the least time between two checks. Two commands each, whatever the number
 * of jobs.
 */
const LOOKS_EVERY_MS = 15_000;
/**
 * Beyond a minute, the time between two checks grows with how long the oldest job runs, so that an hour costs 22 checks
 * and not 240.
 */
const PART_OF_RUN = 1 / 4;

/**
 * Checks on long-running jobs that send nothing themselves: it learns that they were cancelled, and stores the progress
 * that had to wait. Less often if the budget would not last until their timeouts.
 */
export class Watch {
  readonly #running: ReadonlySet<Attempt>;
  readonly #spacing: (ms: number) => number;
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** @param spacing as in `AttemptNeeds`. */
  constructor(running: ReadonlySet<Attempt>, spacing: (ms: number) => number) {
    this.#running = running;
    this.#spacing = spacing;
  }

  /** When to look next; infinite if nothing runs, or the budget is used up. */
  dueAt(now: number): number {
    // They are in the order in which they began.
    const [oldest] = this.#running;
    if (!oldest?.startedAt) return Number.POSITIVE_INFINITY;
    const since = Math.max(this.#lookedAt, oldest.startedAt);
    const pause = Math.max(LOOKS_EVERY_MS, (since - oldest.startedAt) * PART_OF_RUN);
    // A clock that counts whole ms does not reach a fraction of one.
    return since + Math.ceil(Math.max(pause, this.#spacing(oldest.timesOutAt - now)));
  }

  look(store: QueueStore, now: number): void {
    this.#lookedAt = now;
    void checkOn(
      store,
      [...this.#running].filter(({ startedAt }) => startedAt > 0 && now - startedAt >= LOOKS_EVERY_MS),
    );
  }
}
