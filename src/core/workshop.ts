import type { Clock } from "./clock.ts";
import type { HookCalls } from "./hook-calls.ts";
import type { AnyJob } from "./job.ts";
import type { QueueStore } from "./store.ts";
import type { Tracing } from "./tracing.ts";

/** What an attempt needs of its queue. */
export interface Workshop {
  readonly queue: string;
  readonly store: QueueStore;
  readonly jobs: ReadonlyMap<string, AnyJob>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly retentionMs: number;
  readonly hooks?: HookCalls | undefined;
  readonly tracing?: Tracing | undefined;
}
