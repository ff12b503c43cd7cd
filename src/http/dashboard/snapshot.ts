import { parseCron } from "../../core/cron/cron.ts";
import { busiestKeys } from "../../core/flow/busiest-keys.ts";
import type { FlowControlKey } from "../../core/flow/flow-keys.ts";
import { LONGEST_ID, LONGEST_NAME } from "../../core/job/options.ts";
import type { JobError, JobInfo } from "../../core/manage/job-info.ts";
import type { QueueActivity } from "../../core/manage/stats.ts";
import type { Queue } from "../../core/queue/queue.ts";
import type { Spending } from "../../core/queue/usage.ts";
import type { ScheduleInfo } from "../../core/schedule/schedules.ts";
import { notFound } from "../../core/shared/errors.ts";
import { jobStates } from "../../core/store/store.ts";
import { cursorIn, object, string, type ValueOf, word } from "../contract/schema.ts";
import type { DashboardHost } from "../dashboard-port.ts";

// The data of the page: one answer for each refresh.

const LONGEST_CURSOR = 2_000;
const ROWS = 50;
const PREVIEWED_CHARACTERS = 160;
const OCCURRENCES = 5;

export const snapshotQuery = object(
  {
    queue: string(LONGEST_ID),
    view: word(["overview", "jobs", "job", "schedules", "flow"]),
    state: word(jobStates),
    /** A job's id, a name of jobs, or a flow control key. */
    search: string(LONGEST_ID),
    id: string(LONGEST_ID),
    cursor: cursorIn(jobStates, LONGEST_CURSOR),
  },
  ["view"],
);

type Query = ValueOf<typeof snapshotQuery>;

/** A job as a list of fifty shows it: without fields that can be large. */
export interface JobRow extends Omit<JobInfo, "payload" | "result" | "progress" | "errors" | "error"> {
  /** The beginning of the payload's JSON. */
  readonly preview: string;
  readonly error?: Omit<JobError, "stack">;
}

export interface ScheduleRow extends ScheduleInfo {
  readonly occurrences: readonly Date[];
}

interface JobRows {
  readonly rows: readonly JobRow[];
  readonly cursor: string | null;
}

/** The contents of one view. */
export interface Contents {
  readonly jobs?: JobRows;
  /** Null if no job has this id, or not any more. */
  readonly job?: JobInfo | null;
  readonly schedules?: readonly ScheduleRow[];
  readonly keys?: readonly FlowControlKey[];
}

export interface QueueSnapshot extends Contents {
  /** The current time by the queue's clock. */
  readonly at: Date;
  readonly queue: string;
  /** The names of the jobs that are defined here. */
  readonly names: readonly string[];
  readonly activity: QueueActivity;
  readonly spending: Spending;
  /** What this refresh cost. */
  readonly commands: number;
}

/** Reads the data of a view. @throws {TidegateError} `not_found` if there is no such queue, `invalid_request` */
export async function readSnapshot(
  { queues, first }: Pick<DashboardHost, "queues" | "first">,
  query: Query,
): Promise<QueueSnapshot> {
  const queue = queues.get(query.queue ?? first.name);
  if (!queue) throw notFound("This handler serves no queue of this name.");
  const before = queue.spending.commands;
  const [activity, contents] = await Promise.all([queue.getActivity(), contentsOf(queue, query)]);
  const { spending } = queue;
  return {
    at: new Date(queue.clock()),
    queue: queue.name,
    names: queue.jobNames,
    activity,
    spending,
    commands: spending.commands - before,
    ...contents,
  };
}

async function contentsOf(queue: Queue, query: Query): Promise<Contents> {
  switch (query.view) {
    case "overview":
      return {};
    case "jobs":
      return { jobs: await readJobs(queue, query) };
    case "job":
      return { job: await queue.getJob(query.id ?? "") };
    case "schedules":
      return { schedules: (await queue.schedules.list()).map(withOccurrences) };
    case "flow":
      return { keys: await readKeys(queue, query.search) };
  }
}

async function readKeys({ flowControl }: Queue, search: string | undefined): Promise<readonly FlowControlKey[]> {
  if (!search) return busiestKeys(flowControl, ROWS);
  const found = await flowControl.get(search);
  return found ? [found] : [];
}

async function readJobs(queue: Queue, { state, search, cursor }: Query): Promise<JobRows> {
  const found = search && cursor === undefined ? await queue.getJob(search) : null;
  if (found && (!state || found.state === state)) return { rows: [rowOf(found)], cursor: null };
  // Text too long for a name can only be an id.
  if (search && search.length > LONGEST_NAME) return { rows: [], cursor: null };
  const page = await queue.listJobs({ state, name: search || undefined, cursor, limit: ROWS });
  return { rows: page.jobs.map(rowOf), cursor: page.cursor };
}

function rowOf({ payload, result, progress, errors, error, ...job }: JobInfo): JobRow {
  return {
    ...job,
    preview: JSON.stringify(payload).slice(0, PREVIEWED_CHARACTERS),
    ...(error && { error: { name: error.name, message: error.message } }),
  };
}

/** The next occurrences, computed without a store call. */
function withOccurrences(schedule: ScheduleInfo): ScheduleRow {
  const occurrences: Date[] = [];
  let occurrence = schedule.nextRunAt?.getTime();
  try {
    const { next } = parseCron(schedule.cron, schedule.timeZone, schedule.key);
    for (; occurrence !== undefined && occurrences.length < OCCURRENCES; occurrence = next(occurrence))
      occurrences.push(new Date(occurrence));
  } catch {
    // One zone that this runtime does not know must not hide all other schedules.
  }
  return { ...schedule, occurrences };
}

/** The JSON form of a value: times become strings. */
export type Json<Value> = Value extends Date
  ? string
  : Value extends readonly (infer Item)[]
    ? readonly Json<Item>[]
    : Value extends object
      ? { readonly [Name in keyof Value]: Json<Value[Name]> }
      : Value;

/** Everything that the page gets in one refresh. */
export interface Snapshot extends QueueSnapshot {
  readonly queues: readonly string[];
  /** False if the caller can only read. */
  readonly mayChange: boolean;
  /** Null without a session. */
  readonly csrf: string | null;
}
