import type { QueueContext } from "../enqueue/context.ts";
import { type PausedBy, withPausedBy } from "../observe/changes.ts";
import type { OutcomeCounts, StoredHistogram, StoredStats } from "../store/stats.ts";
import {
  bucketOf,
  countsIn,
  durationBounds,
  histogramBounds,
  MINUTE_MS,
  MINUTES_KEPT,
  outcomeCounts,
} from "../store/stats.ts";
import { type QueueFigures, queueFigures } from "./figures.ts";
import { paceOf, type QueuePace, sumOfPaces } from "./pace.ts";
import { type PausedJobType, pausedJobType } from "./paused-jobs.ts";

/** Counts of a queue, all from one moment. */
export interface QueueStats extends PausedBy {
  /** Jobs ever enqueued, including those of schedules. */
  readonly totalEnqueued: number;
  /** Jobs completed. */
  readonly totalProcessed: number;
  /** Jobs that became dead. */
  readonly totalFailed: number;
  /** Attempts that failed and were, or will be, retried. */
  readonly totalRetried: number;
  /** Jobs dropped because they had not started in time (`expires`). */
  readonly totalExpired: number;
  /** `scheduledCount + readyCount` */
  readonly pendingCount: number;
  /** Jobs whose run time is ahead, retries and released jobs of paused job types included. */
  readonly scheduledCount: number;
  /** Jobs that are due. */
  readonly readyCount: number;
  /** Jobs that an invocation has claimed. Their attempts have started, or will within two seconds. */
  readonly runningCount: number;
  /** Jobs in the dead-letter queue. */
  readonly deadLetterCount: number;
  /** Completed jobs within their retention. */
  readonly completedCount: number;
  /** When something next needs attention: a run time, an occurrence, or the end of a lease. */
  readonly nextRunAt: Date | null;
  /**
   * How long the oldest ready job has been waiting, in ms; null if there is none. For a job that its flow control key
   * held back, only the time since then counts.
   */
  readonly oldestReadyAgeMs: number | null;
  /**
   * Whether the queue keeps up: `arrivals` and `departures` in jobs a minute, over the last five whole minutes, or
   * all of a younger queue, and `emptyInMs`, the time until no job is ready at this pace; null while it grows.
   */
  readonly pace: QueuePace;
  /** Whether the queue is paused. */
  readonly paused: boolean;
  /** The job types that are paused, until `resumeJobs`. */
  readonly pausedJobs: readonly PausedJobType[];
}

/** How long something took, counted since the queue was first used. */
export interface Histogram {
  /** The upper bound of each count in ms, inclusive. The last count has none. */
  readonly bounds: readonly number[];
  /** One count for each bound, and a last one for everything above them. */
  readonly counts: readonly number[];
  /** All durations together, in ms. */
  readonly sumMs: number;
}

/** What happened in one minute. */
export interface ActivityMinute extends OutcomeCounts {
  /** When the minute began. */
  readonly at: Date;
}

/** What a queue is doing, and has done. */
export interface QueueActivity {
  /** As from `getStats`. */
  readonly stats: QueueStats;
  /** The last 60 minutes, oldest first; the current one is the last. */
  readonly minutes: readonly ActivityMinute[];
  /** How long attempts waited from when they were due to their start. */
  readonly waiting: Histogram;
  /** How long attempts ran. */
  readonly running: Histogram;
}

export interface QueueBrief {
  readonly queue: string;
  /** As from `getStats`. */
  readonly stats: QueueStats;
  /**
   * How many attempts ended in each of the last 60 minutes, oldest first; the current one is the last. Snoozes do not
   * count.
   */
  readonly ended: readonly number[];
}

export function briefOf(queue: string, { stats, minutes }: QueueActivity): QueueBrief {
  return { queue, stats, ended: minutes.map(({ processed, retried, dead }) => processed + retried + dead) };
}

/** The statistics of several queues together, at least one. They are paused if all queues are. */
export function sumOfStats(all: readonly QueueStats[]): QueueStats {
  const next = all.flatMap(({ nextRunAt }) => nextRunAt?.getTime() ?? []);
  const ages = all.flatMap(({ oldestReadyAgeMs }) => oldestReadyAgeMs ?? []);
  const [{ pausedBy: _, pausedAt: __, pausedReason: ___, ...first }] = all as readonly [QueueStats];
  const counts = Object.entries(first).filter(([, value]) => typeof value === "number");
  const sum = (name: string) => all.reduce((total, stats) => total + Number(stats[name as keyof QueueStats]), 0);
  return {
    ...first,
    ...Object.fromEntries(counts.map(([name]) => [name, sum(name)])),
    nextRunAt: next[0] === undefined ? null : new Date(Math.min(...next)),
    oldestReadyAgeMs: ages[0] === undefined ? null : Math.max(...ages),
    pace: sumOfPaces(all),
    paused: all.every(({ paused }) => paused),
    pausedJobs: all.flatMap(({ pausedJobs }) => pausedJobs),
  };
}

export function totalOf(queues: readonly QueueBrief[]): QueueBrief {
  const ended = queues[0]?.ended.map((_, minute) => queues.reduce((sum, each) => sum + (each.ended[minute] ?? 0), 0));
  return { queue: "all queues", stats: sumOfStats(queues.map(({ stats }) => stats)), ended: ended ?? [] };
}

export async function getActivity({ store, clock }: Pick<QueueContext, "store" | "clock">): Promise<QueueActivity> {
  const now = clock();
  const activity = queueActivity(await store.stats(now), now);
  const [stats = activity.stats] = await withPausedBy({ store, clock }, [activity.stats]);
  return { ...activity, stats };
}

/** What a queue is doing and has done, in all and by job type, without completed jobs: `completedCount` is 0. */
export interface QueueMeasures extends QueueActivity {
  readonly figures: QueueFigures;
}

export async function getMeasures({ store, clock }: QueueContext): Promise<QueueMeasures> {
  const now = clock();
  const stored = await store.stats(now, true);
  return { ...queueActivity(stored, now), figures: queueFigures(stored.names ?? [], now) };
}

function queueActivity(stored: StoredStats, now: number): QueueActivity {
  const known = new Map(stored.minutes.map((minute) => [minute.minute, countsIn(minute)]));
  const first = Math.floor(now / MINUTE_MS) - MINUTES_KEPT + 1;
  const minutes = Array.from({ length: MINUTES_KEPT }, (_, index) => {
    return { at: new Date((first + index) * MINUTE_MS), ...(known.get(first + index) ?? outcomeCounts([])) };
  });
  return {
    stats: queueStats(stored, now),
    minutes,
    waiting: histogram(stored.waitingTimes),
    running: histogram(stored.runningTimes),
  };
}

function histogram({ counts, sumMs }: StoredHistogram): Histogram {
  const sums = [...histogramBounds, 0].fill(0);
  for (const [bucket, count] of counts.entries()) {
    const within = bucketOf(durationBounds[bucket] ?? Number.POSITIVE_INFINITY, histogramBounds);
    sums[within] = (sums[within] ?? 0) + count;
  }
  return { bounds: histogramBounds, counts: sums, sumMs };
}

function queueStats(stats: StoredStats, now: number): QueueStats {
  return {
    totalEnqueued: stats.enqueued,
    totalProcessed: stats.totals.processed,
    totalFailed: stats.totals.dead,
    totalRetried: stats.totals.retried,
    totalExpired: stats.totals.expired,
    pendingCount: stats.scheduled + stats.ready,
    scheduledCount: stats.scheduled,
    readyCount: stats.ready,
    runningCount: stats.running,
    deadLetterCount: stats.dead,
    completedCount: stats.completed,
    nextRunAt: stats.nextAt === undefined ? null : new Date(stats.nextAt),
    oldestReadyAgeMs: stats.oldestReadyAt === undefined ? null : now - stats.oldestReadyAt,
    pace: paceOf(stats, now),
    paused: stats.paused,
    pausedJobs: stats.pausedJobs.map(pausedJobType),
  };
}
