import type { Recurrence } from "../../core/cron/cron.ts";
import { intervalText } from "../../core/cron/every.ts";
import { ruleOf, type Schedule } from "../../core/job/options.ts";
import type { JobInfo } from "../../core/manage/job-info.ts";
import { internalsOf } from "../../core/queue/internals.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { recurrenceOf } from "../../core/schedule/record.ts";
import type { ScheduleInfo } from "../../core/schedule/schedules.ts";
import { occurrenceJobId } from "../../core/store/occurrence-id.ts";
import type { JobState } from "../../core/store/store.ts";

const OCCURRENCES = 5;
const LATEST_RUNS = 5;
/** How many schedules show how their last jobs ended. */
export const MOST_WITH_RUNS = 200;
const MINUTE_MS = 60_000;
const LONGEST_LOOK_BACK_MS = 5 * 366 * 24 * 60 * MINUTE_MS;

/** What became of the job of an occurrence. */
export interface ScheduleRun {
  /** The occurrence. */
  readonly at: Date;
  readonly id: string;
  readonly state: JobState;
  /** Why its last attempt failed; undefined if it has not. */
  readonly error: string | undefined;
  /** How long the last attempt of an ended job took. */
  readonly tookMs: number | undefined;
}

export interface ScheduleRow extends ScheduleInfo {
  readonly occurrences: readonly Date[];
  /** Those of the last five occurrences whose jobs are stored, oldest first. */
  readonly runs: readonly ScheduleRun[];
}

/** Reads jobs by their ids. Leaves out those that are gone. */
type ReadJobs = (ids: readonly string[]) => Promise<readonly JobInfo[]>;

/** Reads all schedules, each with its next and its last occurrences: 2 commands, and up to 9 for their jobs. */
export async function readSchedules(queue: Queue): Promise<readonly ScheduleRow[]> {
  return withRuns(await queue.schedules.list(), internalsOf(queue).readJobs);
}

/**
 * Adds to schedules their next occurrences, and what became of the last ones.
 *
 * @param mostJobs how many jobs to read in all. If there are more schedules, the first get one each. Default 1,000.
 */
export async function withRuns(
  schedules: readonly ScheduleInfo[],
  readJobs: ReadJobs,
  mostJobs = MOST_WITH_RUNS * LATEST_RUNS,
): Promise<readonly ScheduleRow[]> {
  const withJobs = Math.min(schedules.length, MOST_WITH_RUNS, mostJobs);
  const most = Math.min(LATEST_RUNS, Math.floor(mostJobs / withJobs));
  const past = schedules.map((each, index) => (index < withJobs ? pastOf(each).slice(-most) : []));
  const ids = schedules.flatMap(({ key }, index) => past[index]?.map((at) => occurrenceJobId(key, at)) ?? []);
  const jobs = new Map((await readJobs(ids)).map((job) => [job.id, job]));
  return schedules.map((schedule, index) => ({
    ...schedule,
    occurrences: occurrencesFrom(schedule.nextRunAt?.getTime(), recurrenceFor(schedule)),
    runs: (past[index] ?? []).flatMap((at): ScheduleRun | [] => {
      const job = jobs.get(occurrenceJobId(schedule.key, at));
      return job ? runOf(job, at) : [];
    }),
  }));
}

function runOf({ id, state, errors, error, startedAt, completedAt, failedAt }: JobInfo, at: number): ScheduleRun {
  const last = state === "completed" ? undefined : (error ?? errors.at(-1));
  const endedAt = completedAt ?? failedAt;
  return {
    ...{ at: new Date(at), id, state },
    error: last && `${last.name}: ${last.message}`,
    tookMs: startedAt && endedAt && endedAt.getTime() - startedAt.getTime(),
  };
}

/** Undefined for a zone that this runtime does not know: it must not hide the other schedules. */
function recurrenceFor({ cron, every, timeZone, key }: ScheduleInfo): Recurrence | undefined {
  try {
    return recurrenceOf(key, { cron: cron ?? intervalText(every), timeZone });
  } catch {
    return undefined;
  }
}

function pastOf(schedule: ScheduleInfo): readonly number[] {
  const recurrence = recurrenceFor(schedule);
  return recurrence && schedule.lastRunAt ? occurrencesUntil(schedule.lastRunAt.getTime(), recurrence) : [];
}

/** A recurrence only goes forward: this looks back further each time, until it finds enough occurrences. */
function occurrencesUntil(last: number, { next }: Recurrence): readonly number[] {
  for (let reach = ((next(last) ?? last) - last || MINUTE_MS) * LATEST_RUNS; ; reach *= 4) {
    const found: number[] = [];
    for (let at = next(Math.max(0, last - reach)); at !== undefined && at <= last; at = next(at)) found.push(at);
    if (found.length >= LATEST_RUNS || reach > LONGEST_LOOK_BACK_MS) return found.slice(-LATEST_RUNS);
  }
}

/** The occurrences of a schedule before a time, up to a number of them. */
export function occurrencesBefore(end: number, schedule: ScheduleInfo, most: number): readonly number[] {
  const recurrence = recurrenceFor(schedule);
  const found: number[] = [];
  const first = schedule.nextRunAt?.getTime();
  for (let at = first; recurrence && at !== undefined && at < end && found.length < most; at = recurrence.next(at))
    found.push(at);
  return found;
}

function occurrencesFrom(first: number | undefined, recurrence: Recurrence | undefined): readonly Date[] {
  const occurrences: Date[] = [];
  for (let at = first; recurrence && at !== undefined && occurrences.length < OCCURRENCES; at = recurrence.next(at))
    occurrences.push(new Date(at));
  return occurrences;
}

/** The next occurrences of a rule; no command. @throws {TidegateError} `invalid_request` */
export function nextOccurrences(rule: Schedule, now: number): readonly Date[] {
  const recurrence = recurrenceOf("", ruleOf(rule, ""));
  return occurrencesFrom(recurrence.next(now), recurrence);
}

const HOUR_MS = 3_600_000;
/** How many scheduled jobs are read, and how many occurrences of one schedule count. */
const MOST_JOBS = 250;
const MOST_OCCURRENCES = 3_600;
/** How many of the coming events are named. */
export const MOST_NAMED = 50;

export interface UpcomingMinute {
  readonly at: Date;
  /** Jobs that run for the first time. */
  readonly jobs: number;
  readonly retries: number;
  readonly occurrences: number;
}

/** A run time ahead, or an occurrence. */
export interface UpcomingEvent {
  readonly at: Date;
  readonly kind: "job" | "retry" | "occurrence";
  /** The name of the job. */
  readonly name: string;
  /** The id of the job, or the key of the schedule. */
  readonly of: string;
  /** Its queue, in a view of all queues. */
  readonly queue?: string;
}

/** What the next hour brings. */
export interface Upcoming {
  /** The next 60 minutes; the first is the current one. */
  readonly minutes: readonly UpcomingMinute[];
  readonly next: readonly UpcomingEvent[];
  /** Whether more jobs are scheduled within the hour than were read. */
  readonly isCut: boolean;
}

/** What is read of a queue, here or through a handler. */
interface Readable extends Pick<Queue, "listJobs"> {
  readonly schedules: Pick<Queue["schedules"], "list">;
}

/** Reads the next 250 scheduled jobs and all schedules: 5 to 12 commands. */
export async function readUpcoming(queue: Readable, now: number): Promise<Upcoming> {
  const first = Math.floor(now / MINUTE_MS) * MINUTE_MS;
  const end = first + HOUR_MS;
  const [page, schedules] = await Promise.all([
    queue.listJobs({ state: "scheduled", limit: MOST_JOBS }),
    queue.schedules.list(),
  ]);
  const jobs = page.jobs.flatMap(({ runAt, attempts, name, id }): UpcomingEvent | [] =>
    runAt && runAt.getTime() < end ? { at: runAt, kind: attempts > 0 ? "retry" : "job", name, of: id } : [],
  );
  const occurrences = schedules.flatMap((schedule) =>
    occurrencesBefore(end, schedule, MOST_OCCURRENCES).map(
      (at): UpcomingEvent => ({ at: new Date(at), kind: "occurrence", name: schedule.name, of: schedule.key }),
    ),
  );
  const all = [...jobs, ...occurrences].sort(bySoonest);
  const counts = new Map<string, number>();
  for (const { at, kind } of all) {
    const place = `${kind} ${Math.max(0, Math.floor((at.getTime() - first) / MINUTE_MS))}`;
    counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  const count = (kind: UpcomingEvent["kind"], minute: number) => counts.get(`${kind} ${minute}`) ?? 0;
  return {
    minutes: Array.from({ length: HOUR_MS / MINUTE_MS }, (_, minute) => ({
      at: new Date(first + minute * MINUTE_MS),
      ...{ jobs: count("job", minute), retries: count("retry", minute), occurrences: count("occurrence", minute) },
    })),
    next: all.slice(0, MOST_NAMED),
    isCut: page.cursor !== null && jobs.length === page.jobs.length,
  };
}

export const bySoonest = (one: UpcomingEvent, other: UpcomingEvent): number => one.at.getTime() - other.at.getTime();
