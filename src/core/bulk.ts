import { type EnqueueOptions, newJob, resolveJob } from "./enqueue.ts";
import { invalidRequest, isTidegateError } from "./errors.ts";
import type { AnyJob } from "./job.ts";
import { jobDefaults, timeoutMs } from "./options.ts";
import type { NewJob } from "./store.ts";

/** One job for `enqueueMany`. */
export type BulkJob<Job extends AnyJob = AnyJob> = {
  readonly job: Job | string;
  readonly payload?: unknown;
} & EnqueueOptions;

export interface BulkOptions {
  /** Called after each piece of 1,000 with how many are stored. */
  readonly onProgress?: (done: number) => void;
}

/** The most jobs that one atomic call stores. */
export const MOST_AT_ONCE = 1_000;

/**
 * Builds jobs that are to be stored together, all of them checked.
 *
 * @throws {TidegateError} as `newJob` does; where there are several, the message tells which was refused.
 */
export async function newJobs(
  bulk: readonly BulkJob[],
  jobs: ReadonlyMap<string, AnyJob>,
  now: number,
  newId: (dedupeKey?: string) => string,
): Promise<readonly NewJob[]> {
  if (!Array.isArray(bulk)) throw invalidRequest("enqueueMany takes an array of { job, payload, ...options }.");
  const build = async ({ job, payload, ...options }: BulkJob) => {
    const { name, definition } = resolveJob(job, jobs);
    return newJob(name, definition, payload, options, now, newId);
  };
  if (bulk.length === 1) return Promise.all(bulk.map(build));
  return Promise.all(
    bulk.map((job, index) => build(job).catch((error: unknown) => Promise.reject(atIndex(error, index)))),
  );
}

/** How long one attempt of a job may take, in ms. */
export function attemptMs({ job, timeout }: BulkJob, jobs: ReadonlyMap<string, AnyJob>): number {
  return timeoutMs(timeout ?? resolveJob(job, jobs).definition?.timeout ?? jobDefaults.timeout);
}

/** Says which job of several was refused. */
function atIndex(error: unknown, index: number): unknown {
  if (isTidegateError(error)) error.message = `Job ${index}: ${error.message}`;
  return error;
}
