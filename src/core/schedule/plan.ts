import { occurrencesFrom } from "../cron/cron.ts";
import { encode } from "../job/codec.ts";
import type { Missed, Overlap } from "../job/options.ts";
import { bytesOf } from "../shared/limits.ts";
import type { ScheduleEntry, SchedulePlan } from "../store/schedules.ts";
import { jobRecordOf, readRecurrence, type ScheduleRecord } from "./record.ts";

/** An occurrence counts as missed if it is found this much later, and no other has followed. */
const MISSED_AFTER_MS = 5 * 60_000;

/** Whether each missed occurrence makes a job, and how late the last one may make one. */
export const missedRules: Readonly<Record<Missed, Pick<SchedulePlan, "makesEach" | "latestMs">>> = {
  once: { makesEach: false },
  skip: { makesEach: false, latestMs: MISSED_AFTER_MS },
  all: { makesEach: true },
};

/** The most occurrences in a plan. The next one after them costs some more commands. */
const MOST_PLANNED = 60;
/** How far a plan reaches: the rules of a time zone may change, and rare occurrences cost little. */
const PLANNED_MS = 7 * 86_400_000;
/** The largest record of a planned job. The record of the schedule contains it a second time. */
const LARGEST_PLANNED = 4 * 1024;
const TIME_BYTES = 14;

/** Whether an occurrence makes no job while that of an earlier one waits or runs. */
export const waitsForLast: Readonly<Record<Overlap, boolean>> = { allow: false, skip: true };

export function scheduleEntry(key: string, record: ScheduleRecord, next: number | undefined): ScheduleEntry {
  return { key, record: encode(record), next, plan: planOf(key, record, next) };
}

/**
 * Plans the occurrences of a schedule from `next` on. Undefined if a drain must decide about each of them: with a flow
 * control key, since a claim cannot add a job to its line; with `overlap: "skip"`, which depends on another job; and if
 * the job is large, or the occurrence after the next is far away.
 */
function planOf(key: string, record: ScheduleRecord, next: number | undefined): SchedulePlan | undefined {
  const recurrence = readRecurrence(key, record);
  const { flow, overlap, missed, declared = false } = record;
  if (!recurrence || next === undefined || flow || waitsForLast[overlap]) return undefined;
  const jobRecord = jobRecordOf(key, record);
  const times = occurrencesFrom(next, recurrence, MOST_PLANNED, next + PLANNED_MS);
  if (times.length < 2 || bytesOf(jobRecord.join("")) > LARGEST_PLANNED) return undefined;
  return { times, jobRecord, ...missedRules[missed], isDeclared: declared };
}

export function bytesOfPlan(plan: SchedulePlan | undefined): number {
  return plan ? bytesOf(plan.jobRecord.join("")) + plan.times.length * TIME_BYTES : 0;
}
