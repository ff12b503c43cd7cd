import type { Duration, PointInTime } from "../shared/duration.ts";
import type { WaitFor } from "../store/family.ts";
import type { EnqueueStatus } from "../store/store.ts";
import type { BackoffRule } from "./backoff.ts";
import type { FlowControlOptions } from "./flow-control.ts";
import type { JobOptions } from "./options.ts";
/** How a job is enqueued by `job.enqueue`. `enqueue` of a queue takes more. */
export interface JobEnqueueOptions extends JobOptions {
  /** Runs after this time. Default: immediately. */
  readonly delay?: Duration | undefined;
  /** Runs at this time. Not together with `delay`. */
  readonly runAt?: PointInTime | undefined;
  /** As in the definition, but not a function, because it is stored with the job. */
  readonly backoff?: BackoffRule | undefined;
  /** Its flow control key and that key's limits. They override the definition's. */
  readonly flowControl?: FlowControlOptions | undefined;
}

/** Options with `delay` or `runAt`, but not both. */
export type OneTime<Options> = Options & ({ readonly delay?: undefined } | { readonly runAt?: undefined });

/** What a job waits for. */
export interface ChildrenWait {
  /**
   * When the job may start. "ended": when all of its children have finished, whether they have completed or are dead.
   * "completed": dead children hold it, until they are retried or removed. In both cases children that were cancelled,
   * cleared or have expired no longer count. Default "ended".
   */
  readonly waitFor?: WaitFor | undefined;
}

/** The result of an enqueue. `id` always names a job that exists. */
export interface EnqueueResult {
  /** The id of the job, or the key of the schedule. */
  readonly id: string;
  /**
   * Whether this call created the job, changed a waiting one (`dedupe.replace`), or did nothing because a job with its
   * id or `dedupe` key existed.
   */
  readonly status: EnqueueStatus;
  /** When the job will run; null if it is a duplicate of a job that is running or has finished. */
  readonly runAt: Date | null;
}
