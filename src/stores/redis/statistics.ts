import { MEBIBYTE } from "../../core/shared/limits.ts";
import { noFigures, type StoredFigures, type StoredNameFigures } from "../../core/store/figures.ts";
import { durationBounds } from "../../core/store/histogram.ts";
import { MOST_PENDING_READ } from "../../core/store/pending.ts";
import type { StoredStats } from "../../core/store/stats.ts";
import type { QueueStore } from "../../core/store/store.ts";
import { type Caller, flag, rowsOf, textsOf } from "./caller.ts";
import { timeOf } from "./peek.ts";
import { scripts } from "./scripts.generated.ts";

/**
 * Up to how many members of `due` are read to count them: that is one command, and beyond it ZCOUNT needs seven to
 * eleven. A running job has two members.
 */
const MOST_READ = 5_000;
/** The same for metrics, which are read less often than statistics: Redis takes some 10 ms for as many. */
const MOST_MEASURED = 20_000;
/** How many bytes of records are read in Redis to count waiting jobs by name. */
const MOST_PENDING_BYTES = 4 * MEBIBYTE;
// Where the counters of the last histogram begin: a sum, and a count for each bound and one more. As in
// lua/_prelude.lua.
const RUNNING_TIMES = 24;
const HISTOGRAM_SIZE = durationBounds.length + 2;

/**
 * Reads every counter that is not of a minute, for BITFIELD. One of them changes whenever an attempt is settled, or a
 * job removed.
 */
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
      const args = [String(now), flag(withNames), String(withNames ? MOST_MEASURED : MOST_READ)];
      return storedStats(await caller.texts(scripts.stats, args), withNames);
    },
    async figures(now, days) {
      return storedNameFigures(await caller.texts(scripts.figures, [String(now), String(days)]), days);
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
      const answer = await caller.texts(scripts.history, [String(now), String(hours)]);
      return rowsOf(answer, 2).map(([hour, figures = ""]) => ({ hour: Number(hour), figures: storedFigures(figures) }));
    },
  };
}

function storedStats(answer: readonly string[], withNames: boolean): StoredStats {
  const number = (index: number) => Number(answer[index] ?? 0);
  const histogram = (first: number) => ({
    sumMs: number(first),
    counts: answer.slice(first + 1, first + HISTOGRAM_SIZE).map(Number),
  });
  const minutesAt = 13 + 2 * HISTOGRAM_SIZE;
  const namesAt = minutesAt + 4 * number(minutesAt - 1);
  const minutes = rowsOf(answer.slice(minutesAt, namesAt), 4)
    .map((row) => row.map(Number))
    .map(([minute = 0, processed = 0, retried = 0, dead = 0]) => ({ minute, processed, retried, dead }));
  return {
    scheduled: number(0),
    ready: number(1),
    running: number(2),
    dead: number(3),
    completed: number(4),
    processed: number(5),
    retried: number(6),
    deadLettered: number(7),
    enqueued: number(8),
    paused: number(9) === 1,
    nextAt: timeOf(answer[10]),
    oldestReadyAt: timeOf(answer[11]),
    waitingTimes: histogram(12),
    runningTimes: histogram(12 + HISTOGRAM_SIZE),
    minutes: minutes.sort((a, b) => a.minute - b.minute),
    ...(withNames && { names: storedNameFigures(answer.slice(namesAt), 0) }),
  };
}

/** Reads figures as lua/_read_windows.lua writes them. */
function storedFigures(text: string): StoredFigures {
  if (text === "") return noFigures;
  const [processed = 0, retried = 0, dead = 0, ...times] = text.split(",").map(Number);
  const half = times.length / 2;
  return { processed, retried, dead, waiting: times.slice(0, half), running: times.slice(half) };
}

function storedNameFigures(answer: readonly string[], days: number): readonly StoredNameFigures[] {
  return rowsOf(answer, 3 + days).map(([name, totals = "", hour = "", ...byDay]) => {
    const [processed = 0, retried = 0, dead = 0] = totals.split(",").map(Number);
    const total = { processed, retried, dead };
    return { name: name || undefined, total, hour: storedFigures(hour), days: byDay.map(storedFigures) };
  });
}
