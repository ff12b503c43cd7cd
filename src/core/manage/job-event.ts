import type { AnyJob, ResultOf } from "../job/define.ts";
import type { JsonOf } from "../job/json-of.ts";
import type { JobChildren } from "../store/family.ts";
import type { JobState } from "../store/store.ts";
import type { JobError, JobInfo } from "./job-info.ts";

/** What somebody who watches a job sees of it. `JobEventOf` knows the type of its result. */
export interface JobEvent<Result = unknown> {
  /**
   * Its state. "gone": it no longer exists, because it was cancelled or removed, or completed longer ago than the
   * queue's `retention`. No event follows "completed", "dead" and "gone".
   */
  readonly state: JobState | "gone";
  /** What `job.progress` stored last; null if nothing. A completed job keeps none: then it is what was last seen. */
  readonly progress: unknown;
  /**
   * The latest step that the job has stored: what it has done last, or the sleep or the wait that it is in. Only while
   * it has not ended.
   */
  readonly step?: string;
  /** What has become of its children, if it has any. */
  readonly children?: JobChildren;
  /** What `perform` returned; null for nothing. Only of a completed job, and only if the token shows results. */
  readonly result?: Result;
  /** Why it is dead. Only of a dead job, and only if the token shows results. */
  readonly error?: Pick<JobError, "name" | "message">;
}

/** An event of a job of a definition. Its result has the type in which it arrives. */
export type JobEventOf<Job extends AnyJob> = JobEvent<JsonOf<ResultOf<Job>> | null>;

/** @param job null if it no longer exists. @param showsResults whether results and errors may be seen. */
export function jobEvent(job: JobInfo | null, showsResults: boolean): JobEvent {
  if (!job) return { state: "gone", progress: null };
  const { state, progress = null, children, result, error } = job;
  const step = isLast(job) ? undefined : job.steps?.at(-1);
  return {
    state,
    progress,
    ...(step && { step: step.name }),
    ...(children && { children }),
    ...(showsResults && result !== undefined && { result }),
    ...(showsResults && error && { error: { name: error.name, message: error.message } }),
  };
}

export function isLast({ state }: Pick<JobEvent, "state">): boolean {
  return state === "completed" || state === "dead" || state === "gone";
}
