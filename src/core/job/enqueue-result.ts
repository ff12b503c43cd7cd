import type { EnqueueStatus } from "../store/store.ts";

/** The result of an enqueue. `id` always names a job that exists. */
export interface EnqueueResult {
  /** The id of the job, or the key of the schedule. */
  readonly id: string;
  /**
   * Whether this call made the job, changed a waiting one (`dedupe.replace`), or did nothing because a job with its id
   * or `dedupe` key existed.
   */
  readonly status: EnqueueStatus;
  /** When the job is to run; null if it is a duplicate of a job that is running or has finished. */
  readonly runAt: Date | null;
}
