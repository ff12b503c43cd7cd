import type { Logger } from "./failure-log.ts";
import type { HookCalls } from "./hook-calls.ts";
import type { QueueSettings } from "./queue-options.ts";
import type { QueueStore } from "./store.ts";
import type { TraceCalls } from "./tracing.ts";

/** What an attempt needs of its queue. */
export interface Workshop extends Pick<QueueSettings, "jobs" | "clock" | "random" | "retentionMs"> {
  readonly queue: string;
  readonly store: QueueStore;
  readonly hooks?: HookCalls | undefined;
  readonly logger?: Logger | undefined;
  readonly traces?: TraceCalls | undefined;
}
