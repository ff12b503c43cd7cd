/** A schedule, as it is given to a store. */
export interface ScheduleEntry {
  readonly key: string;
  readonly record: string;
  /** The next occurrence; undefined if there is none. */
  readonly next: number | undefined;
}

/** A schedule, as it is stored. */
export interface StoredSchedule extends ScheduleEntry {
  /**
   * How often it was changed while it stood at this occurrence, or at none, modulo `CLAIM_CYCLE`. It shows whether the schedule has
   * changed since it was read. Undefined if the store has lost its place, as by eviction.
   */
  readonly revision: number | undefined;
}

/** A schedule to store in place of the one with its key, if that one has not changed since it was read. */
export interface SchedulePut extends ScheduleEntry {
  /** What was read. Default: no schedule had the key. */
  readonly from?: Pick<StoredSchedule, "next" | "revision"> | undefined;
}

/** The declared schedules of one deployment in place of those of another. */
export interface ManifestChange {
  readonly from: string | undefined;
  readonly manifest: string;
  readonly put: readonly SchedulePut[];
  readonly remove: readonly string[];
}
