/** A schedule, as a store is given it. */
export interface ScheduleEntry {
  readonly key: string;
  readonly record: string;
  /** The next slot; undefined where none comes. */
  readonly next: number | undefined;
}

/** A schedule, as a store has it. */
export interface StoredSchedule extends ScheduleEntry {
  /**
   * How often it has been stored anew at this slot, or without one, modulo `CLAIM_CYCLE`: tells what was read from what stands
   * there now. Undefined where the store has lost where it stood, as by eviction.
   */
  readonly revision: number | undefined;
}

/** A schedule to store in place of the one with its key, if that still stands as it was read. */
export interface SchedulePut extends ScheduleEntry {
  /** What was read; undefined for none. */
  readonly from?: Pick<StoredSchedule, "next" | "revision"> | undefined;
}

/** The declared schedules of one deployment in place of those of another. */
export interface ManifestChange {
  readonly from: string | undefined;
  readonly manifest: string;
  readonly put: readonly SchedulePut[];
  readonly remove: readonly string[];
}
