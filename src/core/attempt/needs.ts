import type { EnqueueNeeds, StoreNeeds } from "../enqueue/needs.ts";
import type { Alerting } from "../observe/alerts.ts";
import type { HookCalls } from "../observe/hook-runner.ts";
import type { Logger } from "../observe/log.ts";
import type { TraceCalls } from "../observe/tracing.ts";
import type { StepSaver } from "./step-saver.ts";

export interface AttemptNeeds
  extends Pick<EnqueueNeeds, "queue" | "definitions" | "clock" | "random" | "newId">,
    Pick<StoreNeeds, "store"> {
  /** How long completed jobs are kept. */
  readonly retentionMs: number;
  readonly observe: boolean;
  readonly alerting?: Alerting | undefined;
  readonly logger?: Logger | undefined;
  readonly hooks?: HookCalls | undefined;
  readonly traces?: TraceCalls | undefined;
  /**
   * How far apart to send requests that can wait, so that the budget lasts this long, in ms: 0 while there is enough,
   * infinite if nothing is left. Default: always 0.
   */
  readonly spacing?: ((ms: number) => number) | undefined;
  /** Stores the steps of all jobs of a drain. Default: each job stores its own. */
  readonly stepSaver?: StepSaver | undefined;
  /**
   * Whether the invocation has time for a step that takes so long. The first step of an attempt may always begin.
   * Default: it always has.
   */
  readonly hasTimeFor?: ((timeoutMs: number, isFirst: boolean) => boolean) | undefined;
}
