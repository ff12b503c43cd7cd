import { MOST_AT_ONCE } from "../core/bulk.ts";
import type { PayloadIssue } from "../core/errors.ts";
import { LONGEST_ID, LONGEST_NAME, MOST_RETRIES } from "../core/options.ts";
import { LONGEST_KEY } from "../core/schedules.ts";
import { clearableStates, jobStates } from "../core/store.ts";
import {
  anything,
  duration,
  flag,
  isObject,
  list,
  object,
  type Schema,
  share,
  string,
  text,
  time,
  type ValueOf,
  whole,
  word,
} from "./schema.ts";

// What goes over the wire. The client takes types from here and nothing else, since it must stay small.

/** An error as `application/problem+json` (RFC 9457). */
export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly code: string;
  /** With `invalid_payload`: what the schema found. */
  readonly issues?: readonly PayloadIssue[];
}

const MOST_IDS = 1_000;
const MOST_DRAINED = 1_000_000_000;
const LONGEST_CRON = 256;
const LONGEST_ZONE = 100;
const LONGEST_CURSOR = 2_000;

const id = text(LONGEST_ID);
const name = text(LONGEST_NAME);
const cursor = string(LONGEST_CURSOR);
const limit = whole(1, 1_000);

const attemptFields = {
  maxRetries: whole(0, MOST_RETRIES),
  backoff: object({ type: word(["exponential", "fixed"]), base: duration, max: duration, jitter: share }),
  timeout: duration,
};

const scheduleFields = {
  name,
  payload: anything,
  cron: string(LONGEST_CRON),
  timeZone: string(LONGEST_ZONE),
  missed: word(["once", "skip", "all"]),
  overlap: word(["allow", "skip"]),
  ...attemptFields,
};

const newJob = object(
  {
    name,
    payload: anything,
    id,
    delay: duration,
    runAt: time,
    ...attemptFields,
    dedupe: object({ key: text(LONGEST_ID), ttl: duration }, ["key", "ttl"]),
  },
  ["name"],
);
const recurringJob = object({ id: text(LONGEST_KEY), ...scheduleFields }, ["name", "cron"]);
const manyJobs = list(newJob, MOST_AT_ONCE);

/** What `POST /jobs` was asked for. */
export type EnqueueRequest =
  | { readonly kind: "one"; readonly job: ValueOf<typeof newJob> }
  | { readonly kind: "many"; readonly jobs: ValueOf<typeof manyJobs> }
  | { readonly kind: "recurring"; readonly job: ValueOf<typeof recurringJob> };

export const enqueueBody: Schema<EnqueueRequest> = {
  json: { anyOf: [newJob.json, recurringJob.json, manyJobs.json] },
  read(value, name) {
    if (Array.isArray(value)) return { kind: "many", jobs: manyJobs.read(value, "jobs") };
    if (isObject(value) && Object.hasOwn(value, "cron"))
      return { kind: "recurring", job: recurringJob.read(value, name) };
    return { kind: "one", job: newJob.read(value, name) };
  },
};

export const changeBody = object({ runAt: time, delay: duration, payload: anything });
export const jobsQuery = object({ state: word(jobStates), name, cursor, limit });
export const clearQuery = object({ state: word(clearableStates) }, ["state"]);

export const deadQuery = object({ name, cursor, limit });
export const retryBody = object({ payload: anything });
const selection = { ids: list(id, MOST_IDS), name, all: flag, dryRun: flag };
export const retryManyBody = object({ ...selection, payload: anything });
export const removeManyBody = object(selection);

export const scheduleBody = object(scheduleFields, ["name", "cron"]);
export const previewQuery = object({ count: whole(1, 1_000) });

const roundTrips = whole(2, MOST_DRAINED);
const commands = whole(1, MOST_DRAINED);
const drainFields = {
  maxJobs: whole(1, MOST_DRAINED),
  concurrency: whole(1, 10_000),
  timeBudget: duration,
  grace: duration,
  linger: duration,
  batchSize: whole(1, 1_000),
};
export const drainBody = object({ ...drainFields, budget: object({ roundTrips, commands }) });
export const drainQuery = object({ ...drainFields, "budget.roundTrips": roundTrips, "budget.commands": commands });

/** The address of a request without parameters. */
export const noQuery = object({});
