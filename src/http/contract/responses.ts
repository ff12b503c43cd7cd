import type { DrainedAttempt, DrainedAttempts, DrainReport } from "../../core/drain/report.ts";
import type { RekeyResult } from "../../core/encryption/rekey.ts";
import type { FlowControlKey } from "../../core/flow/flow-key.ts";
import type { FlowControlPage } from "../../core/flow/flow-keys.ts";
import { type HeldBack, heldBackReasons } from "../../core/flow/held-back.ts";
import type { JobChildren } from "../../core/job/children.ts";
import type { EnqueueResult } from "../../core/job/enqueue.ts";
import { missedWords, overlapWords } from "../../core/job/options.ts";
import type { AffectedField, FailureDetails } from "../../core/manage/failure-details.ts";
import type { FailureGroup, FailurePage } from "../../core/manage/failures.ts";
import type {
  Figures,
  NameFigures,
  PendingJobs,
  Percentiles,
  QueueFigures,
  QueueHistory,
} from "../../core/manage/figures.ts";
import type { DeadJob, FailedAttempt, JobError, JobInfo, LogLine } from "../../core/manage/job-info.ts";
import type { JobPage } from "../../core/manage/list.ts";
import type { QueuePace } from "../../core/manage/pace.ts";
import type { PausedJobType } from "../../core/manage/paused-jobs.ts";
import type { CancelledJobs, RescheduledJobs } from "../../core/manage/pending-jobs.ts";
import type { SignalResult } from "../../core/manage/signal.ts";
import type { ActivityMinute, Histogram, QueueActivity, QueueBrief, QueueStats } from "../../core/manage/stats.ts";
import type { StepInfo } from "../../core/manage/step-info.ts";
import type { ChangePage, QueueChange } from "../../core/observe/changes.ts";
import type { QueueList } from "../../core/queue/queues.ts";
import type { ScheduleRow, ScheduleRun } from "../../core/queue/schedule-runs.ts";
import type { Upcoming, UpcomingEvent, UpcomingMinute } from "../../core/queue/upcoming.ts";
import type { ScheduleInfo } from "../../core/schedule/schedules.ts";
import type { PayloadIssue } from "../../core/shared/errors.ts";
import type { JsonSchema } from "../../core/shared/schema.ts";
import { type OutcomeCounts, outcomeCounters, outcomeNames } from "../../core/store/stats.ts";
import { enqueueStatuses, jobStates } from "../../core/store/store.ts";
import { problemKinds } from "./problems.ts";
import type { Problem } from "./requests.ts";

/** The body of a response. Without `json` there is none. */
export interface ResponseBody {
  readonly json?: JsonSchema;
  /** Default: `application/json`. */
  readonly contentType?: string;
}

/** The JSON of a type, with times in ISO 8601. It compiles for this type alone, so no document differs. */
export interface Shape<Value> extends ResponseBody {
  readonly json: JsonSchema;
  /** Carries the type. Never set at run time. */
  readonly type: (value: Value) => Value;
}

const shape = <Value>(json: JsonSchema): Shape<Value> => ({ json }) as Shape<Value>;

interface Optional<Value> {
  readonly optional: Shape<Value>;
}

const optional = <Value>(shape: Shape<Value>): Optional<Value> => ({ optional: shape });

type ShapesOf<Value> = {
  readonly [Name in keyof Value]-?: Record<never, never> extends Pick<Value, Name>
    ? Optional<Exclude<Value[Name], undefined>>
    : Shape<Value[Name]>;
};

/** An object with these fields, all of them and no other. Later versions may add more. */
function record<Value>() {
  return <const Given extends ShapesOf<Value>>(
    fields: Given & { readonly [Name in Exclude<keyof Given, keyof Value>]: never },
  ): Shape<Value> => {
    const shapes = Object.entries<ResponseBody | Optional<unknown>>(fields);
    const properties = Object.fromEntries(
      shapes.map(([name, field]) => [name, "optional" in field ? field.optional.json : field.json]),
    );
    const required = shapes.filter(([, field]) => !("optional" in field)).map(([name]) => name);
    return shape({ type: "object", properties, required });
  };
}

type Words<Text extends string> = Text extends `${infer Word} ${infer Rest}` ? Word | Words<Rest> : Text;

/** Several fields of one shape. @param names with spaces between them. */
function each<const Names extends string, Field>(names: Names, field: Field) {
  return ofAll(names.split(" ") as Words<Names>[], field);
}

function ofAll<Name extends string, Field>(names: readonly Name[], field: Field) {
  return Object.fromEntries(names.map((name) => [name, field])) as { readonly [Each in Name]: Field };
}

const described = <Value>(description: string, { json }: Shape<Value>) => shape<Value>({ ...json, description });

const list = <Item>({ json }: Shape<Item>) => shape<readonly Item[]>({ type: "array", items: json });
const words = <Word extends string>(words: readonly Word[]) => shape<Word>({ type: "string", enum: words });
const nullable = <Value>({ json }: Shape<Value>) => shape<Value | null>({ ...json, type: [json["type"], "null"] });

const anything = shape<unknown>({});
const text = shape<string>({ type: "string" });
const flag = shape<boolean>({ type: "boolean" });
const count = shape<number>({ type: "integer", minimum: 0 });
const amount = shape<number>({ type: "number", minimum: 0 });
const time = shape<Date>({ type: "string", format: "date-time" });

export const nothing: { readonly json?: never } = {};

const path = list(shape<string | number>({ type: ["string", "integer"] }));
export const problem = record<Problem>()({
  status: count,
  ...each("title detail", text),
  code: words(Object.keys(problemKinds) as Problem["code"][]),
  issues: optional(list(record<PayloadIssue>()({ message: text, path }))),
});

const errorFields = each("name message", text);
const stack = optional(text);
const jobError = record<JobError>()({ ...errorFields, stack });
const failedAttempt = record<FailedAttempt>()({
  ...errorFields,
  stack,
  attempt: count,
  failedAt: time,
  startedAt: optional(time),
});

const logLine = record<LogLine>()({ at: time, attempt: count, message: text, data: optional(anything) });

export const heldBack = record<HeldBack>()({
  key: text,
  reason: words(heldBackReasons),
  since: time,
  until: nullable(time),
});
const children = record<JobChildren>()(each("total pending completed dead dropped", count));
export const step = record<StepInfo>()({
  name: text,
  kind: words(["step", "sleep", "wait"]),
  state: words(["completed", "failed", "retrying", "sleeping", "waiting", "signalled", "timedOut"]),
  startedAt: time,
  endedAt: nullable(time),
  attempt: count,
  result: optional(anything),
  error: optional(record<NonNullable<StepInfo["error"]>>()(errorFields)),
  until: optional(time),
});
const waitingFor = record<NonNullable<JobInfo["waitingFor"]>>()({ events: list(text), until: time });
const jobFields = {
  ...each("id name queue", text),
  payload: anything,
  encrypted: optional(text),
  enqueuedAt: time,
  enqueuedBy: optional(text),
  runAt: nullable(time),
  attempts: count,
  maxRetries: nullable(count),
  errors: list(failedAttempt),
  logs: list(logLine),
  heldBack: optional(heldBack),
  children: optional(children),
  steps: optional(list(step)),
  waitingFor: optional(waitingFor),
  ...each("progress result", optional(anything)),
  ...each("expiresAt startedAt leaseEndsAt completedAt", optional(time)),
  schedule: optional(record<{ readonly key: string; readonly occurrence: Date }>()({ key: text, occurrence: time })),
  timeout: optional(nullable(count)),
};
export const job = record<JobInfo>()({
  state: words(jobStates),
  ...jobFields,
  failedAt: optional(time),
  error: optional(jobError),
});
export const deadJob = record<DeadJob>()({ state: words(["dead"]), ...jobFields, failedAt: time, error: jobError });

const cursor = described("The cursor of the next page; null on the last page.", nullable(text));
export const jobPage = record<JobPage>()({ jobs: list(job), cursor });
const isCut = described("With each: whether a state has more jobs.", flag);
const examined = described("How many jobs a search has examined.", count);
export const foundJobs = record<JobPage & { readonly examined?: number; readonly isCut?: boolean }>()({
  ...{ jobs: list(job), cursor },
  ...{ examined: optional(examined), isCut: optional(isCut) },
});
export const deadJobPage = record<JobPage<DeadJob>>()({ jobs: list(deadJob), cursor });

const failureFields = {
  ...each("group name sampleId", text),
  error: record<FailureGroup["error"]>()(errorFields),
  count,
  ...each("firstAt lastAt", time),
  trend: list(nullable(count)),
  age: shape<FailureGroup["age"]>({ enum: ["new", "over", null] }),
};
const failureGroup = record<FailureGroup>()(failureFields);
type Value = AffectedField["values"][number];
const value = record<Value>()({ value: shape<Value["value"]>({ type: ["string", "number", "boolean"] }), count });
export const failureDetails = record<FailureDetails>()({
  ...failureFields,
  byMinute: list(nullable(count)),
  affected: list(record<AffectedField>()({ field: text, values: list(value), of: count })),
});
export const failurePage = record<FailurePage>()({
  failures: list(failureGroup),
  cursor,
  ungrouped: count,
  older: optional(count),
});

const change = record<QueueChange>()({
  at: time,
  operation: text,
  ...each("by target", nullable(text)),
  count: nullable(count),
});
export const changePage = record<ChangePage>()({ changes: list(change), cursor });

export const enqueueResult = record<EnqueueResult>()({
  id: text,
  status: words(enqueueStatuses),
  runAt: nullable(time),
});
export const enqueueResults = record<{ readonly jobs: readonly EnqueueResult[] }>()({ jobs: list(enqueueResult) });

/** The result of one job of several that are stored each for itself. */
export type EachResult = EnqueueResult | { readonly error: Problem };
const refused = record<{ readonly error: Problem }>()({ error: problem });
export const eachResults = record<{ readonly jobs: readonly EachResult[] }>()({
  jobs: list(shape<EachResult>({ anyOf: [enqueueResult.json, refused.json] })),
});

export const duplicateOrMany = shape<
  EnqueueResult | { readonly jobs: readonly EnqueueResult[] } | { readonly jobs: readonly EachResult[] }
>({
  description: "A duplicate, a replaced job, or the results of an array.",
  anyOf: [enqueueResult.json, enqueueResults.json, eachResults.json],
});

export const signalResult = record<SignalResult>()({ woken: count, kept: flag });
export const rekeyed = record<RekeyResult>()({ rekeyed: count, locked: count, left: count, cursor });
export const cleared = record<{ readonly cleared: number }>()({ cleared: count });
export const cancelledJobs = record<CancelledJobs>()({ cancelled: count, cursor });
export const rescheduledJobs = record<RescheduledJobs>()({ rescheduled: count, runAt: time, cursor });
const further = described("Only with a limit: where the next call continues; null at the end.", cursor);
const until = described("Only of a dry run: the count is of jobs that had died by then.", time);
type Piece = { readonly cursor?: string | null; readonly before?: Date };
const piece = { cursor: optional(further), before: optional(until) };
export const retried = record<{ readonly retried: number } & Piece>()({ retried: count, ...piece });
export const removed = record<{ readonly removed: number } & Piece>()({ removed: count, ...piece });

const scheduleFields = {
  ...each("key name timeZone", text),
  ...each("cron every", nullable(text)),
  payload: anything,
  missed: words(missedWords),
  overlap: words(overlapWords),
  ...each("declared paused", flag),
  ...each("nextRunAt lastRunAt", nullable(time)),
  lastJobId: nullable(text),
};
export const schedule = record<ScheduleInfo>()(scheduleFields);
const scheduleRun = record<ScheduleRun>()({
  ...{ at: time, id: text, state: words(jobStates) },
  ...{ error: optional(text), tookMs: optional(count) },
});
type MaybeRow = ScheduleInfo & Partial<ScheduleRow>;
export const scheduleRow = record<MaybeRow>()({
  ...scheduleFields,
  ...{ occurrences: optional(list(time)), runs: optional(list(scheduleRun)), failing: optional(flag) },
});
export const schedules = record<{ readonly schedules: readonly MaybeRow[] }>()({ schedules: list(scheduleRow) });
export const preview = record<{ readonly occurrences: readonly Date[] }>()({ occurrences: list(time) });

export const flowControlKey = record<FlowControlKey>()({
  key: text,
  ...each("concurrency rate period", nullable(count)),
  ...each("ordered paused pinned", flag),
  ...each("running waiting startedInWindow", count),
  windowEndsAt: nullable(time),
});
export const flowControlPage = record<FlowControlPage>()({ keys: list(flowControlKey), cursor });

export const drainedAttempt = record<DrainedAttempt>()({
  ...each("queue id name", text),
  ...each("attempt maxRetries ranMs", count),
  outcome: words(["completed", "retried", "snoozed", "dead", "expired", "lost"]),
  endedAt: time,
  runAt: optional(time),
  error: optional(record<NonNullable<DrainedAttempt["error"]>>()(errorFields)),
});
const attempts = described(
  "The last 1,000 attempts in the order in which they were settled. Only with `attempts: true`.",
  list(drainedAttempt),
);
const attemptsLeftOut = described("How many earlier attempts the list lacks. Only with `attempts: true`.", count);
export const drainReport = record<DrainReport & Partial<DrainedAttempts>>()({
  ...each("claimed completed retried deadLettered snoozed expired released lost rearmed roundTrips commands", count),
  stoppedBy: words(["empty", "maxJobs", "timeBudget", "budget", "paused", "aborted"]),
  nextRunAt: nullable(time),
  backlog: flag,
  attempts: optional(attempts),
  attemptsLeftOut: optional(attemptsLeftOut),
});
export const draining = record<{ readonly status: "draining" }>()({ status: words(["draining"]) });

export const pausedJobType = record<PausedJobType>()({
  name: text,
  ...each("reason by", nullable(text)),
  since: time,
});

const statsFields = {
  totalEnqueued: count,
  ...ofAll(
    outcomeNames.map((name) => outcomeCounters[name].total),
    count,
  ),
  ...each("pendingCount scheduledCount readyCount runningCount deadLetterCount completedCount", count),
  nextRunAt: nullable(time),
  oldestReadyAgeMs: nullable(count),
  pace: record<QueuePace>()({ ...each("arrivals departures", amount), emptyInMs: nullable(count) }),
  paused: flag,
  pausedJobs: list(pausedJobType),
  pausedBy: optional(nullable(text)),
  pausedAt: optional(time),
};
export const stats = record<QueueStats>()(statsFields);

const queueBrief = record<QueueBrief>()({
  queue: text,
  stats: record<QueueStats>()(statsFields),
  ended: described("How many attempts ended in each of the last 60 minutes, oldest first.", list(count)),
});
export const queueList = record<QueueList>()({
  queues: list(queueBrief),
  total: optional(described("All of them together, if there are several.", queueBrief)),
});

const upcomingEvent = record<Omit<UpcomingEvent, "queue">>()({
  ...{ at: time, kind: words(["job", "retry", "occurrence"]) },
  ...each("name of", text),
});
export const upcoming = record<Upcoming>()({
  next: described("The next 50, by time.", list(upcomingEvent)),
  more: described("How many more follow within the hour.", count),
  minutes: list(record<UpcomingMinute>()({ at: time, ...each("jobs retries occurrences", count) })),
  isCut: described("Whether more than 250 jobs are scheduled within the hour.", flag),
});

const histogram = record<Histogram>()({
  bounds: described("Upper bounds in ms.", list(amount)),
  counts: described("One more than the bounds.", list(count)),
  sumMs: amount,
});
const outcomeCounts = ofAll(outcomeNames, count);
const minute = record<ActivityMinute>()({ at: time, ...outcomeCounts });
export const activity = record<QueueActivity>()({
  stats: record<QueueStats>()(statsFields),
  minutes: list(minute),
  ...each("waiting running", histogram),
});

const percentiles = record<Percentiles>()(each("medianMs p95Ms", count));
const figures = record<Figures>()({ at: time, ...outcomeCounts, ...each("waiting running", nullable(percentiles)) });
const estimated = described("Whether only a sample of the jobs was counted.", flag);
const pendingJobs = record<PendingJobs>()({ count, estimated });
const nameFigures = record<NameFigures>()({
  name: text,
  total: record<OutcomeCounts>()(outcomeCounts),
  hour: described("The last 60 to 70 minutes.", figures),
  days: described("Days of UTC, today last.", list(figures)),
  pending: optional(described("How many of its jobs wait. Only with `pending=true`.", pendingJobs)),
});
export const queueFigures = record<QueueFigures>()({ names: list(nameFigures), other: nullable(nameFigures) });
const hours = described("Hours of UTC, the current one last.", list(figures));
export const queueHistory = record<QueueHistory>()({ hours });

export const jobEvents = {
  json: {
    type: "string",
    description:
      "Server-sent events. The data is JSON: state (also gone) and progress, and maybe step, children, result, error.",
  },
  contentType: "text/event-stream",
} as const;
export const metrics = { json: { type: "string" }, contentType: "text/plain; version=0.0.4; charset=utf-8" } as const;

export const paused = record<{ readonly paused: boolean }>()({ paused: flag });
export const resumed = record<{ readonly resumed: boolean }>()({ resumed: flag });
export const healthy = record<{ readonly status: "ok"; readonly version?: string }>()({
  status: words(["ok"]),
  version: optional(text),
});

export const openApi: ResponseBody = { json: { type: "object", description: "An OpenAPI 3.1 document." } };
