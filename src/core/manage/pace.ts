import { MINUTE_MS, PACE_MINUTES, paceMinutes, type StoredStats } from "../store/stats.ts";
import type { QueuePace } from "./queue-pace.ts";

export function paceOf({ minutes, ready, recent, oldestReadyAt }: StoredStats, now: number): QueuePace {
  const { from, until } = paceMinutes(now);
  const within = minutes.filter(({ minute }) => minute >= from && minute < until);
  const sum = (of: "fellDue" | "began" | "left") => within.reduce((total, minute) => total + minute[of], 0);
  // When running jobs fell due is not stored. The earliest start first: if an older job is ready, all of them fell due
  // before these minutes. If not, as many have begun as had fallen due, apart from those that are ready.
  const isBehind = oldestReadyAt !== undefined && oldestReadyAt < from * MINUTE_MS;
  const arrived = recent + sum("fellDue") + (isBehind ? 0 : sum("left") - sum("began"));
  const arrivals = Math.max(0, arrived) / PACE_MINUTES;
  const departures = sum("left") / PACE_MINUTES;
  return { arrivals, departures, emptyInMs: emptyInMs(ready, departures - arrivals) };
}

function emptyInMs(ready: number, lessEachMinute: number): number | null {
  if (ready === 0) return 0;
  return lessEachMinute > 0 ? Math.round((ready / lessEachMinute) * MINUTE_MS) : null;
}

/** The pace of several queues together. */
export function sumOfPaces(all: readonly { readonly pace: QueuePace; readonly readyCount: number }[]): QueuePace {
  const sum = (of: (stats: (typeof all)[number]) => number) => all.reduce((total, stats) => total + of(stats), 0);
  const arrivals = sum(({ pace }) => pace.arrivals);
  const departures = sum(({ pace }) => pace.departures);
  return {
    arrivals,
    departures,
    emptyInMs: emptyInMs(
      sum(({ readyCount }) => readyCount),
      departures - arrivals,
    ),
  };
}
