import { described, flag, optionsOf, whole } from "../shared/schema.ts";
import { durationBounds } from "../store/histogram.ts";
import {
  DAY_MS,
  DAYS_KEPT,
  HOUR_MS,
  HOURS_KEPT,
  NAMES_KEPT,
  noMetrics,
  type OutcomeCounts,
  type StoredMetrics,
  type StoredNameMetrics,
  TEN_MINUTES_MS,
  TENS_KEPT,
} from "../store/metrics.ts";
import type { StoredPending } from "../store/pending.ts";
import type { ManageNeeds } from "./needs.ts";

/**
 * How long something took, estimated from a histogram: right to the bounds of `Histogram`, and at most its highest one.
 */
export interface Percentiles {
  /** Half of the attempts took at most this long, in ms. */
  readonly medianMs: number;
  /** 95 % of the attempts took at most this long, in ms. */
  readonly p95Ms: number;
}

/** What was settled in some time. */
export interface Figures extends OutcomeCounts {
  /** When it began. */
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
   * Whether this is an estimate, because not all waiting jobs were read to count them. Then a name of few jobs may
   * count none. As a rule it is exact while at most 1,000 jobs of the queue wait.
   */
  readonly estimated: boolean;
}

/** How the jobs of one name do. */
export interface NameFigures {
  /** The name of the jobs; "other" for all names together that have no figures of their own. */
  readonly name: string;
  /** Since a job of the name was first settled. */
  readonly total: OutcomeCounts;
  /** The last hour, and up to ten minutes more: `at` says since when. */
  readonly hour: Figures;
  /** The last days (UTC), oldest first, as many as were asked for. Today is the last one. */
  readonly days: readonly Figures[];
  /** How many of its jobs wait now. Only if that was asked for. */
  readonly pending?: PendingJobs;
}

/** How the jobs of each name do. */
export interface QueueFigures {
  /**
   * In the order of the names. The first 100 names of which a job is settled have figures of their own. If it was asked
   * for how many jobs wait, names of which jobs only wait fill up the 100.
   */
  readonly names: readonly NameFigures[];
  /** All other names together; null if there are none. */
  readonly other: NameFigures | null;
}

/** What a queue has done by the hour. */
export interface QueueHistory {
  /**
   * Hours (UTC), oldest first, as many as were asked for, those without anything included. The current one is the last.
   */
  readonly hours: readonly Figures[];
}

/** What `getFigures` reads. */
export interface FiguresOptions {
  /** For how many days there are figures, today included: 0 to 8. Default 8. */
  readonly days?: number | undefined;
  /**
   * Whether to count the jobs that wait under each name, for 3 to 6 commands more. Default false.
   */
  readonly pending?: boolean | undefined;
}

/** What `getHistory` reads. */
export interface HistoryOptions {
  /** How many hours, the current one included: 1 to 336, which is two weeks. Default 336. */
  readonly hours?: number | undefined;
}

export const figuresOptions = optionsOf<FiguresOptions>("getFigures", {
  days: whole(0, DAYS_KEPT),
  pending: described(
    flag,
    "Whether to count the jobs that wait under each name, for 3 to 6 commands more. Default false.",
  ),
});
export const historyOptions = optionsOf<HistoryOptions>("getHistory", { hours: whole(1, HOURS_KEPT) });

/** Reads how the jobs of each name do. */
export async function getFigures({ reader, clock }: ManageNeeds, options: FiguresOptions): Promise<QueueFigures> {
  const { days = DAYS_KEPT, pending = false } = figuresOptions.read(options);
  const now = clock();
  const [stored, waiting] = await Promise.all([reader.figures(now, days), pending ? reader.pending(now) : undefined]);
  const figures = queueFigures(stored, now);
  return waiting ? withPending(figures, waiting, (name) => nameFigures(name, nothingSettled(days), now)) : figures;
}

/**
 * Adds how many jobs wait under each name. Names without figures fill up as many places as names have, those with the
 * most jobs first. All others count as `other`, and so do those whose records cannot be read.
 */
function withPending(
  { names, other }: QueueFigures,
  { counts, isEstimated }: StoredPending,
  emptyFigures: (name: string) => NameFigures,
): QueueFigures {
  const waiting = new Map([...counts].flatMap(([text, count]) => (text === "" ? [] : [[pendingName(text), count]])));
  const nameless = counts.get("") ?? 0;
  const pending = (count = 0) => ({ pending: { count, estimated: isEstimated } });
  const own = new Set(names.map(({ name }) => name));
  const rest = [...waiting].filter(([name]) => !own.has(name)).sort(([, a], [, b]) => b - a);
  const shown = rest.splice(0, NAMES_KEPT - names.length).map(([name]) => emptyFigures(name));
  const all = [...names, ...shown].map((each) => ({ ...each, ...pending(waiting.get(each.name)) }));
  const others = other ?? (rest.length > 0 || nameless > 0 ? emptyFigures("other") : undefined);
  return {
    names: all.sort(byName),
    other: others ? { ...others, ...pending(rest.reduce((sum, [, count]) => sum + count, nameless)) } : null,
  };
}

/** The name that stands in records as this text. */
function pendingName(text: string): string {
  return JSON.parse(`"${text}"`) as string;
}

/** Figures by name from what is stored. */
export function queueFigures(stored: readonly StoredNameMetrics[], now: number): QueueFigures {
  const names = stored.flatMap((each) => (each.name === undefined ? [] : nameFigures(each.name, each, now)));
  const other = stored.find(({ name }) => name === undefined);
  return {
    names: names.sort(byName),
    other: other ? nameFigures("other", other, now) : null,
  };
}

const byName = (a: NameFigures, b: NameFigures) => (a.name < b.name ? -1 : 1);

/** Reads what a queue has done in each of the last hours. */
export async function getHistory({ reader, clock }: ManageNeeds, options: HistoryOptions): Promise<QueueHistory> {
  const { hours: count = HOURS_KEPT } = historyOptions.read(options);
  const now = clock();
  const known = new Map((await reader.history(now, count)).map(({ hour, metrics }) => [hour, metrics]));
  const first = windowsBefore(now, HOUR_MS, count);
  const hours = Array.from({ length: count }, (_, index) =>
    figures(known.get(first + index) ?? noMetrics, (first + index) * HOUR_MS),
  );
  return { hours };
}

/** The number of the first of so many windows of which the last one is now. */
function windowsBefore(now: number, ms: number, count: number): number {
  return Math.floor(now / ms) - count + 1;
}

const nothingSettled = (days: number): Omit<StoredNameMetrics, "name"> => ({
  total: { processed: 0, retried: 0, dead: 0 },
  hour: noMetrics,
  days: Array.from({ length: days }, () => noMetrics),
});

function nameFigures(name: string, { total, hour, days }: Omit<StoredNameMetrics, "name">, now: number): NameFigures {
  const firstDay = windowsBefore(now, DAY_MS, days.length);
  return {
    name,
    total,
    hour: figures(hour, windowsBefore(now, TEN_MINUTES_MS, TENS_KEPT) * TEN_MINUTES_MS),
    days: days.map((day, index) => figures(day, (firstDay + index) * DAY_MS)),
  };
}

function figures({ processed, retried, dead, waiting, running }: StoredMetrics, at: number): Figures {
  return { at: new Date(at), processed, retried, dead, waiting: percentiles(waiting), running: percentiles(running) };
}

function percentiles(counts: readonly number[]): Percentiles | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  return { medianMs: quantile(counts, total * 0.5), p95Ms: quantile(counts, total * 0.95) };
}

/** The duration that so many of the counted ones do not exceed, if those of one count lie evenly between its bounds. */
function quantile(counts: readonly number[], rank: number): number {
  let before = 0;
  const index = counts.findIndex((count) => {
    before += count;
    return before >= rank;
  });
  const lower = durationBounds[index - 1] ?? 0;
  const upper = durationBounds[index] ?? lower;
  const count = counts[index] ?? 1;
  return Math.round(lower + ((upper - lower) * (rank - (before - count))) / count);
}
