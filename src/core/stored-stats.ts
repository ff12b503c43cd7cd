/** The counts of a queue, all of one moment. */
export interface StoredStats {
  readonly scheduled: number;
  readonly ready: number;
  readonly running: number;
  readonly dead: number;
  readonly completed: number;
  readonly processed: number;
  readonly retried: number;
  readonly died: number;
  readonly enqueued: number;
  readonly paused: boolean;
  /** The earliest run time or slot that is ahead, or due. */
  readonly nextAt: number | undefined;
  /** The earliest run time among ready jobs. */
  readonly oldestReadyAt: number | undefined;
  /** What was settled lately, by the minute: those minutes of the last hour in which something was. */
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

/** A count for each of `durationBounds`, and one for what is above. */
export interface StoredHistogram {
  readonly counts: readonly number[];
  readonly sumMs: number;
}
