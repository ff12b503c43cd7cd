type OutcomeKind = "completed" | "retried" | "snoozed" | "released" | "dead" | "expired";

/** How many outcomes were settled. */
export interface OutcomeCounts {
  /** Jobs completed. */
  readonly processed: number;
  /** Attempts that failed and were, or will be, retried. */
  readonly retried: number;
  /** Jobs dead-lettered. */
  readonly dead: number;
  /** Jobs dropped because they had not started in time (`expires`). */
  readonly expired: number;
}

/**
 * What is counted of outcomes: in all, by minute and hour, and of each job type. Stores, statistics, the HTTP API and
 * metrics count what stands here: `to` is the outcome, and `total` the field of `QueueStats` that has its total.
 */
export const outcomeCounters = {
  processed: {
    ...{ to: "completed", total: "totalProcessed" },
    ...{ metric: "tidegate_jobs_completed_total", help: "Jobs completed." },
  },
  retried: {
    ...{ to: "retried", total: "totalRetried" },
    ...{ metric: "tidegate_job_retries_total", help: "Failed attempts that are retried." },
  },
  dead: {
    ...{ to: "dead", total: "totalFailed" },
    ...{ metric: "tidegate_jobs_dead_total", help: "Jobs that became dead." },
  },
  expired: {
    ...{ to: "expired", total: "totalExpired" },
    ...{ metric: "tidegate_jobs_expired_total", help: "Jobs dropped because they had not started in time." },
  },
} as const satisfies Record<
  keyof OutcomeCounts,
  { to: OutcomeKind; total: `total${string}`; metric: string; help: string }
>;

/** The names of the counters, in the order in which they are stored. */
export const outcomeNames = Object.keys(outcomeCounters) as readonly (keyof OutcomeCounts)[];

/** Counts in the order of `outcomeNames`. Those that are missing are 0. */
export function outcomeCounts(counts: readonly number[]): OutcomeCounts {
  const named = outcomeNames.map((name, index) => [name, counts[index] ?? 0] as const);
  return Object.fromEntries(named) as Record<keyof OutcomeCounts, number>;
}

/** The counts alone, of anything that has more. */
export const countsIn = (all: OutcomeCounts): OutcomeCounts => outcomeCounts(outcomeNames.map((name) => all[name]));

/** A paused job type: drains release its jobs without using an attempt. */
export interface PausedJobs {
  /** The job type. */
  readonly name: string;
  readonly reason: string | null;
  /** Who has paused it; null if that is not known. */
  readonly by: string | null;
  /** ms since 1970 */
  readonly since: number;
}

export const MOST_PAUSED = 20;

/** The counts of a queue, all from one moment. */
export interface StoredStats {
  readonly scheduled: number;
  readonly ready: number;
  readonly running: number;
  /** Jobs in the dead-letter queue now. */
  readonly dead: number;
  readonly completed: number;
  readonly enqueued: number;
  /** Since the queue was first used. */
  readonly totals: OutcomeCounts;
  readonly paused: boolean;
  readonly pausedJobs: readonly PausedJobs[];
  /** When something next needs attention. In the past if there is a backlog. */
  readonly nextAt: number | undefined;
  /** The earliest run time among ready jobs. */
  readonly oldestReadyAt: number | undefined;
  /** How many of the ready jobs fell due in the last `PACE_MINUTES` whole minutes, and in the last `TREND_MINUTES`. */
  readonly recent: number;
  readonly latest: number;
  /** The last hour: only those minutes in which something happened. */
  readonly minutes: readonly StoredMinute[];
  readonly waitingTimes: StoredHistogram;
  readonly runningTimes: StoredHistogram;
  /** Without days. Only if they were asked for. */
  readonly names?: readonly StoredNameMetrics[];
}

/** How many jobs were ever enqueued: those that are live, and those that have ended. Each of them ends once. */
export function enqueuedOf(
  { scheduled, ready, running, totals }: Pick<StoredStats, "scheduled" | "ready" | "running" | "totals">,
  { cancelled, retriedDead }: { readonly cancelled: number; readonly retriedDead: number },
): number {
  const { processed, dead, expired } = totals;
  return scheduled + ready + running + processed + dead + expired + cancelled - retriedDead;
}

export interface StoredMinute extends OutcomeCounts {
  /** Minutes since 1970. */
  readonly minute: number;
  /** Of the jobs that have left since: how many had fallen due in this minute. */
  readonly fellDue: number;
  /** Of the same jobs: how many began. */
  readonly began: number;
  /** How many jobs left: they ended, or were to wait for a retry, a time or a signal. */
  readonly left: number;
}

/** A minute by its counters: those of outcomes, then those of the pace. */
export function storedMinute(minute: number, counts: readonly number[]): StoredMinute {
  const [fellDue = 0, began = 0, left = 0] = counts.slice(outcomeNames.length);
  return { minute, ...outcomeCounts(counts), fellDue, began, left };
}

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** The pace is that of so many whole minutes. */
export const PACE_MINUTES = 5;
/** The last of these: what a burst before them has left shrinks, though the average still says that it grows. */
export const TREND_MINUTES = 2;
/** What a minute counts of the pace. */
export const PACES = 3;

/** The first of so many whole minutes, and the one after the last, which is now. */
export function paceMinutes(now: number, count = PACE_MINUTES): { readonly from: number; readonly until: number } {
  const until = Math.floor(now / MINUTE_MS);
  return { from: until - count, until };
}

/** How many minutes of a queue are kept, the current one included. */
export const MINUTES_KEPT = 60;

/** How many hours of a queue are kept, the current one included. */
export const HOURS_KEPT = 14 * 24;

/** How many job types have metrics of their own. */
export const NAMES_KEPT = 100;

/** The last hour of a job type is kept in ten-minute windows: one more than an hour has, as the current one grows. */
export const TEN_MINUTES_MS = 10 * MINUTE_MS;
export const TENS_KEPT = 7;

/** How many days of a job type are kept, today included. */
export const DAYS_KEPT = 8;

/** One count for each of `durationBounds`, and one for everything above. */
export interface StoredHistogram {
  readonly counts: readonly number[];
  readonly sumMs: number;
}

const SECOND_MS = 1_000;

/** The upper bounds of a `Histogram`, in ms. */
export const histogramBounds: readonly number[] = [
  ...[10, 25, 50, 100, 250, 500, SECOND_MS, 2_500, 5 * SECOND_MS, 10 * SECOND_MS, 30 * SECOND_MS],
  ...[MINUTE_MS, 5 * MINUTE_MS, 30 * MINUTE_MS],
];

/**
 * The upper bounds of the counts that are stored, in ms, up to a day. One more count is for everything above them. The
 * durations of a count are at most 20 % from its estimate.
 */
export const durationBounds: readonly number[] = boundsAround();

function estimateFrom(first: number): number {
  return Math.floor((first * 6) / 5);
}

function boundsAround(): readonly number[] {
  const bounds = [0];
  for (let last = 0; last < DAY_MS; bounds.push(last)) {
    // The estimate is at most a fifth below the last ms.
    const furthest = Math.floor((estimateFrom(last + 1) * 5) / 4);
    last = Math.min(furthest, ...[...histogramBounds, DAY_MS].filter((bound) => bound > last));
  }
  return bounds;
}

/** About how long the durations of a count are, by its index. */
export function estimateOf(bucket: number): number {
  const first = (durationBounds[bucket - 1] ?? -1) + 1;
  return Math.min(estimateFrom(first), durationBounds[bucket] ?? first);
}

export function bucketOf(ms: number, bounds = durationBounds): number {
  const whole = Math.round(ms);
  let [first, last] = [0, bounds.length];
  while (first < last) {
    const middle = (first + last) >> 1;
    if (whole > (bounds[middle] ?? Number.POSITIVE_INFINITY)) first = middle + 1;
    else last = middle;
  }
  return first;
}

const BUCKETS = durationBounds.length + 1;

/** Counters have numbers: first those of outcomes, in their order, then those of how long attempts waited, and ran. */
export const FIRST_WAITING = outcomeNames.length;
export const FIRST_RUNNING = FIRST_WAITING + BUCKETS;
/** Two are no counts: how long the slowest waited, and ran, in ms. Not in total. */
export const SLOWEST = FIRST_RUNNING + BUCKETS;
export const COUNTERS = SLOWEST + 2;

/** Then those of the pace: `PACES` of this minute, as many of the one before, and so on. */
export const ALL_COUNTERS = COUNTERS + PACES * (PACE_MINUTES + 1);

const counterOf = new Map<OutcomeKind, number>(outcomeNames.map((name, index) => [outcomeCounters[name].to, index]));

const NONE = -1;

export function countersOf(
  outcome: {
    readonly to: OutcomeKind;
    readonly dueAt?: number | undefined;
    readonly timing?: { readonly waitedMs: number; readonly ranMs: number } | undefined;
  },
  now: number,
): readonly number[] {
  const { to, dueAt = Number.NaN, timing } = outcome;
  const counted = counterOf.get(to);
  if (counted === undefined && !timing) return [];
  const counters = [
    counted ?? NONE,
    timing ? FIRST_WAITING + bucketOf(timing.waitedMs) : NONE,
    timing ? FIRST_RUNNING + bucketOf(timing.ranMs) : NONE,
    paceCounter(0, dueAt, now),
    // What was dropped without an attempt has left at once.
    paceCounter(1, now - (timing?.ranMs ?? 0), now),
    paceCounter(2, now, now),
  ];
  return counters.includes(NONE) ? counters.filter((counter) => counter !== NONE) : counters;
}

function paceCounter(which: number, at: number, now: number): number {
  const ago = Math.max(0, Math.floor(now / MINUTE_MS) - Math.floor(at / MINUTE_MS));
  return ago <= PACE_MINUTES ? COUNTERS + ago * PACES + which : NONE;
}

/** What was settled in a period of time. */
export interface StoredMetrics extends OutcomeCounts {
  /** How long attempts waited. */
  readonly waiting: StoredTimes;
  /** How long attempts ran. */
  readonly running: StoredTimes;
}

interface StoredTimes {
  /** One count for each of `durationBounds`, and one for everything above. */
  readonly counts: readonly number[];
  readonly slowestMs: number;
}

export interface StoredNameMetrics {
  /** Undefined for all job types together that have no metrics of their own. */
  readonly name: string | undefined;
  /** Since the name was first counted. */
  readonly total: OutcomeCounts;
  /** In the last 60 to 70 minutes. */
  readonly hour: StoredMetrics;
  /** As many days as the caller wants, today last. */
  readonly days: readonly StoredMetrics[];
}

export interface StoredHour {
  /** Hours since 1970. */
  readonly hour: number;
  readonly metrics: StoredMetrics;
}

/** Counts by the numbers of their counters. Those that are missing are 0. */
export function metricsOf(counts: readonly number[]): StoredMetrics {
  const times = (first: number, slowest: number) => ({
    counts: Array.from({ length: BUCKETS }, (_, bucket) => counts[first + bucket] ?? 0),
    slowestMs: counts[slowest] ?? 0,
  });
  return {
    ...outcomeCounts(counts),
    waiting: times(FIRST_WAITING, SLOWEST),
    running: times(FIRST_RUNNING, SLOWEST + 1),
  };
}

export const noMetrics = metricsOf([]);

export interface StoredPending {
  /** By the text of the name in the record (`nameText`); records without a name count under the empty text. */
  readonly counts: ReadonlyMap<string, number>;
  /** Whether the store read only some of the jobs, at random. Then a name of few jobs may be missing. */
  readonly isEstimated: boolean;
}

/** How records begin, after the digit of their version. */
const START = ':{"name":"';

/** The JSON text of the name in a record, without its quotes; empty if the record begins otherwise. */
export function nameText(record: string): string {
  if (!record.startsWith(START, 1)) return "";
  const [, text = ""] = /^((?:[^"\\]|\\.)*)"/s.exec(record.slice(1 + START.length)) ?? [];
  return text;
}
