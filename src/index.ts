/**
 * Jobs, queues, schedules, errors, and the store that keeps jobs in memory.
 * No HTTP, no Redis, nothing of Node: it runs everywhere.
 *
 * @module tidegate
 */

export type { DrainOptions } from "./core/drain/options.ts";
export type { DrainedAttempt, DrainedAttempts, DrainReport, StoppedBy } from "./core/drain/report.ts";
export type { EncryptionOptions } from "./core/encryption/keys.ts";
export type { RekeyOptions, RekeyResult } from "./core/encryption/rekey.ts";
export type { BulkJob, BulkJobOf, BulkOptions, TypedBulk, TypedBulkJob } from "./core/enqueue/bulk.ts";
export type { FamilyOptions } from "./core/enqueue/family.ts";
export type { EnqueueFields, EnqueueOptions, RecurringJobOptions, RecurringOptions } from "./core/enqueue/new-job.ts";
export type { FlowControlKey, HeldBack } from "./core/flow/flow-key.ts";
export type { FlowControlListOptions, FlowControlPage, FlowKeys } from "./core/flow/flow-keys.ts";
export type { AttemptInfo } from "./core/job/attempt-info.ts";
export type { Backoff, BackoffRule } from "./core/job/backoff.ts";
export {
  type AnyJob,
  type BatchItem,
  type BatchJobContext,
  type BatchJobDefinition,
  type BatchOptions,
  type ChildJob,
  type CommonJobContext,
  type CommonJobOptions,
  type DefineJobOptions,
  defineJob,
  type Firing,
  type InputOf,
  type JobContext,
  type JobDefinition,
  type JobFamilyOptions,
  type JobHandler,
  type JobOrName,
  type PayloadArguments,
  type PayloadField,
  type PayloadOf,
  type ResultOf,
  type SchedulePayload,
  type SchemaInput,
  type SchemaOutput,
  type Snooze,
  type TypedChildJob,
  type TypedChildren,
} from "./core/job/define.ts";
export type { ChildrenWait, EnqueueResult, JobEnqueueOptions, OneTime } from "./core/job/enqueue.ts";
export {
  JobCancelledError,
  LeaseLostError,
  PermanentError,
  RetryAfterError,
  StepError,
  TimeoutError,
} from "./core/job/errors.ts";
export type { FlowControl, FlowControlLimits, FlowControlOptions } from "./core/job/flow-control.ts";
export type { ChangedByJson, JsonOf, StoredField, UnchangedByJson } from "./core/job/json-of.ts";
export type { AnySchedule, CronSchedule, IntervalSchedule, JobOptions, Schedule } from "./core/job/options.ts";
export type { SleepOptions, StepOptions, StepRun, WaitForOptions } from "./core/job/steps.ts";
export type { TraceContext } from "./core/job/trace-context.ts";
export type { ChildListOptions } from "./core/manage/children.ts";
export type { DeadLetterOptions, RetryOptions } from "./core/manage/dead-letter.ts";
export type { AffectedField, FailureDetails } from "./core/manage/failure-details.ts";
export type { FailureGroup, FailurePage, FailuresOptions } from "./core/manage/failures.ts";
export type {
  Figures,
  FiguresOptions,
  HistoryOptions,
  NameFigures,
  PendingJobs,
  Percentiles,
  QueueFigures,
  QueueHistory,
} from "./core/manage/figures.ts";
export type { JobEvent, JobEventOf } from "./core/manage/job-event.ts";
export type { DeadJob, FailedAttempt, JobError, JobInfo, JobInfoOf, LogLine } from "./core/manage/job-info.ts";
export type { CancelOptions, ClearOptions, JobChange } from "./core/manage/jobs.ts";
export type { DeadListOptions, JobPage, ListOptions } from "./core/manage/list.ts";
export type { QueuePace } from "./core/manage/pace.ts";
export type { PausedJobType } from "./core/manage/paused-jobs.ts";
export type { CancelledJobs, PendingOptions, RescheduledJobs } from "./core/manage/pending-jobs.ts";
export type { DeadSelection, OneOf, PendingSelection, PendingState, Period } from "./core/manage/selection.ts";
export type { SignalOptions, SignalResult } from "./core/manage/signal.ts";
export type { ActivityMinute, Histogram, QueueActivity, QueueStats } from "./core/manage/stats.ts";
export type { StepInfo } from "./core/manage/step-info.ts";
export type { WaitOptions } from "./core/manage/wait.ts";
export type { WatchTokenOptions } from "./core/manage/watch-token.ts";
export type { Alert } from "./core/observe/alerts.ts";
export type {
  ChangedBy,
  ChangeListOptions,
  ChangePage,
  PausedBy,
  PauseOptions,
  QueueChange,
} from "./core/observe/changes.ts";
export type {
  CompleteEvent,
  DeadEvent,
  EnqueueEvent,
  ExpireEvent,
  Hooks,
  LostEvent,
  RetryEvent,
  SnoozeEvent,
  StartEvent,
  StepEvent,
} from "./core/observe/hooks.ts";
export type { Logger } from "./core/observe/log.ts";
export type { Tracing } from "./core/observe/tracing.ts";
export type { Wake } from "./core/observe/wake.ts";
export type { ProducerOptions, QueueOptions } from "./core/queue/options.ts";
export { Producer } from "./core/queue/producer.ts";
export { Queue } from "./core/queue/queue.ts";
export type {
  ScheduledJobOptions,
  ScheduleInfo,
  ScheduleOptions,
  Schedules,
  TypedScheduleOptions,
} from "./core/schedule/schedules.ts";
export type { Clock } from "./core/shared/clock.ts";
export type { Duration, PointInTime } from "./core/shared/duration.ts";
export {
  type ErrorCode,
  InvalidPayloadError,
  isTidegateError,
  type PayloadIssue,
  TidegateError,
} from "./core/shared/errors.ts";
export type { JobChildren, WaitFor } from "./core/store/family.ts";
export type { OutcomeCounts } from "./core/store/stats.ts";
export type { ClearableState, EnqueueStatus, JobState, ProducerStore, Store } from "./core/store/store.ts";
export { memoryStore } from "./stores/memory/index.ts";
