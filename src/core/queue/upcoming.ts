import { listKeyedJobs, MOST_KEYS_READ } from "../manage/list.ts";
import { HOUR_MS, MINUTE_MS } from "../store/stats.ts";
import { internalsOf } from "./internals.ts";
import type { Queue } from "./queue.ts";
import { comingOf } from "./schedule-runs.ts";

/** How many scheduled jobs are read, and how many occurrences of one schedule count. */
const MOST_JOBS = 250;
const MOST_OCCURRENCES = 3_600;
export const MOST_NAMED = 50;

/** What one minute brings. */
export interface UpcomingMinute {
  readonly at: Date;
  /** Jobs that run for the first time. */
  readonly jobs: number;
  readonly retries: number;
  readonly occurrences: number;
}

/** A run time ahead, or the first occurrence of a schedule within the hour. */
export interface UpcomingEvent {
  readonly at: Date;
  readonly kind: "job" | "retry" | "occurrence";
  /** The name of the job. */
  readonly name: string;
  /** The id of the job, or the key of the schedule. */
  readonly of: string;
  /** How many occurrences the schedule has within the hour; 1 for a job. */
  readonly count: number;
}

/** What the next hour brings. */
export interface Upcoming {
  /** The next 60 minutes; the first is the current one. */
  readonly minutes: readonly UpcomingMinute[];
  /** The next 50, by time, and each schedule once. */
  readonly next: readonly UpcomingEvent[];
  /** How many more follow within the hour. */
  readonly more: number;
  /** Whether more than 250 jobs are scheduled within the hour. */
  readonly isCut: boolean;
}

/** Reads the next 250 scheduled jobs and all schedules, without those that are paused: 10 to 32 commands. */
export async function readUpcoming(queue: Queue): Promise<Upcoming> {
  const now = queue.clock();
  const first = Math.floor(now / MINUTE_MS) * MINUTE_MS;
  const end = first + HOUR_MS;
  const { store } = internalsOf(queue);
  const [page, schedules, { paused, pausedJobs }] = await Promise.all([
    listKeyedJobs(internalsOf(queue), { state: "scheduled", limit: MOST_JOBS }),
    queue.schedules.list(),
    store.stats(now),
  ]);
  const isKeyed = page.jobs.some(({ flowKey }) => flowKey);
  const keys = isKeyed ? (await store.listFlows({ cursor: undefined, limit: MOST_KEYS_READ, now })).items : [];
  const free = page.jobs.filter(({ flowKey }) => !keys.some(({ key, paused }) => paused && key === flowKey));
  const jobs = free.flatMap(({ runAt, attempts, name, id }): UpcomingEvent | [] =>
    runAt && runAt.getTime() < end ? { at: runAt, kind: attempts > 0 ? "retry" : "job", name, of: id, count: 1 } : [],
  );
  const occurrences = schedules.flatMap((schedule) =>
    comingOf(schedule, MOST_OCCURRENCES, end - 1).map(
      (at, index, { length }): UpcomingEvent => ({
        ...{ at: new Date(at), kind: "occurrence", name: schedule.name, of: schedule.key },
        count: index === 0 ? length : 0,
      }),
    ),
  );
  const isHeld = ({ name }: UpcomingEvent) => paused || pausedJobs.some((each) => each.name === name);
  const all = [...jobs, ...occurrences].filter((each) => !isHeld(each)).sort(bySoonest);
  const counts = new Map<string, number>();
  for (const { at, kind } of all) {
    const place = `${kind} ${Math.max(0, Math.floor((at.getTime() - first) / MINUTE_MS))}`;
    counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  const count = (kind: UpcomingEvent["kind"], minute: number) => counts.get(`${kind} ${minute}`) ?? 0;
  const named = all.filter((each) => each.count > 0);
  return {
    next: named.slice(0, MOST_NAMED),
    more: Math.max(0, named.length - MOST_NAMED),
    minutes: Array.from({ length: HOUR_MS / MINUTE_MS }, (_, minute) => ({
      at: new Date(first + minute * MINUTE_MS),
      ...{ jobs: count("job", minute), retries: count("retry", minute), occurrences: count("occurrence", minute) },
    })),
    isCut: page.cursor !== null && (page.jobs.at(-1)?.runAt?.getTime() ?? end) < end,
  };
}

export const bySoonest = (one: UpcomingEvent, other: UpcomingEvent): number => one.at.getTime() - other.at.getTime();
