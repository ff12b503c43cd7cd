/**
 * Jobs, queues, schedules, errors, and the store that keeps jobs in memory.
 * No HTTP, no Redis, nothing of Node: it runs everywhere.
 *
 * @module tidegate
 */

export type { ActivityMinute, Histogram, QueueActivity } from "./core/activity.ts";
export type { Backoff, BackoffRule } from "./core/backoff.ts";
export type { BulkJob, BulkOptions, TypedBulk, TypedBulkJob } from "./core/bulk.ts";
export type { Clock } from "./core/clock.ts";
export { LeaseLostError, PermanentError, RetryAfterError, TimeoutError } from "./core/control.ts";
export type { DeadLetterOptions, DeadSelection, RetryOptions } from "./core/dead-letter.ts";
export type { DrainOptions } from "./core/drain-options.ts";
export type { DrainReport, StoppedBy } from "./core/drain-report.ts";
export type { Duration, PointInTime } from "./core/duration.ts";
export type { EnqueueOptions, EnqueueResult, RecurringOptions } from "./core/enqueue.ts";
export {
  type ErrorCode,
  InvalidPayloadError,
  isTidegateError,
  type PayloadIssue,
  TidegateError,
} from "./core/errors.ts";
export type { Logger } from "./core/failure-log.ts";
export type {
  AttemptInfo,
  CompleteEvent,
  DeadEvent,
  EnqueueEvent,
  Hooks,
  LostEvent,
  RetryEvent,
  SnoozeEvent,
  StartEvent,
} from "./core/hooks.ts";
export {
  type AnyJob,
  type DefineJobOptions,
  defineJob,
  type InputOf,
  type JobContext,
  type JobDefinition,
  type JobOptions,
  type PayloadArguments,
  type PayloadField,
  type Schedule,
  type SchedulePayload,
  type SchemaInput,
  type SchemaOutput,
  type Snooze,
} from "./core/job.ts";
export type { JobPage, ListOptions } from "./core/listing.ts";
export { Queue } from "./core/queue.ts";
export type { HoldOptions, JobChange, QueueOptions } from "./core/queue-options.ts";
export type { ScheduleInfo, ScheduleOptions, Schedules, TypedScheduleOptions } from "./core/schedules.ts";
export type { Spending } from "./core/spending.ts";
export type { ClearableState, JobState, Meter, QueueStore, Store } from "./core/store.ts";
export type { TraceContext, Tracing } from "./core/tracing.ts";
export type { DeadJob, FailedAttempt, JobError, JobInfo, QueueStats } from "./core/views.ts";
export { memoryStore } from "./stores/memory.ts";
export { partitioned } from "./stores/partitioned.ts";
