import { MEBIBYTE } from "../../core/shared/limits.ts";
import {
  COUNTERS,
  enqueuedOf,
  metricsOf,
  outcomeCounts,
  type StoredNameMetrics,
  storedMinute,
} from "../../core/store/stats.ts";
import type { QueueStore } from "../../core/store/store.ts";
import type { Caller } from "./caller.ts";
import { counterConstants } from "./counters.ts";
import { readPausedJobs, timeOf } from "./peek.ts";
import * as scripts from "./scripts.generated.ts";
import { arrayOf } from "./values.ts";

/** How many members of `due` are read to count them, in one command. Beyond that, ZCOUNT needs seven to eleven. */
const MOST_READ = 5_000;
/** Of how many jobs of more the names are read: to pick 5,000 at random would block Redis ten times as long. */
const SAMPLE = 1_000;
/** How many bytes of records are read in Redis to count waiting jobs by name. */
const MOST_PENDING_BYTES = 4 * MEBIBYTE;

/** One of these changes whenever an attempt is settled, or a job cancelled, retried or removed. */
const { CANCELLED, RETRIED_DEAD, REMOVED, SETTLED } = counterConstants;
const changing = [CANCELLED, RETRIED_DEAD, REMOVED, SETTLED].flatMap((position) => ["GET", "i64", `#${position}`]);

export function statisticsCalls(caller: Caller) {
  const { due, stats } = caller.keys;
  return {
    async pulse() {
      const [members, counters] = await caller.plain(["ZCARD", due], ["BITFIELD", stats, ...changing]);
      return [members, ...arrayOf(counters)].join();
    },
    async stats(now, withNames = false) {
      const reply = await caller.run(scripts.stats, { now, withNames, most: MOST_READ });
      const { pausedJobs, nextScore, oldestScore, totals: all, minutes, names, ...counts } = reply;
      const [waitedMs = 0, ranMs = 0, cancelled = 0, retriedDead = 0] = all.slice(COUNTERS);
      const { waiting, running } = metricsOf(all);
      const totals = outcomeCounts(all);
      return {
        ...counts,
        totals,
        pausedJobs: pausedJobs.map(readPausedJobs),
        enqueued: enqueuedOf({ ...counts, totals }, { cancelled, retriedDead }),
        nextAt: timeOf(nextScore),
        oldestReadyAt: timeOf(oldestScore),
        waitingTimes: { counts: waiting.counts, sumMs: waitedMs },
        runningTimes: { counts: running.counts, sumMs: ranMs },
        minutes: minutes.map((row) => storedMinute(row.minute, countsOf(row.counts))),
        ...(withNames && { names: names.map(storedNameMetrics) }),
      };
    },
    async figures(now, days) {
      return (await caller.run(scripts.figures, { now, days })).map(storedNameMetrics);
    },
    async pending(now) {
      const limits = { mostMembers: MOST_READ, sample: SAMPLE, mostBytes: MOST_PENDING_BYTES };
      const { total, read, isPart, names } = await caller.run(scripts.pending, { now, ...limits });
      const inAll = (count: number) => (isPart ? Math.round((count * total) / read) : count);
      return { counts: new Map(names.map(({ name, count }) => [name, inAll(count)])), isEstimated: isPart };
    },
    async history(now, hours) {
      const reply = await caller.run(scripts.history, { now, hours });
      return reply.map(({ hour, counts }) => ({ hour, metrics: metricsOf(countsOf(counts)) }));
    },
  } satisfies Partial<QueueStore>;
}

/** Reads counts as lua/_read_windows.lua writes them. */
function countsOf(text: string): readonly number[] {
  const counts: number[] = [];
  if (text === "") return counts;
  const values = text.split(",").map(Number);
  for (let i = 0; i < values.length; i += 2) counts[values[i] as number] = values[i + 1] as number;
  return counts;
}

function storedNameMetrics(row: ReturnType<typeof scripts.figures.read>[number]): StoredNameMetrics {
  const [hour = metricsOf([]), ...days] = row.periods.split(";").map((text) => metricsOf(countsOf(text)));
  return { name: row.name || undefined, total: outcomeCounts(countsOf(row.totals)), hour, days };
}
