import { busiestFirst, type FlowControlKey } from "../../core/flow/flow-key.ts";
import { LONGEST_ID } from "../../core/job/options.ts";
import { readFailure } from "../../core/manage/failure-details.ts";
import type { FailureGroup, FailurePage } from "../../core/manage/failures.ts";
import type { JobInfo } from "../../core/manage/job-info.ts";
import { latestJobs, listKeyedJobs } from "../../core/manage/list.ts";
import type { PausedJobType } from "../../core/manage/paused-jobs.ts";
import { findJobs, wholeMatcher } from "../../core/manage/search.ts";
import { briefOf, type QueueActivity, sumOfStats, totalOf } from "../../core/manage/stats.ts";
import { internalsOf } from "../../core/queue/internals.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { readSchedules } from "../../core/queue/schedule-runs.ts";
import { readUpcoming } from "../../core/queue/upcoming.ts";
import { hexOf, sha256 } from "../../core/shared/bytes.ts";
import { notFound } from "../../core/shared/errors.ts";
import { cursor, object, string, type ValueOf, word } from "../../core/shared/schema.ts";
import { cursorBefore } from "../../core/store/cursor.ts";
import { parentOf } from "../../core/store/family.ts";
import { IN_LINE } from "../../core/store/score.ts";
import { MINUTE_MS } from "../../core/store/stats.ts";
import { jobStates } from "../../core/store/store.ts";
import { UNKNOWN_QUEUE } from "../contract/problems.ts";
import type { DashboardHost } from "../dashboard-port.ts";
import { together, wholeFirst } from "./all-queues.ts";
import type { Contents, JobRows, Placed } from "./contents.ts";
import { childRowOf, type JobRow, rowOf, shownJob } from "./shown-job.ts";

// The data of the page: one response for each refresh.

const ROWS = 50;
/** How many jobs of each state the list of the latest jobs reads. */
const ROWS_OF_EACH = 20;
const GROUPS_ON_OVERVIEW = 3;
/** A day, and the one before it. */
const DAY_HOURS = 48;
const WEEKS_HOURS = 336;
const DAYS = 7;
/** The cursor of ready jobs before those in lines. */
const LINES = `ready:${cursorBefore(IN_LINE)}`;
/** Jobs that died in these minutes fail now, unless they are fewer than these, and than one in so many that ended. */
const RECENT_MINUTES = 10;
const FEW = 10;
const ONE_IN = 50;
/** How many keys that hold jobs back, and failures of children, the page names of each queue. */
const KEYS_OF_EACH = 3;

/** The views of one queue, and those that can show all queues together. */
const viewsOfOne = ["overview", "job", "type"] as const;
const viewsOfAll = ["queues", "failures", "jobs", "names", "schedules", "flow", "upcoming", "changes"] as const;

export const snapshotQuery = object(
  {
    queue: string(LONGEST_ID),
    /** All queues together, in a view that can show them. Default: the one queue. */
    scope: word(["all"]),
    view: word([...viewsOfOne, ...viewsOfAll]),
    state: word(jobStates),
    /** A flow control key, or what to find in jobs. */
    search: string(LONGEST_ID),
    /** Where to find it. Default: the id of one job in any queue, else a part of anything. */
    by: word(["any", "name", "error", "payload", "key", "retried"]),
    id: string(LONGEST_ID),
    /** Which children of a job. Default: those that are dead, or all if none was. */
    children: word(["all", "pending", "completed", "dead"]),
    group: string(LONGEST_ID),
    /** How far back metrics and the chart of throughput go. Default: an hour. */
    range: word(["day", "yesterday", "weeks"]),
    /** The same for the chart of latency. Default: a day. */
    latency: word(["weeks"]),
    cursor,
    /** The mark of the last response: if nothing has happened since, this one says only that. Any text asks for one. */
    mark: string(LONGEST_ID),
    /** Leaves out the others; of the list of all queues, what changes slowly. */
    only: word(["contents", "statistics"]),
  },
  ["view"],
);

type Query = ValueOf<typeof snapshotQuery>;
type Host = Pick<DashboardHost, "queues" | "first">;

const isOfAll = ({ view, scope }: Query): boolean =>
  view === "queues" || (scope === "all" && viewsOfAll.some((each) => each === view));

export interface QueueSnapshot extends Contents {
  /** The current time by the queue's clock. */
  readonly at: Date;
  readonly queue: string;
  /** Every queue of the handler. */
  readonly queues: readonly string[];
  /** The names of the jobs that the queue performs. */
  readonly names: readonly string[];
  /** Missing if the page asked only for the contents. */
  readonly activity?: QueueActivity;
  /** The paused job types, each with its queue. Missing if `activity` is. */
  readonly pausedJobs?: readonly (PausedJobType & Placed)[];
  /** What this refresh cost. */
  readonly commands: number;
  /** Whether refreshes cost nothing: see `QueueStore`. */
  readonly isFree?: boolean;
  /** Changes whenever something happens to a job. Only if the page asked for it. */
  readonly mark?: string;
}

/** The response if nothing has happened since the one before. */
export type Unchanged = Pick<QueueSnapshot, "at" | "commands" | "isFree"> & { readonly isUnchanged: true };

/**
 * Reads the data of a view. A mark costs 2 commands. If it is the same as before, the response costs nothing more. Else
 * the statistics of a queue cost 5 commands, up to 21 in a large one, and the contents what test/dashboard asserts. A
 * search costs what search.ts says. The list of all queues reads what fails now, for a command if many jobs have died,
 * and, now and then, the keys and schedules of each, for up to 12 commands, and the jobs that wait for dead children,
 * for up to 30 if any are dead.
 *
 * @throws {TidegateError} `not_found` if there is no such queue, `invalid_request`
 */
export async function readSnapshot(host: Host, query: Query): Promise<QueueSnapshot | Unchanged> {
  const { queues, first } = host;
  const queue = queues.get(query.queue ?? first.name);
  if (!queue) throw notFound(UNKNOWN_QUEUE);
  const all = isOfAll(query) ? [...queues.values()] : [queue];
  const isFree = all.every((each) => internalsOf(each).store.isFree);
  const spent = () => all.reduce((sum, each) => sum + internalsOf(each).meter.commands, 0);
  const before = spent();
  const common = () => ({
    at: new Date(queue.clock()),
    commands: isFree ? 0 : spent() - before,
    ...(isFree && { isFree }),
  });
  // Reads the mark first: the next refresh then sees what happens meanwhile.
  const mark = query.mark === undefined ? undefined : await markOf(all);
  if (mark !== undefined && mark === query.mark) return { ...common(), isUnchanged: true };
  const known: Known = new Map();
  const activities =
    query.only === "contents" ? [] : all.map(async (each) => [each, await each.getActivity()] as const);
  const [read, contents] = await Promise.all([
    Promise.all(activities),
    query.only === "statistics" ? {} : readContents(host, all, query, known),
  ]);
  const [, own] = read.find(([each]) => each === queue) ?? [];
  const isStart = query.view === "queues" || query.view === "overview";
  const withDead = isStart ? read.filter(([, { stats }]) => stats.deadLetterCount > 0) : [];
  const ofEach = async <Found>(find: (each: Read, known: Known) => Promise<readonly Found[]>) =>
    (await Promise.all(withDead.map((each) => find(each, known)))).flat();
  const activity = own && all.length > 1 ? { ...own, stats: sumOfStats(read.map(([, { stats }]) => stats)) } : own;
  const briefs = read.map(([{ name }, activity]) => briefOf(name, activity));
  const pausedJobs = read.flatMap(([{ name }, { stats }]) => stats.pausedJobs.map((job) => ({ ...job, queue: name })));
  return {
    ...common(),
    ...{ queue: queue.name, queues: [...queues.keys()] },
    names: [...new Set(all.flatMap(({ jobNames }) => jobNames))],
    ...(activity && { activity, pausedJobs }),
    ...(mark !== undefined && { mark }),
    ...contents,
    ...(query.view === "queues" && { briefs, ...(briefs[1] && { total: totalOf(briefs) }) }),
    ...(isStart && { dying: await ofEach(readDying) }),
    ...(isStart && query.only !== "statistics" && { stuck: await ofEach(readStuck) }),
  };
}

/** A text that changes when anything happens in some queues (`QueueStore.pulse`): 2 commands per queue. */
async function markOf(queues: readonly Queue[]): Promise<string> {
  const pulses = await Promise.all(queues.map((queue) => internalsOf(queue).store.pulse()));
  return hexOf((await sha256(pulses.join("\n"))).slice(0, 12));
}

type Read = readonly [Queue, QueueActivity];

async function readDying([queue, { minutes }]: Read, known: Known): Promise<NonNullable<Contents["dying"]>> {
  const sum = (of: "dead" | "processed") =>
    minutes.slice(-RECENT_MINUTES).reduce((total, minute) => total + minute[of], 0);
  const jobs = sum("dead");
  if (jobs < FEW && jobs * ONE_IN <= sum("processed")) return [];
  const from = queue.clock() - RECENT_MINUTES * MINUTE_MS;
  const { failures } = await failuresOf(queue, known);
  const lately = ({ trend }: FailureGroup) => trend.at(-1) ?? 0;
  const groups = failures.filter(({ lastAt }) => lastAt.getTime() >= from).sort((a, b) => lately(b) - lately(a));
  const main = groups.find((group) => lately(group) * 2 > groups.reduce((total, each) => total + lately(each), 0));
  const [name, ...more] = new Set(groups.map(({ name }) => name));
  const types = main?.name ?? (more[0] ? `${name} and ${more.length} more` : name);
  return types ? [{ queue: queue.name, jobs, types, main }] : [];
}

/** The latest failures of queues that a refresh has read. */
type Known = Map<Queue, Promise<FailurePage>>;

function failuresOf(queue: Queue, known: Known): Promise<FailurePage> {
  const page = known.get(queue) ?? queue.getFailures({ latest: true });
  known.set(queue, page);
  return page;
}

/** The contents of a view of some queues. The search for an id looks into the other queues too. */
async function readContents({ queues }: Host, shown: readonly Queue[], query: Query, known: Known): Promise<Contents> {
  const others = [...queues.values()].filter((other) => !shown.includes(other));
  const jobs = (await findById(shown, query)) ?? (await findById(others, query));
  if (jobs) return { jobs };
  const read = async (queue: Queue) => ({ queue: queue.name, contents: await contentsOf(queue, query, known) });
  const parts = await Promise.all(shown.map(read));
  return isOfAll(query) ? together(parts, shown[0]?.clock() ?? 0) : (parts[0]?.contents ?? {});
}

async function contentsOf(queue: Queue, query: Query, known: Known): Promise<Contents> {
  switch (query.view) {
    case "overview": {
      const [history, { failures: groups, ...rest }, { keys }] = await Promise.all([
        queue.getHistory({ hours: query.range === "weeks" || query.latency ? WEEKS_HOURS : DAY_HOURS }),
        failuresOf(queue, known),
        queue.flowControl.list({ holding: true, limit: KEYS_OF_EACH }),
      ]);
      const failures = { ...rest, failures: groups.slice(0, GROUPS_ON_OVERVIEW) };
      return { history, failures, keys };
    }
    case "queues": {
      const [{ keys }, schedules] = await Promise.all([
        queue.flowControl.list({ holding: true, limit: KEYS_OF_EACH }),
        readSchedules(queue),
      ]);
      return { keys, schedules: schedules.filter(({ failing }) => failing) };
    }
    case "failures":
      return { failures: await queue.getFailures({ latest: true }) };
    case "jobs": {
      const { group, cursor, search } = query;
      if (!group) return { jobs: await readJobs(queue, query) };
      const { failure, page } = await readFailure(internalsOf(queue), group, cursor);
      if (!search) return { jobs: rowsOf(page), failure };
      const jobs = page.jobs.filter(wholeMatcher(search));
      return { jobs: { ...rowsOf({ ...page, jobs }), examined: page.jobs.length }, failure };
    }
    case "job": {
      const job = await queue.getJob(query.id ?? "");
      if (!job) return { job };
      const { children: chosen = job.children?.dead ? "dead" : "all", cursor } = query;
      const state = chosen === "all" ? undefined : chosen;
      const children = job.children && (await queue.listChildren(job.id, { state, cursor, limit: ROWS }));
      const { key, reason } = job.heldBack ?? {};
      const keys = reason === "paused" ? await readKeys(queue, key) : undefined;
      return { job: shownJob(job), ...(keys && { keys }), ...(children && { jobs: rowsOf(children, childRowOf) }) };
    }
    case "upcoming":
      return { upcoming: await readUpcoming(queue) };
    case "changes":
      return { changes: (await queue.listChanges()).changes };
    case "type": {
      const name = query.id ?? "";
      const [figures, jobs, failures] = await Promise.all([
        queue.getFigures({ name, days: DAYS, pending: true }),
        findJobs(internalsOf(queue), { state: "completed", text: name, by: "name" }),
        queue.getFailures({ name, latest: true }),
      ]);
      return { figures, jobs: rowsOf(jobs), failures };
    }
    case "names":
      return { figures: await queue.getFigures({ days: DAYS, pending: true }) };
    case "schedules":
      return { schedules: await readSchedules(queue), changes: (await queue.listChanges()).changes };
    case "flow": {
      const [keys, { changes }] = await Promise.all([readKeys(queue, query.search), queue.listChanges()]);
      if (keys.every(({ running }) => running === 0)) return { keys, changes };
      const running = await listKeyedJobs(internalsOf(queue), { state: "running", limit: ROWS });
      return { keys, changes, jobs: rowsOf(running) };
    }
  }
}

/** The jobs that wait for nothing but dead children, as far as these are the latest of a failure: 4 to 30 commands. */
async function readStuck([queue]: Read, known: Known): Promise<NonNullable<Contents["stuck"]>> {
  const { failures } = await failuresOf(queue, known);
  const ofChildren = failures.filter(({ sampleId }) => parentOf(sampleId)).slice(0, KEYS_OF_EACH);
  const pages = await Promise.all(ofChildren.map(({ group }) => queue.listDeadLetter({ group, limit: ROWS })));
  const parents = new Set(pages.flatMap(({ jobs }) => jobs.flatMap(({ id }) => parentOf(id) ?? [])));
  const jobs = await Promise.all([...parents].slice(0, KEYS_OF_EACH).map((id) => queue.getJob(id)));
  return jobs.flatMap((job) => {
    if (job?.state !== "scheduled" || job.runAt || job.children?.pending !== 0) return [];
    return { queue: queue.name, id: job.id, dead: job.children.dead };
  });
}

async function readKeys({ flowControl }: Queue, search: string | undefined): Promise<readonly FlowControlKey[]> {
  if (!search) return [...(await flowControl.list({ limit: 1_000 })).keys].sort(busiestFirst).slice(0, ROWS);
  const found = await flowControl.get(search);
  return found ? [found] : [];
}

/** Finds jobs by the id that somebody searches for: their queues may all have one. */
async function findById(queues: readonly Queue[], { view, search, by, cursor, group, state }: Query) {
  if (view !== "jobs" || !search || by || cursor || group) return undefined;
  const jobs = await Promise.all(queues.map((queue) => queue.getJob(search)));
  const rows = jobs.flatMap((job) => (job && (state ?? job.state) === job.state ? rowOf(job) : []));
  return rows[0] && { rows, cursor: null };
}

async function readJobs(queue: Queue, { state, search, by, cursor }: Query): Promise<JobRows> {
  if (search) {
    // All jobs that a key holds back are in lines, which come after all other ready jobs.
    const from = cursor ?? (state === "ready" && by === "key" ? LINES : undefined);
    const found = await findJobs(internalsOf(queue), { state, text: search, by: by ?? "any", cursor: from });
    const isWhole = wholeMatcher(search);
    const shown = rowsOf(found, (job) => ({ ...rowOf(job), isWhole: isWhole(job) }));
    return { ...shown, rows: shown.rows.sort(wholeFirst) };
  }
  if (state) return rowsOf(await listKeyedJobs(internalsOf(queue), { state, cursor, limit: ROWS }));
  const { jobs } = await latestJobs(internalsOf(queue), ROWS_OF_EACH);
  return rowsOf({ jobs: jobs.slice(0, ROWS), cursor: null });
}

function rowsOf<Job extends JobInfo, Page extends { readonly jobs: readonly Job[] }>(
  { jobs, ...page }: Page,
  row: (job: Job) => JobRow = rowOf,
) {
  return { ...page, rows: jobs.map(row) };
}

/** The JSON form of a value: times become strings. */
export type Json<Value> = Value extends Date
  ? string
  : Value extends readonly (infer Item)[]
    ? readonly Json<Item>[]
    : Value extends object
      ? { readonly [Name in keyof Value]: Json<Value[Name]> }
      : Value;

/** The response to a refresh, unless nothing has happened. */
export interface Refresh extends QueueSnapshot {
  /** False if the caller can only read. */
  readonly mayChange: boolean;
  /** Null without a session. */
  readonly csrf: string | null;
}

/** What the page knows of a queue: the last statistics with the last contents. */
export interface Snapshot extends Refresh {
  readonly activity: QueueActivity;
  readonly pausedJobs: readonly (PausedJobType & Placed)[];
}
