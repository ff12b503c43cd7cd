/** How many job types have metrics of their own. */
export const NAMES_KEPT = 100;

/** How many days of a job type are kept, today included. */
export const DAYS_KEPT = 8;

/** How many hours of a queue are kept, the current one included. */
export const HOURS_KEPT = 14 * 24;

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** The last hour of a job type is kept in ten-minute windows: one more than an hour has, as the current one grows. */
export const TEN_MINUTES_MS = 600_000;
export const TENS_KEPT = 7;

/** One count for each of `durationBounds`, and one for everything above. */
export interface StoredHistogram {
  readonly counts: readonly number[];
  readonly sumMs: number;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

/** The upper bounds of a histogram's counts, in ms. One more count is for everything above them. */
export const durationBounds: readonly number[] = [
  10,
  25,
  50,
  100,
  250,
  500,
  SECOND_MS,
  2_500,
  5 * SECOND_MS,
  10 * SECOND_MS,
  30 * SECOND_MS,
  MINUTE_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
];

/** Which count of a histogram a duration belongs to. */
export function bucketOf(ms: number): number {
  let bucket = 0;
  while (bucket < durationBounds.length && ms > (durationBounds[bucket] as number)) bucket++;
  return bucket;
}

/** How many outcomes were settled. */
export interface OutcomeCounts {
  /** Jobs completed. */
  readonly processed: number;
  /** Attempts that failed and were, or will be, retried. */
  readonly retried: number;
  /** Jobs dead-lettered. */
  readonly dead: number;
}

/** What was settled in a period of time. */
export interface StoredMetrics extends OutcomeCounts {
  /** How long attempts waited: one count for each of `durationBounds`, and one for everything above. */
  readonly waiting: readonly number[];
  /** How long attempts ran. */
  readonly running: readonly number[];
}

/** What was settled of one job type. */
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

const noTimes: readonly number[] = Array.from({ length: durationBounds.length + 1 }, () => 0);

export const noMetrics: StoredMetrics = { processed: 0, retried: 0, dead: 0, waiting: noTimes, running: noTimes };

export function sumOfMetrics(all: readonly StoredMetrics[]): StoredMetrics {
  const add = (a: readonly number[], b: readonly number[]) => a.map((count, index) => count + (b[index] ?? 0));
  return all.reduce(
    (sum, each) => ({
      ...sumOfCounts(sum, each),
      waiting: add(sum.waiting, each.waiting),
      running: add(sum.running, each.running),
    }),
    noMetrics,
  );
}

export function sumOfCounts(a: OutcomeCounts, b: OutcomeCounts): OutcomeCounts {
  return { processed: a.processed + b.processed, retried: a.retried + b.retried, dead: a.dead + b.dead };
}

/** How many jobs wait under each name. */
export interface StoredPending {
  /** By the text of the name in the record (`nameText`); records without a name count under the empty text. */
  readonly counts: ReadonlyMap<string, number>;
  /** Whether the store read only some of the jobs, at random. Then a name of few jobs may be missing. */
  readonly isEstimated: boolean;
}

/** How many waiting jobs a store reads to count them by name. */
export const MOST_PENDING_READ = 1_000;

/** How records begin, after the digit of their version. */
const START = ':{"name":"';

/** The JSON text of the name in a record, without its quotes; empty if the record begins otherwise. */
export function nameText(record: string): string {
  if (!record.startsWith(START, 1)) return "";
  const [, text = ""] = /^((?:[^"\\]|\\.)*)"/s.exec(record.slice(1 + START.length)) ?? [];
  return text;
}
