import { parseCron, type Recurrence } from "../cron/cron.ts";
import { readInterval } from "../cron/every.ts";
import { decode } from "../job/codec.ts";
import type { Missed, Overlap } from "../job/options.ts";
import { encodeRecord, type JobRecord, type StoredOptions } from "../job/record.ts";
import { orUndefined } from "../shared/errors.ts";
import type { NewFlow } from "../store/flow.ts";
import { occurrenceJobId } from "../store/occurrence-id.ts";
import { atItsTimes, type ScheduleEntry } from "../store/schedules.ts";
import type { DueSchedule } from "../store/store.ts";

/** The stored form of a schedule, apart from its next occurrence. */
export interface ScheduleRecord {
  readonly name: string;
  readonly payload?: unknown;
  /** An expression, or an interval (cron/every.ts). */
  readonly cron: string;
  readonly timeZone: string;
  readonly missed: Missed;
  readonly overlap: Overlap;
  /** The flow control key of the jobs that it makes. */
  readonly flow?: NewFlow | undefined;
  readonly job?: StoredOptions;
  /** True if code declares it. It is removed when the code no longer does. */
  readonly declared?: boolean;
  /** True while it is paused, without a next occurrence. */
  readonly paused?: boolean;
  readonly lastOccurrence?: number;
  readonly lastJobId?: string;
}

/**
 * Reads a schedule whose next occurrence is `next`; undefined if it is damaged or of an unknown version. The place of
 * `next` in the plan shows which occurrence the store has fired by itself since it stored the record.
 */
export function readSchedule({ key, record, plan, next }: ScheduleEntry): ScheduleRecord | undefined {
  const stored = decode<ScheduleRecord>(record);
  const last = plan && next !== undefined ? plan.times[plan.times.indexOf(next) - 1] : undefined;
  return stored && last !== undefined
    ? { ...stored, lastOccurrence: last, lastJobId: occurrenceJobId(key, last) }
    : stored;
}

export function readDue(due: DueSchedule): ScheduleRecord | undefined {
  return readSchedule({ ...due, next: due.occurrence });
}

/** When a schedule fires. Its key decides what `H` means. @throws {TidegateError} `invalid_request` */
export function recurrenceOf(key: string, { cron, timeZone }: Pick<ScheduleRecord, "cron" | "timeZone">): Recurrence {
  return readInterval(cron) ?? parseCron(cron, timeZone, key);
}

/** Undefined if this runtime cannot read the expression, or does not know the time zone yet. */
export function readRecurrence(key: string, rule: Pick<ScheduleRecord, "cron" | "timeZone">): Recurrence | undefined {
  return orUndefined(() => recurrenceOf(key, rule));
}

/** The record of an occurrence's job in three parts. Between them come the time of its making and the occurrence. */
export function jobRecordOf(
  key: string,
  { name, payload, job }: Pick<ScheduleRecord, "name" | "payload" | "job">,
): readonly [string, string, string] {
  const record: JobRecord = { enqueuedAt: 0, occurrence: { at: 0, key }, name, payload, ...job };
  return atItsTimes(encodeRecord(record));
}
