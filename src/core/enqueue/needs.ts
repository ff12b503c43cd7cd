import type { AnyJob } from "../job/define.ts";
import type { CheckedHooks } from "../observe/hooks.ts";
import type { Tracing } from "../observe/tracing.ts";
import type { Clock } from "../shared/clock.ts";
import type { EnqueueStore, QueueStore } from "../store/store.ts";

export interface EnqueueNeeds {
  /** The name of the queue. */
  readonly queue: string;
  readonly definitions: ReadonlyMap<string, AnyJob>;
  /** The longest timeout of its jobs, but at least the default. */
  readonly longestTimeoutMs: number;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly random: () => number;
  readonly store: EnqueueStore;
  readonly hooks: CheckedHooks | undefined;
  readonly tracing: Tracing | undefined;
  /**
   * Announces that something is stored that will be due at this time: to the drains of this object, and to `wake`.
   * Await the result before you respond. It never rejects.
   */
  readonly noteDue: (runAt: number) => Promise<void> | undefined;
  /** Announces to `wake` when a lease ends that the caller has taken: if its invocation dies, the job is due then. */
  readonly noteLeased: (endsAt: number) => Promise<void> | undefined;
}

/** What it takes to enqueue a job with children. */
export interface FamilyNeeds extends EnqueueNeeds {
  readonly store: QueueStore;
}

/** What it takes to read and change what a queue holds. */
export interface StoreNeeds {
  readonly store: QueueStore;
}
