import { type Attempt, lookAfter } from "../attempt/attempt.ts";
import type { QueueStore } from "../store/store.ts";

/** How often a drain looks after jobs that run for this long. Two commands each time, whatever their number. */
const LOOKS_EVERY_MS = 15_000;

/**
 * Looks after jobs that run for long and send nothing themselves: it learns that they were cancelled, and stores the progress that had to
 * wait. Every 15 s, or as often as the budget lasts until their timeouts.
 */
export class Watch {
  readonly #running: ReadonlySet<Attempt>;
  readonly #spacing: (ms: number) => number;
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** @param spacing as in `AttemptRuntime`. */
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
    return since + Math.max(LOOKS_EVERY_MS, this.#spacing(oldest.timesOutAt - now));
  }

  look(store: QueueStore, now: number): void {
    this.#lookedAt = now;
    void lookAfter(
      store,
      [...this.#running].filter(({ startedAt }) => startedAt > 0 && now - startedAt >= LOOKS_EVERY_MS),
    );
  }
}
