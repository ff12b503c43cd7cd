import type { QueueContext } from "../enqueue/context.ts";
import type { HookCalls } from "../observe/hook-runner.ts";
import type { TraceCalls } from "../observe/tracing.ts";
import type { StepSaver } from "./step-saver.ts";
import type { Timeouts } from "./timeouts.ts";

/** A queue as an attempt sees it. */
export interface AttemptNeeds
  extends Pick<QueueContext, "queue" | "definitions" | "enqueuesAnyJob" | "clock" | "random" | "newId" | "store">,
    Pick<QueueContext, "retentionMs" | "observe" | "alerting" | "logger"> {
  readonly timeouts: Timeouts;
  readonly hooks?: HookCalls | undefined;
  readonly traces?: TraceCalls | undefined;
  /**
   * How far apart to send requests that can wait, so that the budget lasts this long, in ms: 0 while there is enough,
   * infinite if nothing is left. Default: always 0.
   */
  readonly spacing?: ((ms: number) => number) | undefined;
  /** Stores the steps of all jobs of a drain. Default: each job stores its own. */
  readonly stepSaver?: StepSaver | undefined;
  /** Whether there is time for a step that takes so long. The first one may always begin. Default: there is. */
  readonly hasTimeFor?: ((timeoutMs: number, isFirst: boolean) => boolean) | undefined;
}
