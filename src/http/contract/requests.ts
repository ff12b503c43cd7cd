import { LONGEST_EXPRESSION } from "../../core/cron/cron.ts";
import { LEAST_ROUND_TRIPS, NO_LIMIT } from "../../core/drain/options.ts";
import { HIGHEST_LIMIT, LONGEST_FLOW_KEY } from "../../core/job/flow-control.ts";
import { LONGEST_ID, LONGEST_NAME, MOST_RETRIES, missedWords, overlapWords } from "../../core/job/options.ts";
import { pendingStates } from "../../core/manage/pending-jobs.ts";
import { LONGEST_KEY } from "../../core/schedule/schedules.ts";
import type { ErrorCode, PayloadIssue, TidegateError } from "../../core/shared/errors.ts";
import { MOST_AT_ONCE } from "../../core/shared/limits.ts";
import { groupPattern } from "../../core/store/failures.ts";
import { DAYS_KEPT, HOURS_KEPT } from "../../core/store/figures.ts";
import { clearableStates, jobStates } from "../../core/store/store.ts";
import {
  anything,
  cursorIn,
  duration,
  type Fields,
  flag,
  formed,
  isObject,
  list,
  object,
  oneBy,
  pathText,
  type Schema,
  share,
  span,
  string,
  text,
  time,
  type ValueOf,
  whole,
  withKeywords,
  word,
  yes,
} from "./schema.ts";

// What goes over the wire. The client imports types only, so that it stays small.

/** An error as `application/problem+json` (RFC 9457). */
export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly code: ErrorCode | "internal_error";
  /** With `invalid_payload`: the schema's issues. */
  readonly issues?: readonly PayloadIssue[];
}

const MOST_IDS = 1_000;
const LONGEST_ZONE = 100;
const LONGEST_CURSOR = 2_000;

const id = text(LONGEST_ID, "order-7");
const name = text(LONGEST_NAME, "send_email");
const key = text(LONGEST_KEY, "daily");
const newId = pathText(LONGEST_ID, "order-7");
const newKey = pathText(LONGEST_KEY, "daily");
const cursor = cursorIn(jobStates, LONGEST_CURSOR);
const limit = whole(1, 1_000);

/** The parameters of paths. */
export const pathParts = { id, key, queue: text(LONGEST_NAME, "default") };

/** A flow control key. */
export const flowKey = pathText(LONGEST_FLOW_KEY, "tenant-7");
const limitFields = {
  concurrency: whole(1, HIGHEST_LIMIT),
  rate: whole(1, HIGHEST_LIMIT),
  period: span,
  ordered: flag,
};
/** Which limits of a key contradict each other, or mean nothing alone. */
const limitRules = {
  dependentRequired: { rate: ["period"], period: ["rate"] },
  not: {
    required: ["ordered", "concurrency"],
    properties: { ordered: { const: true }, concurrency: { not: { const: 1 } } },
  },
};
export const flowLimits = withKeywords(object(limitFields), { ...limitRules, examples: [{ concurrency: 2 }] });
// The definition of the job may have what is missing here.
export const flowControl = object({ key: flowKey, ...limitFields });
export const flowsQuery = object({
  cursor: withKeywords(string(LONGEST_CURSOR), { description: "The cursor of the previous page." }),
  limit,
});

const LONGEST_MARK = 24;

export const backoff = object({ type: word(["exponential", "fixed"]), base: duration, max: duration, jitter: share });
const attemptFields = { maxRetries: whole(0, MOST_RETRIES), backoff, timeout: span };

const scheduleFields = {
  name,
  payload: anything,
  cron: withKeywords(string(LONGEST_EXPRESSION), {
    description: "Five fields, or six with seconds first.",
    examples: ["0 9 * * *"],
  }),
  timeZone: withKeywords(string(LONGEST_ZONE), { examples: ["Europe/Paris"] }),
  missed: word(missedWords),
  overlap: word(overlapWords),
  ...attemptFields,
};

const eitherTime = { not: { required: ["delay", "runAt"] } };

export const newJob = withKeywords(
  object(
    {
      name,
      payload: anything,
      id: newId,
      delay: duration,
      runAt: time,
      ...attemptFields,
      dedupe: object({ key: text(LONGEST_ID, "user-7"), ttl: span, replace: flag }, ["key", "ttl"]),
      flowControl,
    },
    ["name"],
  ),
  { ...eitherTime, examples: [{ name: "send_email", payload: { to: "ada@example.com" }, delay: "5m" }] },
);
export const recurringJob = object({ id: newKey, ...scheduleFields }, ["name", "cron"]);
const manyJobs = list(newJob, MOST_AT_ONCE);

/** What a `POST /jobs` asks for. In "each", a job that cannot be read is the error that it would get alone. */
export type EnqueueRequest =
  | { readonly kind: "each"; readonly jobs: readonly (ValueOf<typeof newJob> | TidegateError)[] }
  | { readonly kind: "one"; readonly job: ValueOf<typeof newJob> }
  | { readonly kind: "many"; readonly jobs: ValueOf<typeof manyJobs> }
  | { readonly kind: "recurring"; readonly job: ValueOf<typeof recurringJob> };

export const enqueueQuery = object({
  each: withKeywords(flag, { description: "Stores each job of an array for itself. Default: all or none." }),
});
export const enqueueBody: Schema<EnqueueRequest> = {
  json: { anyOf: [newJob.json, recurringJob.json, manyJobs.json] },
  read(value, name) {
    if (Array.isArray(value)) return { kind: "many", jobs: manyJobs.read(value, "jobs") };
    if (isObject(value) && Object.hasOwn(value, "cron"))
      return { kind: "recurring", job: recurringJob.read(value, name) };
    return { kind: "one", job: newJob.read(value, name) };
  },
};

export const changeBody = withKeywords(object({ runAt: time, delay: duration, payload: anything }), {
  ...eitherTime,
  minProperties: 1,
  examples: [{ delay: "1h" }],
});
export const jobsQuery = object({ state: word(jobStates), name, cursor, limit });
export const cancelQuery = object({
  running: withKeywords(flag, { description: "Whether the job may run: it is aborted then. Default false." }),
});
export const clearQuery = object({ state: word(clearableStates) }, ["state"]);

const pendingCursor = cursorIn(pendingStates, LONGEST_CURSOR);
const pendingJobs = <const More extends Fields>(more: More, rules: Readonly<Record<string, unknown>> = {}) => {
  const some = { state: word(pendingStates), cursor: pendingCursor, ...more };
  return oneBy({
    ids: withKeywords(object({ ids: list(id, MOST_AT_ONCE), ...more }, ["ids"]), rules),
    name: withKeywords(object({ name, ...some }, ["name"]), rules),
    all: withKeywords(object({ all: yes, ...some }, ["all"]), rules),
  });
};
export const cancelManyBody = pendingJobs({ dryRun: flag });
export const rescheduleManyBody = pendingJobs(
  { dryRun: flag, runAt: time, delay: duration },
  {
    oneOf: [{ required: ["runAt"] }, { required: ["delay"] }],
    // A duration would end later in each call.
    not: { required: ["cursor", "delay"] },
  },
);

const group = formed(groupPattern, "3f1c9a04b7de", "a group of failures, as GET /failures gives it");
export const failuresQuery = object({
  cursor: withKeywords(formed(groupPattern, "3f1c9a04b7de", "the cursor of the previous page"), {
    description: "The cursor of the previous page.",
  }),
  limit,
});
export const deadQuery = object({ name, group, cursor: cursorIn(["dead"], LONGEST_CURSOR), limit });
export const retryBody = withKeywords(object({ payload: anything }), {
  examples: [{ payload: { to: "ada@example.com" } }],
});
const ids = list(id, MOST_IDS);
const deadJobs = <const More extends Fields>(more: More) =>
  oneBy({
    ids: object({ ids, ...more }, ["ids"]),
    name: object({ name, ...more }, ["name"]),
    group: object({ group, ...more }, ["group"]),
    all: object({ all: yes, ...more }, ["all"]),
  });
export const removeManyBody = deadJobs({ dryRun: flag });
export const retryManyBody = deadJobs({ dryRun: flag, payload: anything });

export const scheduleBody = object(scheduleFields, ["name", "cron"]);
export const previewQuery = object({ count: whole(1, 1_000) });

export const queuesQuery = object({
  mark: withKeywords(string(LONGEST_MARK), {
    description: "The mark of the answer before; empty for the first. If nothing has happened since, queues is null.",
  }),
});
export const figuresQuery = object({
  days: whole(0, DAYS_KEPT),
  pending: withKeywords(flag, {
    description: "Whether to count the jobs that wait under each name, for 3 to 6 commands more. Default false.",
  }),
});
export const metricsQuery = object({ keys: flag });
export const historyQuery = object({ hours: whole(1, HOURS_KEPT) });

const roundTrips = whole(LEAST_ROUND_TRIPS, NO_LIMIT);
const commands = whole(1, NO_LIMIT);
const drainFields = {
  maxJobs: whole(1, NO_LIMIT),
  concurrency: whole(1, 10_000),
  timeBudget: duration,
  grace: duration,
  linger: duration,
  batchSize: whole(1, 1_000),
  attempts: withKeywords(flag, {
    description:
      "Whether the answer lists how each attempt of this drain ended. Needs a token with the scope `read` or `admin` too. Default false.",
  }),
};
export const drainBody = object({ ...drainFields, budget: object({ roundTrips, commands }) });
export const drainQuery = object({ ...drainFields, "budget.roundTrips": roundTrips, "budget.commands": commands });

/** For a route that takes no query parameters. */
export const noQuery = object({});
