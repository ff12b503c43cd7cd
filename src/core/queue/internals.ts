import type { DrainableQueue } from "../drain/drain-queues.ts";
import type { DrainOptions, InternalDrainOptions } from "../drain/options.ts";
import type { DrainReport } from "../drain/report.ts";
import type { BulkJob } from "../enqueue/bulk.ts";
import type { HeldJobs, HoldOptions } from "../enqueue/enqueuer.ts";
import type { GivenFamily } from "../enqueue/family.ts";
import type { EnqueueResult } from "../job/enqueue.ts";
import type { TraceContext } from "../job/trace-context.ts";
import type { DeadJobChanges } from "../manage/dead-letter.ts";
import type { ReadFailure } from "../manage/failure-details.ts";
import type { JobInfo } from "../manage/job-info.ts";
import type { JobPage, KeyedJob, ListOptions } from "../manage/list.ts";
import type { PausedJobType, PauseJobsOptions } from "../manage/paused-jobs.ts";
import type { QueueMeasures } from "../manage/stats.ts";
import type { WatchTokens } from "../manage/watch-token.ts";
import type { QueueChange } from "../observe/changes.ts";
import type { FlowChange, FlowState } from "../store/flow.ts";
import type { Meter } from "../store/meter.ts";
import type { JobState, QueueStore } from "../store/store.ts";

/** What the rest of the package needs from a queue, and its users do not. */
export interface QueueInternals extends DrainableQueue {
  /** What calls of this object have cost, without drains. */
  readonly meter: Readonly<Meter>;
  /** As in `QueueStore`. */
  readonly keepsConnection?: boolean | undefined;
  readonly store: QueueStore;
  readonly watchTokens: WatchTokens;
  /** Reads a job as `Queue.getJob` does, in one request: without what holds it back. */
  readJob(id: string): Promise<JobInfo | null>;
  /** Reads jobs in the same way: up to 9 commands, more if they are large. Leaves out those that are gone. */
  readJobs(ids: readonly string[]): Promise<readonly JobInfo[]>;
  /** Lists jobs as `Queue.listJobs` does, each with its flow control key, and with what holds it back. */
  listKeyedJobs(options: ListOptions, order?: readonly JobState[]): Promise<JobPage<KeyedJob>>;
  /** Reads a group of failures as `Queue.getFailure` does, with a page of its jobs. */
  readFailure(group: string, cursor?: string): Promise<ReadFailure>;
  retryDead(id: string, payload: unknown, changes: DeadJobChanges): Promise<void>;
  measure(): Promise<QueueMeasures>;
  /** Changes any flow control key, even a reserved one, and in ways that `Queue.flowControl` does not offer. */
  changeFlow(key: string, change: FlowChange): Promise<void>;
  findFlow(key: string): Promise<FlowState | undefined>;
  /**
   * Stores jobs as `enqueueMany` does, and leases those that are due to the caller at once: the eager start.
   * `drain({ held })` then runs them. Without that they are due again when their leases run out.
   *
   * @throws as `enqueueMany`
   */
  enqueueHeld(jobs: readonly BulkJob[], options?: HoldOptions): Promise<HeldJobs>;
  /** The same, but stores each job separately: a refused one does not keep the others from being stored. */
  enqueueEach(jobs: readonly BulkJob[], options?: HoldOptions): Promise<HeldJobs<PromiseSettledResult<EnqueueResult>>>;
  /** Stores a job with its children. @throws as `Queue.enqueue` */
  enqueueFamily(given: GivenFamily, caller?: TraceContext): Promise<EnqueueResult>;
  /** Drains as `Queue.drain` does, with more options. */
  drain(inner: InternalDrainOptions, options?: DrainOptions): Promise<DrainReport>;
  /** Pauses a job type, and lists no change. */
  pauseJobs(name: string, given: PauseJobsOptions & { readonly by: string | null }): Promise<PausedJobType>;
  /** Lists a change that came over HTTP (`noteChange`). */
  noteChange(change: Omit<QueueChange, "at" | "count">, result: unknown): Promise<void>;
  /** Reads a text that changes when anything happens to jobs: see `QueueStore.pulse`. */
  pulse(): Promise<string>;
}

// In the registry of symbols, so that a copy of the package finds it on a queue of another copy.
const key = Symbol.for("tidegate.queue");

export function attachInternals(queue: object, internals: QueueInternals): void {
  Object.defineProperty(queue, key, { value: internals });
}

export function hasInternals(value: unknown): boolean {
  return typeof value === "object" && value !== null && key in value;
}

export function internalsOf(queue: object): QueueInternals {
  return (queue as { readonly [key]: QueueInternals })[key];
}
