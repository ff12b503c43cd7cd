export interface ScheduleEntry {
  readonly key: string;
  readonly record: string;
  /** The next occurrence; undefined if there is none. */
  readonly next: number | undefined;
  /** Default: each occurrence is handed out. */
  readonly plan?: SchedulePlan | undefined;
}

/**
 * The next occurrences of a schedule, computed ahead, and what they make. With a plan the store itself fires the
 * schedule: the exchange that finds it due makes the job of the latest due occurrence, moves the schedule on, and
 * leases the job.
 *
 * The store hands the schedule out instead if it is at none of these times, if there is no later time, if a job with
 * the id of the occurrence exists, and in the cases below.
 */
export interface SchedulePlan {
  /** Occurrences in order. */
  readonly times: readonly number[];
  /** The record of a job, in three parts: between them come the time of the exchange and the occurrence, in ms. */
  readonly jobRecord: readonly [string, string, string];
  /** Hands the schedule out if several occurrences are due: each of them makes a job. */
  readonly makesEach: boolean;
  /** Hands the schedule out if the occurrence is found later than this. Default: however late. */
  readonly latestMs?: number | undefined;
  /** Whether code declares the schedule. Then only claims that say so fire it (`ClaimRequest.firesDeclared`). */
  readonly isDeclared: boolean;
}

/** Splits the record of a planned job at its two times, which are 0 and come first. */
export function atItsTimes(record: string): SchedulePlan["jobRecord"] {
  const madeAt = record.indexOf("0");
  const occurrence = record.indexOf("0", madeAt + 1);
  return [record.slice(0, madeAt), record.slice(madeAt + 1, occurrence), record.slice(occurrence + 1)];
}

export interface StoredSchedule extends ScheduleEntry {
  /**
   * How often it was changed since it moved to this occurrence, modulo `CLAIM_CYCLE`. It shows whether the schedule has
   * changed since it was read. Undefined if its member of `due` was evicted.
   */
  readonly revision: number | undefined;
}

/** A schedule to store in place of the one with its key, if that one has not changed since it was read. */
export interface SchedulePut extends ScheduleEntry {
  /** What was read. Default: no schedule had the key. */
  readonly from?: Pick<StoredSchedule, "next" | "revision"> | undefined;
}

/** Stores schedules and removes others, all or nothing. */
export interface ScheduleChange {
  readonly put?: readonly SchedulePut[];
  /** Their keys. The jobs that they made stay. One that is gone counts as removed. */
  readonly remove?: readonly string[];
  /** Replaces the manifest of declared schedules. Default: it stays as it is. */
  readonly manifest?: { readonly from: string | undefined; readonly to: string };
}
