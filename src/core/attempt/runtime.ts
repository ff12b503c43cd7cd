import type { AnyJob } from "../job/define.ts";
import type { HookCalls } from "../observe/hook-runner.ts";
import type { Logger } from "../observe/log.ts";
import type { TraceCalls } from "../observe/tracing.ts";
import type { Clock } from "../shared/clock.ts";
import type { QueueStore } from "../store/store.ts";

/** What attempts need from their queue. */
export interface AttemptRuntime {
  readonly jobs: ReadonlyMap<string, AnyJob>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly retentionMs: number;
  readonly observe: boolean;
  readonly queue: string;
  readonly store: QueueStore;
  readonly hooks?: HookCalls | undefined;
  readonly logger?: Logger | undefined;
  readonly traces?: TraceCalls | undefined;
  /**
   * How far apart to send what can wait, so that the budget lasts for this long: 0 while there is enough, infinite if nothing is left. Default:
   * there always is.
   */
  readonly spacing?: ((ms: number) => number) | undefined;
}
