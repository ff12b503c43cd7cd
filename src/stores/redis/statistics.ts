import { MEBIBYTE } from "../../core/shared/limits.ts";
import {
  durationBounds,
  MOST_PENDING_READ,
  noMetrics,
  type StoredHistogram,
  type StoredMetrics,
  type StoredNameMetrics,
} from "../../core/store/metrics.ts";
import type { QueueStore } from "../../core/store/store.ts";
import type { Caller } from "./caller.ts";
import { timeOf } from "./peek.ts";
import * as scripts from "./scripts.generated.ts";
import { arrayOf } from "./values.ts";

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
      return [members, ...arrayOf(counters)].join();
    },
    async stats(now, withNames = false) {
      const reply = await caller.run(scripts.stats, { now, withNames, most: MOST_READ });
      const { nextScore, oldestScore, waitingTimes, runningTimes, minutes, names, ...counts } = reply;
      return {
        ...counts,
        nextAt: timeOf(nextScore),
        oldestReadyAt: timeOf(oldestScore),
        waitingTimes: storedHistogram(waitingTimes),
        runningTimes: storedHistogram(runningTimes),
        minutes: minutes.toSorted((a, b) => a.minute - b.minute),
        ...(withNames && { names: names.map(storedNameMetrics) }),
      };
    },
    async figures(now, days) {
      return (await caller.run(scripts.figures, { now, days })).map(storedNameMetrics);
    },
    async pending(now) {
      const limits = { mostMembers: MOST_READ, mostJobs: MOST_PENDING_READ, mostBytes: MOST_PENDING_BYTES };
      const { total, read, isPart, names } = await caller.run(scripts.pending, { now, ...limits });
      const inAll = (count: number) => (isPart ? Math.round((count * total) / read) : count);
      return { counts: new Map(names.map(({ name, count }) => [name, inAll(count)])), isEstimated: isPart };
    },
    async history(now, hours) {
      const reply = await caller.run(scripts.history, { now, hours });
      return reply.map(({ hour, counts }) => ({ hour, metrics: storedMetrics(counts) }));
    },
  };
}

function storedHistogram([sumMs = 0, ...counts]: readonly number[]): StoredHistogram {
  return { sumMs, counts };
}

/** Reads counts as lua/_read_windows.lua writes them. */
function storedMetrics(text: string): StoredMetrics {
  if (text === "") return noMetrics;
  const [processed = 0, retried = 0, dead = 0, ...times] = text.split(",").map(Number);
  const half = times.length / 2;
  return { processed, retried, dead, waiting: times.slice(0, half), running: times.slice(half) };
}

function storedNameMetrics(row: {
  readonly name: string;
  readonly totals: string;
  readonly periods: string;
}): StoredNameMetrics {
  const [processed = 0, retried = 0, dead = 0] = row.totals.split(",").map(Number);
  const [hour = noMetrics, ...days] = row.periods.split(";").map(storedMetrics);
  return { name: row.name || undefined, total: { processed, retried, dead }, hour, days };
}
