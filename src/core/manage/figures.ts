import type { QueueContext } from "../enqueue/context.ts";
import { nameText } from "../job/options.ts";
import { described, flag, optionsOf, whole } from "../shared/schema.ts";
import type { OutcomeCounts, StoredMetrics, StoredNameMetrics, StoredPending } from "../store/stats.ts";
import {
  countsIn,
  DAY_MS,
  DAYS_KEPT,
  estimateOf,
  HOUR_MS,
  HOURS_KEPT,
  NAMES_KEPT,
  noMetrics,
  outcomeCounts,
  TEN_MINUTES_MS,
  TENS_KEPT,
} from "../store/stats.ts";
import type { PausedJobType } from "./paused-jobs.ts";

/** How long something took. Each estimate is at most 20 % off for up to a day, and never above the slowest. */
export interface Percentiles {
  /** p50: half of the attempts took at most this long, in ms. */
  readonly medianMs: number;
  /** p95: 95 % of the attempts took at most this long, in ms. */
  readonly p95Ms: number;
}

/** Metrics of a period: how many jobs and attempts ended, and how long they took. */
export interface Figures extends OutcomeCounts {
  /** When the period began. */
  readonly at: Date;
  /** How long attempts waited from when they were due to their start; null if none was timed. */
  readonly waiting: Percentiles | null;
  /** How long attempts ran; null if none was timed. */
  readonly running: Percentiles | null;
}

/** How many jobs wait: scheduled and ready ones together. */
export interface PendingJobs {
  /** How many. */
  readonly count: number;
  /**
   * Whether the count is an estimate, because not all waiting jobs were read. A name with few jobs may then count none.
   * The count is usually exact while fewer than 5,000 jobs of the queue wait.
   */
  readonly estimated: boolean;
}

/** Metrics of one job type. */
export interface NameFigures {
  /** The name of the jobs; "other" for all names together that have no metrics of their own. */
  readonly name: string;
  /** Since the first job of this name ended. */
  readonly total: OutcomeCounts;
  /** The last hour, and up to ten minutes more: `at` says since when. */
  readonly hour: Figures;
  /** The last days (UTC), oldest first, as many as `days`. Today is the last one. */
  readonly days: readonly Figures[];
  /** With the option `pending`: how many of its jobs wait now. */
  readonly pending?: PendingJobs;
  /** Over HTTP with the option `pending`, while the type is paused: by whom, when and why. */
  readonly paused?: PausedJobType;
}

/** Metrics of each job type. */
export interface QueueFigures {
  /**
   * In the order of the names. The first 100 names with an ended job have metrics of their own. With the option
   * `pending`, names with only waiting jobs fill up the 100.
   */
  readonly names: readonly NameFigures[];
  /** All other names together; null if there are none. */
  readonly other: NameFigures | null;
}

/** Metrics of a queue by the hour. */
export interface QueueHistory {
  /** Hours (UTC), oldest first, as many as the option `hours`, including empty ones. The current one is the last. */
  readonly hours: readonly Figures[];
}

/** What `getFigures` reads. */
export interface FiguresOptions {
  /** Only of this job type. Default: of all. */
  readonly name?: string | undefined;
  /** How many days to read, including today: 0 to 8. Default 8. */
  readonly days?: number | undefined;
  /** Whether to count the jobs that wait under each name, for 3 to 6 more commands. Default false. */
  readonly pending?: boolean | undefined;
}

/** What `getHistory` reads. */
export interface HistoryOptions {
  /** How many hours to read, including the current one: 1 to 336, which is two weeks. Default 336. */
  readonly hours?: number | undefined;
}

export const figuresOptions = optionsOf<FiguresOptions>("getFigures", {
  name: nameText,
  days: whole(0, DAYS_KEPT),
  pending: described(
    flag,
    "Whether to count the jobs that wait under each name, for 3 to 6 more commands. Default false.",
  ),
});
export const historyOptions = optionsOf<HistoryOptions>("getHistory", { hours: whole(1, HOURS_KEPT) });

/** @param pausedJobs the paused job types: the option `pending` then marks them, and lists all of them. */
export async function getFigures(
  { store, clock }: QueueContext,
  options: FiguresOptions,
  pausedJobs: readonly PausedJobType[] = [],
): Promise<QueueFigures> {
  const { name, days = DAYS_KEPT, pending = false } = figuresOptions.read(options);
  const now = clock();
  const [stored, waiting] = await Promise.all([store.figures(now, days), pending ? store.pending(now) : undefined]);
  const metrics = queueFigures(stored, now);
  const nothing = { total: outcomeCounts([]), hour: noMetrics, days: Array.from({ length: days }, () => noMetrics) };
  const emptyMetrics = (of: string) => nameMetrics(of, nothing, now);
  const all = waiting ? withPending(metrics, waiting, pausedJobs, emptyMetrics) : metrics;
  return name === undefined ? all : { names: all.names.filter((each) => each.name === name), other: null };
}

/**
 * Adds how many jobs wait under each name. Names without metrics fill up the list, those with the most jobs first. All
 * others count as `other`, and so do jobs with a record that cannot be read.
 */
function withPending(
  { names, other }: QueueFigures,
  { counts, isEstimated }: StoredPending,
  pausedJobs: readonly PausedJobType[],
  emptyMetrics: (name: string) => NameFigures,
): QueueFigures {
  // Names are as records contain them: escaped for JSON.
  const nameIn = (text: string) => JSON.parse(`"${text}"`) as string;
  const waiting = new Map([...counts].flatMap(([text, count]) => (text === "" ? [] : [[nameIn(text), count]])));
  for (const { name } of pausedJobs) waiting.set(name, waiting.get(name) ?? 0);
  const nameless = counts.get("") ?? 0;
  const pending = (count = 0) => ({ pending: { count, estimated: isEstimated } });
  const own = new Set(names.map(({ name }) => name));
  const rest = [...waiting].filter(([name]) => !own.has(name)).sort(([, a], [, b]) => b - a);
  const shown = rest.splice(0, NAMES_KEPT - names.length).map(([name]) => emptyMetrics(name));
  const all = [...names, ...shown].map((each) => {
    const paused = pausedJobs.find(({ name }) => name === each.name);
    return { ...each, ...pending(waiting.get(each.name)), ...(paused && { paused }) };
  });
  const others = other ?? (rest.length > 0 || nameless > 0 ? emptyMetrics("other") : undefined);
  return {
    names: all.sort(byName),
    other: others ? { ...others, ...pending(rest.reduce((sum, [, count]) => sum + count, nameless)) } : null,
  };
}

export function queueFigures(stored: readonly StoredNameMetrics[], now: number): QueueFigures {
  const names = stored.flatMap((each) => (each.name === undefined ? [] : nameMetrics(each.name, each, now)));
  const other = stored.find(({ name }) => name === undefined);
  return { names: names.sort(byName), other: other ? nameMetrics("other", other, now) : null };
}

const byName = (a: NameFigures, b: NameFigures) => (a.name < b.name ? -1 : 1);

export async function getHistory({ store, clock }: QueueContext, options: HistoryOptions): Promise<QueueHistory> {
  const { hours: count = HOURS_KEPT } = historyOptions.read(options);
  const now = clock();
  const known = new Map((await store.history(now, count)).map(({ hour, metrics }) => [hour, metrics]));
  const first = windowsBefore(now, HOUR_MS, count);
  const hours = Array.from({ length: count }, (_, index) =>
    metricsOf(known.get(first + index) ?? noMetrics, (first + index) * HOUR_MS),
  );
  return { hours };
}

function windowsBefore(now: number, ms: number, count: number): number {
  return Math.floor(now / ms) - count + 1;
}

function nameMetrics(name: string, { total, hour, days }: Omit<StoredNameMetrics, "name">, now: number): NameFigures {
  const firstDay = windowsBefore(now, DAY_MS, days.length);
  return {
    name,
    total,
    hour: metricsOf(hour, windowsBefore(now, TEN_MINUTES_MS, TENS_KEPT) * TEN_MINUTES_MS),
    days: days.map((day, index) => metricsOf(day, (firstDay + index) * DAY_MS)),
  };
}

function metricsOf(stored: StoredMetrics, at: number): Figures {
  const { waiting, running } = stored;
  return { at: new Date(at), ...countsIn(stored), waiting: percentiles(waiting), running: percentiles(running) };
}

function percentiles({ counts, slowestMs }: StoredMetrics["running"]): Percentiles | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const estimate = (share: number) => Math.min(quantile(counts, total * share), slowestMs);
  return { medianMs: estimate(0.5), p95Ms: estimate(0.95) };
}

/** About the duration that `rank` of the counted ones do not exceed: at most 20 % off. */
function quantile(counts: readonly number[], rank: number): number {
  let upTo = 0;
  const bucket = counts.findIndex((count) => {
    upTo += count;
    return upTo >= rank;
  });
  return estimateOf(bucket);
}
