import type { QueueContext } from "../enqueue/context.ts";
import type { DeclaredSchedules } from "../schedule/declared.ts";
import type { Meter } from "../store/meter.ts";
import type { QueueStore } from "../store/store.ts";

/** A queue as its drains see it. */
export interface DrainContext extends Omit<QueueContext, "store" | "noteDue" | "noteLeased" | "noteAnythingDue"> {
  /** Opens the store of the queue. The meter counts what it costs. */
  readonly open: (meter: Meter) => QueueStore;
  readonly declared: DeclaredSchedules;
  readonly nextDue: NextDueHint;
  /** The least round trips with which a drain can do anything. */
  readonly leastRoundTrips: number;
}

/** When something is due next, as far as one `Queue` object knows: a hint, in plain data that requests may share. */
export class NextDueHint {
  /** ms since 1970; undefined if nothing is known. */
  at: number | undefined;
  readonly #listeners = new Set<(runAt: number) => void>();

  note(runAt: number): void {
    this.at = Math.min(this.at ?? runAt, runAt);
    for (const listener of this.#listeners) listener(runAt);
  }

  /** Notes that anything may be due: listeners check now, and the next drain peeks. */
  forget(now: number): void {
    this.note(now);
    this.at = undefined;
  }

  /** Calls `listener` with each run time that is noted. @returns a function that ends this. */
  listen(listener: (runAt: number) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
