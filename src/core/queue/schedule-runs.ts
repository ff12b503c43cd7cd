import { occurrencesFrom, type Recurrence } from "../cron/cron.ts";
import { intervalText } from "../cron/every.ts";
import { ruleOf, type Schedule } from "../job/options.ts";
import type { JobInfo } from "../manage/job-info.ts";
import { readJobs } from "../manage/jobs.ts";
import { readRecurrence, recurrenceOf } from "../schedule/record.ts";
import type { ScheduleInfo } from "../schedule/schedules.ts";
import { occurrenceJobId } from "../store/occurrence-id.ts";
import { DAY_MS, MINUTE_MS } from "../store/stats.ts";
import type { JobState } from "../store/store.ts";
import { internalsOf } from "./internals.ts";
import type { Queue } from "./queue.ts";

const OCCURRENCES = 5;
const LATEST_RUNS = 5;
const MOST_WITH_RUNS = 200;
const LONGEST_LOOK_BACK_MS = 5 * 366 * DAY_MS;

/** What became of the job of an occurrence. */
export interface ScheduleRun {
  /** The occurrence. */
  readonly at: Date;
  readonly id: string;
  readonly state: JobState;
  /** Why its last attempt failed; undefined if it has not. */
  readonly error?: string | undefined;
  /** How long the last attempt of an ended job took. */
  readonly tookMs?: number | undefined;
}

export interface ScheduleRow extends ScheduleInfo {
  readonly occurrences: readonly Date[];
  /** Those of the last five occurrences whose jobs are stored, oldest first. */
  readonly runs: readonly ScheduleRun[];
  /** Whether the last of these jobs that has ended or failed did so with an error. */
  readonly failing: boolean;
}

/** Reads all schedules, each with its next and its last occurrences: 2 commands, and up to 9 for their jobs. */
export async function readSchedules(queue: Queue): Promise<readonly ScheduleRow[]> {
  return withRuns(queue, await queue.schedules.list());
}

/** Adds to schedules their next occurrences, and to the first 200 what became of the last ones. */
export async function withRuns(queue: Queue, schedules: readonly ScheduleInfo[]): Promise<readonly ScheduleRow[]> {
  const past = schedules.map((each, index) => (index < MOST_WITH_RUNS ? pastOf(each) : []));
  const ids = schedules.flatMap(({ key }, index) => past[index]?.map((at) => occurrenceJobId(key, at)) ?? []);
  const jobs = new Map((await readJobs(internalsOf(queue), ids)).map((job) => [job.id, job]));
  return schedules.map((schedule, index) => {
    const runs = (past[index] ?? []).flatMap((at): ScheduleRun | [] => {
      const job = jobs.get(occurrenceJobId(schedule.key, at));
      return job ? runOf(job, at) : [];
    });
    const occurrences = comingOf(schedule, OCCURRENCES).map((at) => new Date(at));
    const last = runs.findLast(({ state, error }) => error !== undefined || state === "completed");
    return { ...schedule, occurrences, runs, failing: last?.error !== undefined };
  });
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
  return readRecurrence(key, { cron: cron ?? intervalText(every), timeZone });
}

function pastOf(schedule: ScheduleInfo): readonly number[] {
  const recurrence = recurrenceFor(schedule);
  return recurrence && schedule.lastRunAt ? occurrencesUntil(schedule.lastRunAt.getTime(), recurrence) : [];
}

/** A recurrence only goes forward: this looks back further each time, until it finds enough occurrences. */
function occurrencesUntil(last: number, { next }: Recurrence): readonly number[] {
  for (let reach = ((next(last) ?? last) - last || MINUTE_MS) * LATEST_RUNS; ; reach *= 4) {
    const found = occurrencesFrom(next(Math.max(0, last - reach)), { next }, Number.POSITIVE_INFINITY, last);
    if (found.length >= LATEST_RUNS || reach > LONGEST_LOOK_BACK_MS) return found.slice(-LATEST_RUNS);
  }
}

export function comingOf(schedule: ScheduleInfo, most: number, last?: number): readonly number[] {
  const recurrence = recurrenceFor(schedule);
  return recurrence ? occurrencesFrom(schedule.nextRunAt?.getTime(), recurrence, most, last) : [];
}

/** The next occurrences of a rule; no command. @throws {TidegateError} `invalid_request` */
export function nextOccurrences(rule: Schedule, now: number): readonly Date[] {
  const recurrence = recurrenceOf("", ruleOf(rule, ""));
  return occurrencesFrom(recurrence.next(now), recurrence, OCCURRENCES).map((at) => new Date(at));
}
