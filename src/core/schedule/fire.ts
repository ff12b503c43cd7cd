import { type Cron, parseCron } from "../cron/cron.ts";
import { decode, encode, UNREADABLE_RETRY_MS } from "../job/codec.ts";
import { encodeRecord, type JobRecord } from "../job/record.ts";
import { bytesOf, MOST_FIRED_BYTES } from "../shared/limits.ts";
import type { NewFlow } from "../store/flow.ts";
import { slotJobId } from "../store/occurrence-id.ts";
import type { DueSchedule, Fire } from "../store/store.ts";

/** What is stored of a schedule, beside its next slot. */
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
  readonly job?: Pick<JobRecord, "maxRetries" | "backoff" | "timeoutMs">;
  /** True where it stands in the code of a deployment, and goes when it is taken out there. */
  readonly declared?: boolean;
  /** True while it is paused: then it has no next slot. */
  readonly paused?: boolean;
  readonly lastSlot?: number;
  readonly lastJobId?: string;
}

export const encodeSchedule = (record: ScheduleRecord): string => encode(record);

/** Reads a schedule; undefined where it is damaged or of a version that this code does not know. */
export const decodeSchedule = (text: string): ScheduleRecord | undefined => decode<ScheduleRecord>(text);

/** When a schedule fires. Its key decides what `H` in the expression stands for. @throws {TidegateError} `invalid_request` */
export function cronOf(key: string, { cron, timeZone }: Pick<ScheduleRecord, "cron" | "timeZone">): Cron {
  return parseCron(cron, timeZone, key);
}

/** A slot that is later than this when it is found, and was not followed by another, counts as missed. */
const MISSED_AFTER_MS = 5 * 60_000;
/** How many missed slots one firing makes up for with `missed: "all"`; the others follow at once. */
export const MOST_FIRED_AT_ONCE = 100;

/** The next slot of a schedule. One that has been fired by an invocation whose clock is ahead does not come again. */
export function nextSlot(
  key: string,
  { cron, timeZone, lastSlot }: Pick<ScheduleRecord, "cron" | "timeZone" | "lastSlot">,
  now: number,
): number | undefined {
  return cronOf(key, { cron, timeZone }).next(Math.max(now, lastSlot ?? now));
}

/**
 * Decides what schedules whose slots have come make now, and when they are due next. Those for which one request has no room
 * stay due, and follow with the next.
 */
export function firesOf(schedules: readonly DueSchedule[], now: number): readonly Fire[] {
  const fires: Fire[] = [];
  let room = MOST_FIRED_BYTES;
  for (const due of schedules) {
    const bytes = bytesOf(due.record);
    // The record of a job is hardly longer than that of its schedule, which is written anew.
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
  const { slots, next } = slotsToFire(record, cron, due.slot, now, most);
  const last = slots.at(-1);
  const fired = last === undefined ? record : { ...record, lastSlot: last, lastJobId: slotJobId(due.key, last) };
  const fire: Fire = {
    ...due,
    next,
    record: encodeSchedule(fired),
    jobs: slots.map((slot) => slotJob(due.key, record, slot, now)),
  };
  if (record.overlap === "allow" || record.lastJobId === undefined) return fire;
  return { ...fire, unless: { id: record.lastJobId, skippedRecord: text } };
}

/** Undefined where this runtime cannot read the expression, or has not heard of the zone yet. */
function readCron(key: string, record: ScheduleRecord): Cron | undefined {
  try {
    return cronOf(key, record);
  } catch {
    return undefined;
  }
}

function slotsToFire(
  record: ScheduleRecord,
  cron: Cron,
  first: number,
  now: number,
  most: number,
): { slots: number[]; next: number | undefined } {
  if (record.missed === "all" && record.overlap === "allow") {
    const slots = [first];
    let next = cron.next(first);
    while (next !== undefined && next <= now && slots.length < most) {
      slots.push(next);
      next = cron.next(next);
    }
    return { slots, next };
  }
  const last = lastSlot(cron.next, first, now);
  const tooLate = record.missed === "skip" && now - last > MISSED_AFTER_MS;
  return { slots: tooLate ? [] : [last], next: cron.next(now) };
}

/** The latest slot that has come, found by stepping from ever closer to now: a queue that slept for a year has passed millions. */
function lastSlot(next: (after: number) => number | undefined, first: number, now: number): number {
  for (let back = 1_000; back < now - first; back *= 4) {
    let slot = next(now - back);
    if (slot === undefined || slot > now) continue;
    for (let later = next(slot); later !== undefined && later <= now; later = next(later)) slot = later;
    return slot;
  }
  let slot = first;
  for (let later = next(slot); later !== undefined && later <= now; later = next(later)) slot = later;
  return slot;
}

/** The job that a schedule makes for a slot. */
export function slotJob(key: string, record: ScheduleRecord, slot: number, now: number): Fire["jobs"][number] {
  const job: JobRecord = {
    name: record.name,
    payload: record.payload,
    enqueuedAt: now,
    ...record.job,
    slot: { key, at: slot },
  };
  const { flow } = record;
  return { id: slotJobId(key, slot), runAt: slot, record: encodeRecord(job), ...(flow && { flow }) };
}
