import { MEBIBYTE } from "../../core/shared/limits.ts";
import {
  durationBounds,
  MOST_PENDING_READ,
  noMetrics,
  type StoredHistogram,
  type StoredMetrics,
  type StoredNameMetrics,
} from "../../core/store/metrics.ts";
import type { StoredMinute, StoredStats } from "../../core/store/stats.ts";
import type { QueueStore } from "../../core/store/store.ts";
import { type Caller, flag, rowsOf, textsOf } from "./caller.ts";
import { timeOf } from "./peek.ts";
import * as scripts from "./scripts.generated.ts";

/** How many members of `due` are read to count them, in one command. Beyond that, ZCOUNT needs seven to eleven. */
const MOST_READ = 5_000;
/** How many bytes of records are read in Redis to count waiting jobs by name. */
const MOST_PENDING_BYTES = 4 * MEBIBYTE;
// Where the last histogram begins: a sum, and a count for each bound and one more. As in lua/_prelude.lua.
const RUNNING_TIMES = 24;
const HISTOGRAM_SIZE = durationBounds.length + 2;

/** Reads every counter except those of minutes. One of them changes whenever an attempt is settled or a job removed. */
const counterFields: readonly string[] = Array.from({ length: RUNNING_TIMES + HISTOGRAM_SIZE }, (_, index) => [
  "GET",
  "i64",
  `#${index}`,
]).flat();

export function statisticsCalls(
  caller: Caller,
): Pick<QueueStore, "pulse" | "stats" | "figures" | "pending" | "history"> {
  const { due, stats } = caller.keys;
  return {
    async pulse() {
      const [members, counters] = await caller.plain(["ZCARD", due], ["BITFIELD", stats, ...counterFields]);
      return [members, ...textsOf(counters)].join();
    },
    async stats(now, withNames = false) {
      const args = [String(now), flag(withNames), String(MOST_READ)];
      return storedStats((await caller.values(scripts.stats, args)) as readonly unknown[], withNames);
    },
    async figures(now, days) {
      return storedNameMetrics(await caller.texts(scripts.figures, [String(now), String(days)]), days);
    },
    async pending(now) {
      const args = [now, MOST_READ, MOST_PENDING_READ, MOST_PENDING_BYTES].map(String);
      const [total, read, isPart, ...rest] = await caller.texts(scripts.pending, args);
      const isEstimated = isPart === "1";
      const inAll = (count: number) => (isEstimated ? Math.round((count * Number(total)) / Number(read)) : count);
      const counts = rowsOf(rest, 2).map(([name = "", count]) => [name, inAll(Number(count))] as const);
      return { counts: new Map(counts), isEstimated };
    },
    async history(now, hours) {
      const reply = await caller.texts(scripts.history, [String(now), String(hours)]);
      return rowsOf(reply, 2).map(([hour, counts = ""]) => ({ hour: Number(hour), metrics: storedMetrics(counts) }));
    },
  };
}

function storedStats(reply: readonly unknown[], withNames: boolean): StoredStats {
  const [paused, next, oldest, ...lists] = reply;
  const [jobs = [], totals = [], waiting = [], running = [], minutes = [], names = []] = lists.map(textsOf);
  const [scheduled = 0, ready = 0, leased = 0, dead = 0, completed = 0] = jobs.map(Number);
  const [processed = 0, retried = 0, deadLettered = 0, enqueued = 0, expired = 0] = totals.map(Number);
  return {
    ...{
      scheduled,
      ready,
      running: leased,
      dead,
      completed,
      processed,
      retried,
      deadLettered,
      expired,
      enqueued,
    },
    paused: Number(paused) === 1,
    nextAt: timeOf(String(next)),
    oldestReadyAt: timeOf(String(oldest)),
    waitingTimes: storedHistogram(waiting),
    runningTimes: storedHistogram(running),
    minutes: rowsOf(minutes, 4)
      .map(storedMinute)
      .sort((a, b) => a.minute - b.minute),
    ...(withNames && { names: storedNameMetrics(names, 0) }),
  };
}

function storedHistogram(counters: readonly string[]): StoredHistogram {
  const [sumMs = 0, ...counts] = counters.map(Number);
  return { sumMs, counts };
}

function storedMinute(row: readonly string[]): StoredMinute {
  const [minute = 0, processed = 0, retried = 0, dead = 0] = row.map(Number);
  return { minute, processed, retried, dead };
}

/** Reads counts as lua/_read_windows.lua writes them. */
function storedMetrics(text: string): StoredMetrics {
  if (text === "") return noMetrics;
  const [processed = 0, retried = 0, dead = 0, ...times] = text.split(",").map(Number);
  const half = times.length / 2;
  return { processed, retried, dead, waiting: times.slice(0, half), running: times.slice(half) };
}

function storedNameMetrics(reply: readonly string[], days: number): readonly StoredNameMetrics[] {
  return rowsOf(reply, 3 + days).map(([name, totals = "", hour = "", ...byDay]) => {
    const [processed = 0, retried = 0, dead = 0] = totals.split(",").map(Number);
    const total = { processed, retried, dead };
    return { name: name || undefined, total, hour: storedMetrics(hour), days: byDay.map(storedMetrics) };
  });
}
