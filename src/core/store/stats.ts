/** The counts of a queue, all from one moment. */
export interface StoredStats {
  readonly scheduled: number;
  readonly ready: number;
  readonly running: number;
  /** Jobs in the dead letter now. */
  readonly dead: number;
  readonly completed: number;
  readonly processed: number;
  readonly retried: number;
  /** Jobs ever dead-lettered. */
  readonly deadLettered: number;
  readonly enqueued: number;
  readonly paused: boolean;
  /** When something next needs attention. In the past if there is a backlog. */
  readonly nextAt: number | undefined;
  /** The earliest run time among ready jobs. */
  readonly oldestReadyAt: number | undefined;
  /** What was settled in the last hour: only those minutes in which something was. */
  readonly minutes: readonly StoredMinute[];
  readonly waitingTimes: StoredHistogram;
  readonly runningTimes: StoredHistogram;
}

/** What was settled in one minute. */
export interface StoredMinute {
  /** Minutes since 1970. */
  readonly minute: number;
  readonly processed: number;
  readonly retried: number;
  readonly dead: number;
}

/** One count for each of `durationBounds`, and one for everything above. */
export interface StoredHistogram {
  readonly counts: readonly number[];
  readonly sumMs: number;
}

const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;

/** How many minutes are reported. A store keeps at least as many. */
export const MINUTES_KEPT = 60;

/** The upper bounds of the counts of a histogram, in ms. Stores keep one count for each, and one for everything that took longer. */
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
  const index = durationBounds.findIndex((bound) => ms <= bound);
  return index < 0 ? durationBounds.length : index;
}

/** The number of a minute since 1970. */
export function minuteOf(atMs: number): number {
  return Math.floor(atMs / MINUTE_MS);
}
