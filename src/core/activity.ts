import type { Timing } from "./store.ts";
import type { StoredHistogram, StoredStats } from "./stored-stats.ts";
import { type QueueStats, queueStats } from "./views.ts";

/** How often something took how long, since the queue was first used. */
export interface Histogram {
  /** The upper bound of each count in ms, the bound included; the last count has none. */
  readonly bounds: readonly number[];
  /** One more than there are bounds. */
  readonly counts: readonly number[];
  /** All durations together, in ms. */
  readonly sumMs: number;
}

/** What happened in one minute. */
export interface ActivityMinute {
  /** When the minute began. */
  readonly at: Date;
  /** Jobs completed. */
  readonly processed: number;
  /** Attempts that failed and were followed, or will be, by another. */
  readonly retried: number;
  /** Jobs that died. */
  readonly dead: number;
}

/** What a queue is doing, and has done. */
export interface QueueActivity {
  /** What `getStats` gives. */
  readonly stats: QueueStats;
  /** The last 60 minutes, oldest first; the current one is the last. */
  readonly minutes: readonly ActivityMinute[];
  /** How long attempts waited from when they were due to their start. */
  readonly waiting: Histogram;
  /** How long attempts ran. */
  readonly running: Histogram;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

/** How many minutes are told of, and how many a store must keep at least. */
export const MINUTES_KEPT = 60;

/** Upper bounds of the counts of a histogram, in ms. Stores keep a count for each, and one for all that took longer. */
export const durationBounds: readonly number[] = [
  10,
  25,
  50,
  100,
  250,
  500,
  SECOND_MS,
  2_500,
  5 * SECOND_MS,
  10 * SECOND_MS,
  30 * SECOND_MS,
  MINUTE_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
];

/** In which count of a histogram a duration belongs. */
export function bucketOf(ms: number): number {
  const index = durationBounds.findIndex((bound) => ms <= bound);
  return index < 0 ? durationBounds.length : index;
}

/** The number of a minute since 1970. */
export function minuteOf(atMs: number): number {
  return Math.floor(atMs / MINUTE_MS);
}

/** How long an attempt that started then waited, and ran until now. Clocks of two machines may differ: no time is negative. */
export function timingOf(dueAt: number, startedAt: number, now: number): Timing {
  return { waitedMs: Math.max(0, startedAt - dueAt), ranMs: Math.max(0, now - startedAt) };
}

export function queueActivity(stored: StoredStats, now: number): QueueActivity {
  const known = new Map(stored.minutes.map((minute) => [minute.minute, minute]));
  const first = minuteOf(now) - MINUTES_KEPT + 1;
  const minutes = Array.from({ length: MINUTES_KEPT }, (_, index) => {
    const { processed = 0, retried = 0, dead = 0 } = known.get(first + index) ?? {};
    return { at: new Date((first + index) * MINUTE_MS), processed, retried, dead };
  });
  return {
    stats: queueStats(stored, now),
    minutes,
    waiting: histogram(stored.waitingTimes),
    running: histogram(stored.runningTimes),
  };
}

function histogram({ counts, sumMs }: StoredHistogram): Histogram {
  return { bounds: durationBounds, counts, sumMs };
}
