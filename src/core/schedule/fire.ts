import { type Cron, parseCron } from "../cron/cron.ts";
import { decode, encode, UNREADABLE_RETRY_MS } from "../job/codec.ts";
import { encodeRecord, type JobRecord } from "../job/record.ts";
import { bytesOf, MOST_FIRED_BYTES } from "../shared/limits.ts";
import type { NewFlow } from "../store/flow.ts";
import { occurrenceJobId } from "../store/occurrence-id.ts";
import type { DueSchedule, Fire } from "../store/store.ts";

/** What is stored of a schedule, apart from its next occurrence. An occurrence is called a slot in what is stored. */
export interface ScheduleRecord {
  readonly name: string;
  readonly payload?: unknown;
  readonly cron: string;
  readonly timeZone: string;
  readonly missed: "once" | "skip" | "all";
  readonly overlap: "allow" | "skip";
  /** The key of flow control of the jobs that it makes. */
  readonly flow?: NewFlow | undefined;
  /** Options of the jobs that it makes. */
  readonly job?: Pick<JobRecord, "maxRetries" | "backoff" | "timeoutMs" | "hidden">;
  /** True if the code of a deployment declares it. It is removed when the code no longer does. */
  readonly declared?: boolean;
  /** True while it is paused. Then it has no next occurrence. */
  readonly paused?: boolean;
  readonly lastSlot?: number;
  readonly lastJobId?: string;
}

export const encodeSchedule = (record: ScheduleRecord): string => encode(record);

/** Reads a schedule; undefined if it is damaged or of a version that this code does not know. */
export const decodeSchedule = (text: string): ScheduleRecord | undefined => decode<ScheduleRecord>(text);

/** When a schedule fires. Its key decides what `H` in the expression stands for. @throws {TidegateError} `invalid_request` */
export function cronOf(key: string, { cron, timeZone }: Pick<ScheduleRecord, "cron" | "timeZone">): Cron {
  return parseCron(cron, timeZone, key);
}

/** An occurrence counts as missed if it is found this much later, and no other has followed. */
const MISSED_AFTER_MS = 5 * 60_000;
/** How many missed occurrences one firing makes up for with `missed: "all"`. The others follow at once. */
export const MOST_FIRED_AT_ONCE = 100;

/** The next occurrence of a schedule. One that an invocation with a fast clock has fired already does not come again. */
export function nextOccurrence(
  key: string,
  { cron, timeZone, lastSlot }: Pick<ScheduleRecord, "cron" | "timeZone" | "lastSlot">,
  now: number,
): number | undefined {
  return cronOf(key, { cron, timeZone }).next(Math.max(now, lastSlot ?? now));
}

/**
 * Decides what due schedules make now, and when they are due next. Those for which one request has no room stay due, and follow
 * with the next.
 */
export function firesOf(schedules: readonly DueSchedule[], now: number): readonly Fire[] {
  const fires: Fire[] = [];
  let room = MOST_FIRED_BYTES;
  for (const due of schedules) {
    const bytes = bytesOf(due.record);
    // The record of a job is hardly longer than that of its schedule, which is written too.
    const most = Math.min(MOST_FIRED_AT_ONCE, Math.floor(room / bytes) - 1);
    if (most < 1 && fires.length > 0) break;
    const fire = fireOf(due, now, Math.max(1, most));
    room -= (1 + fire.jobs.length) * bytes;
    fires.push(fire);
  }
  return fires;
}

function fireOf({ record: text, ...due }: DueSchedule, now: number, most: number): Fire {
  const record = decodeSchedule(text);
  const cron = record && readCron(due.key, record);
  if (!cron) return { ...due, next: now + UNREADABLE_RETRY_MS, record: text, jobs: [] };
  const { occurrences, next } = occurrencesToFire(record, cron, due.occurrence, now, most);
  const last = occurrences.at(-1);
  const fired = last === undefined ? record : { ...record, lastSlot: last, lastJobId: occurrenceJobId(due.key, last) };
  const fire: Fire = {
    ...due,
    next,
    record: encodeSchedule(fired),
    jobs: occurrences.map((occurrence) => occurrenceJob(due.key, record, occurrence, now)),
  };
  if (record.overlap === "allow" || record.lastJobId === undefined) return fire;
  return { ...fire, unless: { id: record.lastJobId, skippedRecord: text } };
}

/** Undefined if this runtime cannot read the expression, or does not know the time zone yet. */
function readCron(key: string, record: ScheduleRecord): Cron | undefined {
  try {
    return cronOf(key, record);
  } catch {
    return undefined;
  }
}

function occurrencesToFire(
  record: ScheduleRecord,
  cron: Cron,
  first: number,
  now: number,
  most: number,
): { occurrences: number[]; next: number | undefined } {
  if (record.missed === "all" && record.overlap === "allow") {
    const occurrences = [first];
    let next = cron.next(first);
    while (next !== undefined && next <= now && occurrences.length < most) {
      occurrences.push(next);
      next = cron.next(next);
    }
    return { occurrences, next };
  }
  const last = lastOccurrence(cron.next, first, now);
  const tooLate = record.missed === "skip" && now - last > MISSED_AFTER_MS;
  return { occurrences: tooLate ? [] : [last], next: cron.next(now) };
}

/**
 * The latest occurrence until now. It is found by starting from ever earlier times before now, and not from the first occurrence: a
 * queue that slept for a year has missed millions.
 */
function lastOccurrence(next: (after: number) => number | undefined, first: number, now: number): number {
  for (let back = 1_000; back < now - first; back *= 4) {
    let occurrence = next(now - back);
    if (occurrence === undefined || occurrence > now) continue;
    for (let later = next(occurrence); later !== undefined && later <= now; later = next(later)) occurrence = later;
    return occurrence;
  }
  let occurrence = first;
  for (let later = next(occurrence); later !== undefined && later <= now; later = next(later)) occurrence = later;
  return occurrence;
}

/** The job that a schedule makes for an occurrence. */
export function occurrenceJob(
  key: string,
  record: ScheduleRecord,
  occurrence: number,
  now: number,
): Fire["jobs"][number] {
  const job: JobRecord = {
    name: record.name,
    payload: record.payload,
    enqueuedAt: now,
    ...record.job,
    slot: { key, at: occurrence },
  };
  const { flow } = record;
  return { id: occurrenceJobId(key, occurrence), runAt: occurrence, record: encodeRecord(job), ...(flow && { flow }) };
}
