import { budgetOptions, drainOptions } from "../../core/drain/options.ts";
import { rekeyOptions } from "../../core/encryption/rekey.ts";
import { LONGEST_PARENT_ID } from "../../core/enqueue/family.ts";
import { enqueueOptions } from "../../core/enqueue/new-job.ts";
import { limitOptions } from "../../core/job/flow-control.ts";
import { idText, LONGEST_NAME, nameText, withRule } from "../../core/job/options.ts";
import { eventName } from "../../core/job/steps.ts";
import { retryOptions } from "../../core/manage/dead-letter.ts";
import { groupText } from "../../core/manage/failures.ts";
import { changeOptions, clearOptions } from "../../core/manage/jobs.ts";
import { deadSelection, pendingSelection, pendingStates } from "../../core/manage/selection.ts";
import { signalOptions } from "../../core/manage/signal.ts";
import { pauseOptions } from "../../core/observe/changes.ts";
import { LONGEST_KEY, recurringFields } from "../../core/schedule/schedules.ts";
import type { ErrorCode, PayloadIssue, TidegateError } from "../../core/shared/errors.ts";
import { MOST_AT_ONCE } from "../../core/shared/limits.ts";
import {
  anything,
  cursorIn,
  described,
  duration,
  type Fields,
  flag,
  isObject,
  limit,
  list,
  object,
  pathText,
  type Schema,
  string,
  text,
  time,
  type ValueOf,
  whole,
  withKeywords,
  word,
} from "../../core/shared/schema.ts";
import { MOST_CHILDREN, waitForWords } from "../../core/store/family.ts";

// The shapes of requests: the schemas of the core's options, and those of what only a request has.
// The client imports types only, so that it stays small.

export { flowListOptions as flowsQuery } from "../../core/flow/flow-keys.ts";
export { backoffRule as backoff } from "../../core/job/backoff.ts";
export { flowControlOptions as flowControl, flowKeyText as flowKey } from "../../core/job/flow-control.ts";
export { childListOptions as childrenQuery } from "../../core/manage/children.ts";
export { failuresOptions as failuresQuery } from "../../core/manage/failures.ts";
export { figuresOptions as figuresQuery, historyOptions as historyQuery } from "../../core/manage/figures.ts";
export { cancelOptions as cancelQuery } from "../../core/manage/jobs.ts";
export { deadListOptions as deadQuery } from "../../core/manage/list.ts";
export { findOptions as jobsQuery } from "../../core/manage/search.ts";
export { changeListOptions as changesQuery } from "../../core/observe/changes.ts";

/** An error as `application/problem+json` (RFC 9457). */
export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly code: ErrorCode | "internal_error";
  /** With `invalid_payload`: the schema's issues. */
  readonly issues?: readonly PayloadIssue[];
}

const parameters = <const Parts extends Fields>(fields: Parts) => object(fields, [], "the query");
const newKey = pathText(LONGEST_KEY, "daily");

export const pathParts = {
  id: idText,
  group: groupText,
  event: eventName,
  name: nameText,
  key: text(LONGEST_KEY, "daily"),
  queue: text(LONGEST_NAME, "default"),
};

/** Which limits of a key contradict each other, or mean nothing alone. */
const limitRules = {
  dependentRequired: { rate: ["period"], period: ["rate"] },
  not: {
    required: ["ordered", "concurrency"],
    properties: { ordered: { const: true }, concurrency: { not: { const: 1 } } },
  },
};
export const flowLimits = withKeywords(limitOptions, { ...limitRules, examples: [{ concurrency: 2 }] });

const eitherTime = { not: { required: ["delay", "runAt"] } };

export const newJob = withKeywords(object({ name: nameText, payload: anything, ...enqueueOptions.fields }, ["name"]), {
  ...eitherTime,
  examples: [{ name: "send_email", payload: { to: "ada@example.com" }, delay: "5m" }],
});
const { id: _id, dedupe: _dedupe, ...childOptions } = enqueueOptions.fields;
const childFields = { name: nameText, payload: anything, ...childOptions };
const grandchild = withKeywords(object(childFields, ["name"]), eitherTime);
const waitFor = word(waitForWords);
const childJob = withKeywords(
  object({ ...childFields, waitFor, children: list(grandchild, MOST_CHILDREN) }, ["name"]),
  { ...eitherTime, dependentRequired: { waitFor: ["children"] } },
);
const children = list(childJob, MOST_CHILDREN);
export const parentJob = withKeywords(
  object({ ...childFields, id: pathText(LONGEST_PARENT_ID, "report-may"), waitFor, children }, ["name", "children"]),
  {
    ...eitherTime,
    examples: [{ name: "report", payload: { month: "May" }, children: [{ name: "import_row", payload: 1 }] }],
  },
);
const scheduleFields = { name: nameText, ...recurringFields };
export const scheduleBody = withRule(object(scheduleFields, ["name"]));
export const recurringJob = withRule(object({ id: newKey, ...scheduleFields }, ["name"]));
const manyJobs = list(newJob, MOST_AT_ONCE);

/** The body of `POST /jobs`. In "each", a wrong job is the error that it would get alone. */
export type EnqueueRequest =
  | { readonly kind: "each"; readonly jobs: readonly (ValueOf<typeof newJob> | TidegateError)[] }
  | { readonly kind: "one"; readonly job: ValueOf<typeof newJob> }
  | { readonly kind: "parent"; readonly job: ValueOf<typeof parentJob> }
  | { readonly kind: "many"; readonly jobs: ValueOf<typeof manyJobs> }
  | { readonly kind: "recurring"; readonly job: ValueOf<typeof recurringJob> };

export const enqueueQuery = parameters({
  each: described(flag, "Stores each of an array's jobs on its own. Default: all or none."),
});
export const enqueueBody: Schema<EnqueueRequest> = {
  json: { anyOf: [newJob.json, parentJob.json, recurringJob.json, manyJobs.json] },
  read(value, name) {
    if (Array.isArray(value)) return { kind: "many", jobs: manyJobs.read(value, "jobs") };
    if (isObject(value) && ["cron", "every"].some((rule) => Object.hasOwn(value, rule)))
      return { kind: "recurring", job: recurringJob.read(value, name) };
    if (isObject(value) && Object.hasOwn(value, "children"))
      return { kind: "parent", job: parentJob.read(value, name) };
    return { kind: "one", job: newJob.read(value, name) };
  },
};

export const changeBody = withKeywords(changeOptions, {
  ...eitherTime,
  minProperties: 1,
  examples: [{ delay: "1h" }],
});
export const pauseBody = withKeywords(object(pauseOptions.fields), { examples: [{ reason: "CRM is down" }] });

export const signalBody = withKeywords(object({ data: anything, ...signalOptions.fields }), {
  examples: [{ data: { text: "yes" }, id: "msg-17" }],
});

const dryRun = described(flag, "Only counts the jobs, and changes nothing. Default false.");
export const clearQuery = object({ ...clearOptions.fields, dryRun }, ["state"], "the query");

const paged = { cursor: cursorIn(pendingStates) };
export const cancelManyBody = pendingSelection({ dryRun }, paged);
const moved = pendingSelection({ dryRun, runAt: time, delay: duration }, paged);
export const rescheduleManyBody = withKeywords(moved, {
  oneOf: [{ required: ["runAt"] }, { required: ["delay"] }],
  // A duration would end later in each call.
  not: { required: ["cursor", "delay"] },
});

export const retryBody = withKeywords(object({ payload: anything, over: retryOptions.fields.over }), {
  examples: [{ payload: { to: "ada@example.com" } }],
});
/** Those of a call of several, each with the newest jobs that none has taken yet. */
const deadPage = {
  limit: described(limit, "At most this many, newest first. While there is a cursor, more follow. Default: all."),
  cursor: cursorIn(["dead"]),
};
export const removeManyBody = deadSelection({ dryRun }, deadPage);
export const retryManyBody = deadSelection({ dryRun, payload: anything, over: retryOptions.fields.over }, deadPage);

const runs = described(flag, "Adds the next occurrences, and how the jobs of the last five ended. Default false.");
export const schedulesQuery = parameters({ runs });

export const rekeyBody = withKeywords(object(rekeyOptions.fields), { examples: [{ limit: 100 }] });

export const previewQuery = parameters({ count: whole(1, 1_000) });

/** A token of a queue and an id of the longest names, with every character escaped. */
const LONGEST_WATCH_TOKEN = 8_000;
export const eventsQuery = parameters({
  token: described(string(LONGEST_WATCH_TOKEN), "A watch token, for an EventSource, which sends no headers."),
});
export const metricsQuery = parameters({ keys: flag });

const { budget, signal: _, checkEvery: __, onProgress: ___, ...bounds } = drainOptions.fields;
const drainFields = {
  ...bounds,
  attempts: described(
    flag,
    "Whether the response lists how each attempt of this drain ended. Needs a token with the scope `read` or `admin` too. Default false.",
  ),
};
export const drainBody = object({ ...drainFields, budget });
const { roundTrips, commands } = budgetOptions.fields;
export const drainQuery = parameters({ ...drainFields, "budget.roundTrips": roundTrips, "budget.commands": commands });

export const noQuery = parameters({});
/** The body of a request that needs none: empty, or without fields. */
export const noBody = object({});
