import { type Attempt, renewLeases } from "../attempt/attempt.ts";
import type { QueueStore } from "../store/store.ts";

/** How long a job runs before a drain checks on it, and the least time between checks. Each costs 2 commands in all. */
const CHECKS_EVERY_MS = 15_000;
/** Beyond a minute, checks are further apart the older the oldest attempt is: an hour costs 22 and not 240. */
const PART_OF_RUN = 1 / 4;

/**
 * Checks on long-running jobs that send nothing themselves: learns whether they were cancelled, and stores progress
 * that had to wait. Checks less often if the budget would not last until their timeouts.
 */
export class Watch {
  readonly #running: ReadonlySet<Attempt>;
  readonly #spacing: (ms: number) => number;
  #checkedAt = Number.NEGATIVE_INFINITY;

  /** @param spacing as in `AttemptNeeds`. */
  constructor(running: ReadonlySet<Attempt>, spacing: (ms: number) => number) {
    this.#running = running;
    this.#spacing = spacing;
  }

  /** When to check next; infinite if nothing runs, or the budget is used up. */
  dueAt(now: number): number {
    // They are in the order in which they began.
    const [oldest] = this.#running;
    if (!oldest?.startedAt) return Number.POSITIVE_INFINITY;
    const since = Math.max(this.#checkedAt, oldest.startedAt);
    const pause = Math.max(CHECKS_EVERY_MS, (since - oldest.startedAt) * PART_OF_RUN);
    // A clock that counts whole ms does not reach a fraction of one.
    return since + Math.ceil(Math.max(pause, this.#spacing(oldest.timesOutAt - now)));
  }

  check(store: QueueStore, now: number): void {
    this.#checkedAt = now;
    const isLong = ({ startedAt }: Attempt) => startedAt > 0 && now - startedAt >= CHECKS_EVERY_MS;
    void renewLeases(store, [...this.#running].filter(isLong));
  }
}
