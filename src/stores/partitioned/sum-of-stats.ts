import type { StoredHistogram } from "../../core/store/histogram.ts";
import type { StoredMinute, StoredStats } from "../../core/store/stats.ts";
import { sumOfNames } from "./sum-of-figures.ts";

/** The stats of a queue that is spread over several places, from those of each. */
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
