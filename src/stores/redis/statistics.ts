import { MEBIBYTE } from "../../core/shared/limits.ts";
import {
  DAY_MS,
  enqueuedOf,
  HOUR_MS,
  MINUTE_MS,
  MINUTES_KEPT,
  metricsOf,
  outcomeCounts,
  type StoredNameMetrics,
  storedMinute,
  TEN_MINUTES_MS,
  TENS_KEPT,
} from "../../core/store/stats.ts";
import type { QueueStore } from "../../core/store/store.ts";
import type { Caller } from "./caller.ts";
import { countsIn, WAITED } from "./counters.ts";
import { readPausedJobs, timeOf } from "./peek.ts";
import * as scripts from "./scripts.generated.ts";

/** How many members of `due` are read to count them, in one command. Beyond that, ZCOUNT needs seven to eleven. */
const MOST_READ = 5_000;
/** Of how many jobs of more the names are read: to pick 5,000 at random would block Redis ten times as long. */
const SAMPLE = 1_000;
/** How many bytes of records are read in Redis to count waiting jobs by name. */
const MOST_PENDING_BYTES = 4 * MEBIBYTE;

export function statisticsCalls(caller: Caller) {
  const { due } = caller.keys;
  return {
    async pulse() {
      const [members, recent] = await caller.plain(["ZCARD", due], ["GET", caller.keys["stats:recent"]]);
      return `${members} ${recent}`;
    },
    async stats(now, withNames = false) {
      const reply = await caller.run(scripts.stats, { now, withNames, most: MOST_READ });
      const { pausedJobs, nextScore, oldestScore, totals: totalsText, minutes, names, ...counts } = reply;
      const all = countsIn([totalsText]);
      const [waitedMs = 0, ranMs = 0, cancelled = 0, retriedDead = 0] = all.slice(WAITED);
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
        minutes: windowsUntil(now, minutes, MINUTE_MS, MINUTES_KEPT).map(([minute, counts]) =>
          storedMinute(minute, countsIn([counts])),
        ),
        ...(withNames && { names: names.map((row) => storedNameMetrics(row, now, 0)) }),
      };
    },
    async figures(now, days) {
      const reply = await caller.run(scripts.figures, { withDays: days > 0 });
      return reply.map((row) => storedNameMetrics(row, now, days));
    },
    async pending(now) {
      const limits = { mostMembers: MOST_READ, sample: SAMPLE, mostBytes: MOST_PENDING_BYTES };
      const { total, read, isPart, names } = await caller.run(scripts.pending, { now, ...limits });
      const inAll = (count: number) => (isPart ? Math.round((count * total) / read) : count);
      return { counts: new Map(names.map(({ name, count }) => [name, inAll(count)])), isEstimated: isPart };
    },
    async history(now, hours) {
      const reply = await caller.run(scripts.history, { first: Math.floor(now / HOUR_MS) - hours + 1 });
      return windowsUntil(now, reply, HOUR_MS, hours).map(([hour, counts]) => ({ hour, metrics: metricsIn([counts]) }));
    },
  } satisfies Partial<QueueStore>;
}

/** The last of some windows (lua/_statistics.lua), in order, each with its number. */
function windowsUntil(now: number, text = "", ms: number, count: number): readonly (readonly [number, string])[] {
  const current = Math.floor(now / ms);
  return text
    .split(",")
    .map((window) => [Number.parseInt(window, 10), window.replace(/^\d+/, "")] as const)
    .filter(([number]) => number > current - count && number <= current)
    .sort(([a], [b]) => a - b);
}

function storedNameMetrics(
  { name, text }: ReturnType<typeof scripts.figures.read>[number],
  now: number,
  days: number,
): StoredNameMetrics {
  const [totals = "", tens, past] = text.split(";");
  const known = new Map(windowsUntil(now, past, DAY_MS, days));
  const first = Math.floor(now / DAY_MS) - days + 1;
  return {
    name: name || undefined,
    total: outcomeCounts(countsIn([totals])),
    hour: metricsIn(windowsUntil(now, tens, TEN_MINUTES_MS, TENS_KEPT).map(([, counts]) => counts)),
    days: Array.from({ length: days }, (_, index) => metricsIn([known.get(first + index) ?? ""])),
  };
}

const metricsIn = (windows: readonly string[]) => metricsOf(countsIn(windows));
