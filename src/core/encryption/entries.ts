import { occurrenceJobId } from "../store/occurrence-id.ts";
import { atItsTimes, type ScheduleEntry, type SchedulePlan } from "../store/schedules.ts";
import type { SealedTexts } from "../store/store.ts";
import type { Keys } from "./keys.ts";
import { ofSchedule, openRecord, sealRecord } from "./records.ts";

type Stored = Pick<ScheduleEntry, "key" | "record" | "plan">;

/** Encrypts a schedule, and the record that its plan makes. @param kept as in `sealRecord`. */
export async function sealEntry<Entry extends Stored>(
  entry: Entry,
  keys: Keys,
  kept: SealedTexts = new Map(),
): Promise<Entry> {
  const { key, record, plan } = entry;
  const text = await sealRecord(record, ofSchedule(key), keys, kept);
  return withTexts(entry, text, plan && (await sealRecord(planned(plan), firstId(key), keys, kept)));
}

/** Decrypts a schedule, and the record that its plan makes. */
export async function openEntry<Entry extends Stored>(entry: Entry, keys: Keys): Promise<Entry> {
  const { key, record, plan } = entry;
  const { text } = await openRecord(record, ofSchedule(key), keys);
  return withTexts(entry, text, plan && (await openRecord(planned(plan), firstId(key), keys)).text);
}

/** The record of a planned job: of the occurrence at 0, which it names. */
const planned = ({ jobRecord }: SchedulePlan) => jobRecord.join("0");
const firstId = (key: string) => occurrenceJobId(key, 0);

function withTexts<Entry extends Stored>(entry: Entry, record: string, ofJob: string | undefined): Entry {
  const plan = ofJob === undefined ? {} : { plan: { ...entry.plan, jobRecord: atItsTimes(ofJob) } };
  return { ...entry, record, ...plan };
}
