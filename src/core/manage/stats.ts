import {
  durationBounds,
  MINUTE_MS,
  MINUTES_KEPT,
  minuteOf,
  type StoredHistogram,
  type StoredStats,
} from "../store/stats.ts";
import { type QueueStats, queueStats } from "./job-info.ts";

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
