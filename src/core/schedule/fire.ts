import { occurrencesFrom, type Recurrence } from "../cron/cron.ts";
import { encode, UNREADABLE_RETRY_MS } from "../job/codec.ts";
import { lockOf } from "../job/lock.ts";
import { CLOCKS_APART_MS } from "../shared/clock.ts";
import { bytesOf, MOST_FIRED_BYTES } from "../shared/limits.ts";
import { occurrenceJobId } from "../store/occurrence-id.ts";
import type { DueSchedule, Fire } from "../store/store.ts";
import { bytesOfPlan, missedRules, scheduleEntry, waitsForLast } from "./plan.ts";
import { jobRecordOf, readDue, readRecurrence, recurrenceOf, type ScheduleRecord } from "./record.ts";

/** How many occurrences one firing makes with `missed: "all"`. The others follow at once. */
export const MOST_FIRED_AT_ONCE = 100;

/**
 * The next occurrence of a schedule. It skips one that an invocation with a fast clock has already fired. If that clock
 * was far ahead, it does not skip the occurrences before that one.
 */
export function nextOccurrence(
  key: string,
  { cron, timeZone, lastOccurrence }: Pick<ScheduleRecord, "cron" | "timeZone" | "lastOccurrence">,
  now: number,
): number | undefined {
  const { next } = recurrenceOf(key, { cron, timeZone });
  const isFarAhead = lastOccurrence !== undefined && lastOccurrence - now > CLOCKS_APART_MS;
  const occurrence = next(isFarAhead ? now : Math.max(now, lastOccurrence ?? now));
  return occurrence !== undefined && occurrence === lastOccurrence ? next(occurrence) : occurrence;
}

/** What due schedules make now, and when they are due next. Those that do not fit into one request stay due. */
export function firesOf(schedules: readonly DueSchedule[], now: number): readonly Fire[] {
  const fires: Fire[] = [];
  let room = MOST_FIRED_BYTES;
  for (const due of schedules) {
    const bytes = bytesOf(due.record);
    // The record of a job is hardly longer than that of its schedule, which the request contains too.
    const most = Math.min(MOST_FIRED_AT_ONCE, Math.floor(room / bytes) - 1);
    if (most < 1 && fires.length > 0) break;
    const fire = fireOf(due, now, Math.max(1, most));
    room -= (1 + fire.jobs.length) * bytes + bytesOfPlan(fire.plan);
    fires.push(fire);
  }
  return fires;
}

function fireOf(due: DueSchedule, now: number, most: number): Fire {
  // Without its key, a deployment that has it makes the jobs.
  const record = lockOf(due.record) === undefined ? readDue(due) : undefined;
  const recurrence = record && readRecurrence(due.key, record);
  if (!recurrence) return { ...due, next: now + UNREADABLE_RETRY_MS, jobs: [] };
  if (due.occurrence > now) return movedBack(due, record, now);
  const { occurrences, next } = occurrencesToFire(record, recurrence, due.occurrence, now, most);
  const last = occurrences.at(-1);
  const fired =
    last === undefined ? record : { ...record, lastOccurrence: last, lastJobId: occurrenceJobId(due.key, last) };
  const fire: Fire = {
    ...due,
    ...scheduleEntry(due.key, fired, next),
    reachMs: makesEach(record) || next === undefined ? undefined : next - now,
    jobs: occurrences.map((occurrence) => occurrenceJob(due.key, record, occurrence, now)),
  };
  if (!waitsForLast[record.overlap] || record.lastJobId === undefined) return fire;
  return { ...fire, unless: { id: record.lastJobId, skippedRecord: encode(record) } };
}

/** With `missed: "all"` a fast clock skips no occurrence: it makes them early, and they do not come again. */
function makesEach({ missed, overlap }: ScheduleRecord): boolean {
  return missedRules[missed].makesEach && !waitsForLast[overlap];
}

/**
 * A clock that was ahead has fired a schedule: moves it back to its next occurrence by this clock. Without a plan, a
 * drain decides about each occurrence, so that the clock that is ahead does not make its last one again.
 */
function movedBack(due: DueSchedule, record: ScheduleRecord, now: number): Fire {
  const next = nextOccurrence(due.key, record, now);
  if (next === undefined || next >= due.occurrence) return { ...due, next: due.occurrence, jobs: [] };
  return { ...due, ...scheduleEntry(due.key, record, next), plan: undefined, reachMs: next - now, jobs: [] };
}

function occurrencesToFire(record: ScheduleRecord, recurrence: Recurrence, first: number, now: number, most: number) {
  if (makesEach(record)) {
    const occurrences = occurrencesFrom(first, recurrence, most, now);
    return { occurrences, next: recurrence.next(occurrences.at(-1) ?? first) };
  }
  const last = lastOccurrence(recurrence.next, first, now);
  const tooLate = now - last > (missedRules[record.missed].latestMs ?? Number.POSITIVE_INFINITY);
  const isMade = last === record.lastOccurrence;
  return { occurrences: tooLate || isMade ? [] : [last], next: recurrence.next(now) };
}

/**
 * The latest occurrence until now. The search starts at ever earlier times before now, and not at the first occurrence:
 * a queue that slept for a year has missed millions.
 */
function lastOccurrence(next: (after: number) => number | undefined, first: number, now: number): number {
  let occurrence = first;
  for (let back = 1_000; back < now - first && occurrence === first; back *= 4) {
    const found = next(now - back);
    if (found !== undefined && found <= now) occurrence = found;
  }
  for (let later = next(occurrence); later !== undefined && later <= now; later = next(later)) occurrence = later;
  return occurrence;
}

export function occurrenceJob(
  key: string,
  record: ScheduleRecord,
  occurrence: number,
  now: number,
): Fire["jobs"][number] {
  const [start, middle, end] = jobRecordOf(key, record);
  const { flow } = record;
  return {
    id: occurrenceJobId(key, occurrence),
    runAt: occurrence,
    record: start + now + middle + occurrence + end,
    ...(flow && { flow }),
  };
}
