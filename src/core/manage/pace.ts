import { outcomeNames, PACE_MINUTES, paceMinutes, type StoredStats, TREND_MINUTES } from "../store/stats.ts";

// That of stats.ts would bring all of its file into the page.
const MINUTE_MS = 60_000;

/** Whether a queue keeps up: jobs a minute, on average over the last five whole minutes, or all of a younger queue. */
export interface QueuePace {
  /** Jobs that became due. A job that waits for a retry becomes due again. */
  readonly arrivals: number;
  /** Jobs that ended, or were to wait for a retry, a time or a signal. */
  readonly departures: number;
  /**
   * When nothing is ready at this pace, in ms from now: 0 if nothing is, null unless more jobs leave than arrive. After
   * a burst, the last two minutes count: more jobs may leave than arrive by then, although the average is not so yet.
   */
  readonly emptyInMs: number | null;
}

/** How a queue keeps up, and what is ready in it. */
interface Paced {
  readonly pace: QueuePace;
  readonly readyCount: number;
}

/** Whether what is ready is at most a minute's work: so much comes and goes. */
const keepsUp = ({ pace, readyCount }: Paced): boolean => readyCount <= pace.departures;

export const isGrowing = (paced: Paced): boolean =>
  paced.pace.emptyInMs === null && paced.pace.arrivals > paced.pace.departures && !keepsUp(paced);

type Format = (value: number) => string;

const rounded = (rate: number): number => (rate < 10 ? rate : Math.round(rate));

/** "grows by 146 a minute (in 450, out 304 on average)", "keeps up (60 jobs a minute)", "empty in 2 h (...)" */
export function paceText(paced: Paced, number: Format, span: Format): string {
  const { arrivals, departures, emptyInMs } = paced.pace;
  const rate = (jobs: number) => number(rounded(jobs));
  const outlook = outlookText(paced, number, span);
  const rates = `in ${rate(arrivals)}, out ${rate(departures)}`;
  if (isGrowing(paced)) return `${outlook} (${rates} on average)`;
  if (keepsUp(paced)) return departures > 0 ? `${outlook} (${rate(departures)} jobs a minute)` : outlook;
  // The average may contradict this after a burst.
  if (emptyInMs) return `${outlook} (shrinks by ${rate(paced.readyCount / (emptyInMs / MINUTE_MS))} a minute)`;
  return `${rates} a minute on average`;
}

/** "grows by 146 a minute", "keeps up" or "empty in 2 h"; empty if what is ready neither grows nor shrinks. */
export function outlookText(paced: Paced, number: Format, span: Format): string {
  const { arrivals, departures, emptyInMs } = paced.pace;
  if (isGrowing(paced)) return `grows by ${number(rounded(arrivals) - rounded(departures))} a minute`;
  if (keepsUp(paced)) return "keeps up";
  return emptyInMs ? `empty in ${span(emptyInMs)}` : "";
}

export function paceOf(stats: StoredStats, now: number): QueuePace {
  const { ready, recent, latest } = stats;
  const pace = ratesOf(stats, recent, PACE_MINUTES, now);
  const trend = ratesOf(stats, latest, TREND_MINUTES, now);
  const less = pace.departures - pace.arrivals;
  return { ...pace, emptyInMs: emptyInMs(ready, less > 0 ? less : trend.departures - trend.arrivals) };
}

/** Jobs a minute in the last whole minutes. @param dueSince how many of the ready jobs fell due in them */
function ratesOf(stats: StoredStats, dueSince: number, count: number, now: number) {
  const { minutes, oldestReadyAt } = stats;
  const { from: earliest, until } = paceMinutes(now, count);
  const from = Math.max(earliest, firstMinute(stats));
  if (from >= until) return { arrivals: 0, departures: 0 };
  const within = minutes.filter(({ minute }) => minute >= from && minute < until);
  const sum = (of: "fellDue" | "began" | "left") => within.reduce((total, minute) => total + minute[of], 0);
  // When running jobs fell due is not stored. The earliest start first: if an older job is ready, all of them fell due
  // before these minutes. If not, as many have begun as had fallen due, apart from those that are ready.
  const isBehind = oldestReadyAt !== undefined && oldestReadyAt < from * MINUTE_MS;
  const arrived = dueSince + sum("fellDue") + (isBehind ? 0 : sum("left") - sum("began"));
  return { arrivals: Math.max(0, arrived) / (until - from), departures: sum("left") / (until - from) };
}

/** The minute in which the first job fell due. -Infinity if that is longer ago than minutes are kept. */
function firstMinute({ minutes, totals, oldestReadyAt = Number.POSITIVE_INFINITY }: StoredStats): number {
  const kept = (name: (typeof outcomeNames)[number]) => minutes.reduce((total, minute) => total + minute[name], 0);
  if (outcomeNames.some((name) => kept(name) < totals[name])) return Number.NEGATIVE_INFINITY;
  return Math.min(Math.floor(oldestReadyAt / MINUTE_MS), ...minutes.map(({ minute }) => minute));
}

function emptyInMs(ready: number, lessEachMinute: number): number | null {
  if (ready === 0) return 0;
  return lessEachMinute > 0 ? Math.round((ready / lessEachMinute) * MINUTE_MS) : null;
}

export function sumOfPaces(all: readonly Paced[]): QueuePace {
  const sum = (of: (stats: (typeof all)[number]) => number) => all.reduce((total, stats) => total + of(stats), 0);
  const arrivals = sum(({ pace }) => pace.arrivals);
  const departures = sum(({ pace }) => pace.departures);
  const ready = sum(({ readyCount }) => readyCount);
  const ends = all.flatMap(({ pace }) => pace.emptyInMs ?? []);
  const isEach = ends.length === all.length;
  return { arrivals, departures, emptyInMs: isEach ? Math.max(0, ...ends) : emptyInMs(ready, departures - arrivals) };
}
