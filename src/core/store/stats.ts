import type { StoredHistogram, StoredNameMetrics } from "./metrics.ts";

/** The counts of a queue, all from one moment. */
export interface StoredStats {
  readonly scheduled: number;
  readonly ready: number;
  readonly running: number;
  /** Jobs in the dead-letter queue now. */
  readonly dead: number;
  readonly completed: number;
  readonly processed: number;
  readonly retried: number;
  /** Jobs ever dead-lettered. */
  readonly deadLettered: number;
  /** Jobs dropped because they were not started in time. */
  readonly expired: number;
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
  /** Without days. Only if they were asked for. */
  readonly names?: readonly StoredNameMetrics[];
}

export interface StoredMinute {
  /** Minutes since 1970. */
  readonly minute: number;
  readonly processed: number;
  readonly retried: number;
  readonly dead: number;
}

export const MINUTE_MS = 60_000;

/** How many minutes are reported. A store keeps at least as many. */
export const MINUTES_KEPT = 60;

/** The number of a minute since 1970. */
export function minuteOf(atMs: number): number {
  return Math.floor(atMs / MINUTE_MS);
}
