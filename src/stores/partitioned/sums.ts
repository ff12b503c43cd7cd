import type { StoredHistogram } from "../../core/store/histogram.ts";
import {
  noMetrics,
  type StoredHour,
  type StoredMetrics,
  type StoredNameMetrics,
  sumOfCounts,
  sumOfMetrics,
} from "../../core/store/metrics.ts";
import type { StoredPending } from "../../core/store/pending.ts";
import type { StoredMinute, StoredStats } from "../../core/store/stats.ts";

/** The metrics of each job type, from those in each partition. */
export function sumOfNames(parts: readonly (readonly StoredNameMetrics[])[]): readonly StoredNameMetrics[] {
  const sums = new Map<string | undefined, StoredNameMetrics>();
  for (const each of parts.flat()) {
    const sum = sums.get(each.name);
    sums.set(each.name, sum ? sumOfOne(sum, each) : each);
  }
  return [...sums.values()];
}

function sumOfOne(a: StoredNameMetrics, b: StoredNameMetrics): StoredNameMetrics {
  return {
    name: a.name,
    total: sumOfCounts(a.total, b.total),
    hour: sumOfMetrics([a.hour, b.hour]),
    days: a.days.map((day, index) => sumOfMetrics([day, b.days[index] ?? noMetrics])),
  };
}

export function sumOfHours(parts: readonly (readonly StoredHour[])[]): readonly StoredHour[] {
  const sums = new Map<number, StoredMetrics>();
  for (const { hour, metrics } of parts.flat()) sums.set(hour, sumOfMetrics([sums.get(hour) ?? noMetrics, metrics]));
  return [...sums].map(([hour, metrics]) => ({ hour, metrics })).sort((a, b) => a.hour - b.hour);
}

export function sumOfPending(parts: readonly StoredPending[]): StoredPending {
  const counts = new Map<string, number>();
  for (const [name, count] of parts.flatMap((part) => [...part.counts]))
    counts.set(name, (counts.get(name) ?? 0) + count);
  return { counts, isEstimated: parts.some(({ isEstimated }) => isEstimated) };
}

/** The statistics of a queue, from those of each partition. */
export function sumOfStats(all: readonly StoredStats[]): StoredStats {
  return all.reduce((sum, stats) => ({
    scheduled: sum.scheduled + stats.scheduled,
    ready: sum.ready + stats.ready,
    running: sum.running + stats.running,
    dead: sum.dead + stats.dead,
    completed: sum.completed + stats.completed,
    processed: sum.processed + stats.processed,
    retried: sum.retried + stats.retried,
    deadLettered: sum.deadLettered + stats.deadLettered,
    expired: sum.expired + stats.expired,
    enqueued: sum.enqueued + stats.enqueued,
    paused: sum.paused || stats.paused,
    nextAt: earlier(sum.nextAt, stats.nextAt),
    oldestReadyAt: earlier(sum.oldestReadyAt, stats.oldestReadyAt),
    minutes: sumOfMinutes([...sum.minutes, ...stats.minutes]),
    waitingTimes: sumOfTimes(sum.waitingTimes, stats.waitingTimes),
    runningTimes: sumOfTimes(sum.runningTimes, stats.runningTimes),
    ...(sum.names && stats.names && { names: sumOfNames([sum.names, stats.names]) }),
  }));
}

function earlier(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}

function sumOfMinutes(minutes: readonly StoredMinute[]): readonly StoredMinute[] {
  const sums = new Map<number, StoredMinute>();
  for (const { minute, processed, retried, dead } of minutes) {
    const sum = sums.get(minute) ?? { processed: 0, retried: 0, dead: 0 };
    sums.set(minute, {
      minute,
      processed: sum.processed + processed,
      retried: sum.retried + retried,
      dead: sum.dead + dead,
    });
  }
  return [...sums.values()].sort((a, b) => a.minute - b.minute);
}

function sumOfTimes(one: StoredHistogram, other: StoredHistogram): StoredHistogram {
  return {
    counts: one.counts.map((count, index) => count + (other.counts[index] ?? 0)),
    sumMs: one.sumMs + other.sumMs,
  };
}
