import type { AnyJob } from "../job/define.ts";
import type { Alerting } from "../observe/alerts.ts";
import type { CheckedHooks } from "../observe/hooks.ts";
import type { Logger } from "../observe/log.ts";
import type { Tracing } from "../observe/tracing.ts";
import type { Clock } from "../shared/clock.ts";
import type { EnqueueStore, QueueStore } from "../store/store.ts";

/** What it takes to enqueue: as much as a `Producer` has. */
export interface EnqueueContext {
  readonly queue: string;
  readonly definitions: ReadonlyMap<string, AnyJob>;
  /** Whether jobs without a definition may be enqueued. Default: only if there are no definitions. */
  readonly enqueuesAnyJob?: boolean | undefined;
  /** The longest timeout of its jobs, but at least the default. */
  readonly longestTimeoutMs: number;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly random: () => number;
  readonly store: EnqueueStore;
  readonly hooks: CheckedHooks | undefined;
  readonly tracing: Tracing | undefined;
  readonly logger?: Logger | undefined;
  /**
   * Announces that something is stored that will be due at this time: to the drains of this object, and to `wake`.
   * Await the result before you respond. It never rejects.
   */
  readonly noteDue: (runAt: number) => Promise<void> | undefined;
  /** Announces to `wake` when a lease ends that the caller has taken: if its invocation dies, the job is due then. */
  readonly noteLeased: (endsAt: number) => Promise<void> | undefined;
}

/** A queue as its parts see it. `queue/open.ts` makes it, and each part takes what it needs. */
export interface QueueContext extends EnqueueContext {
  readonly store: QueueStore;
  readonly retentionMs: number;
  readonly observe: boolean;
  readonly alerting?: Alerting | undefined;
  /** Announces that something may be due now: the next drain looks. Await the result as of `noteDue`. */
  readonly noteAnythingDue: () => Promise<void> | undefined;
}
