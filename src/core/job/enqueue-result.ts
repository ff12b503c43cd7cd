import type { EnqueueStatus } from "../store/store.ts";

/** The result of an enqueue. `id` always names a job that exists. */
export interface EnqueueResult {
  /** The id of the job, or the key of the schedule. */
  readonly id: string;
  /**
   * Whether this call made it, replaced what it was to do (`dedupe.replace`), or changed nothing because it existed: by
   * its id, or by `dedupe`.
   */
  readonly status: EnqueueStatus;
  /** When the job is to run; null if it is a duplicate of a job that is running or has finished. */
  readonly runAt: Date | null;
}
