import { decode, encode } from "../job/codec.ts";
import { conflict, quote } from "../shared/errors.ts";
import type { StoredDocument } from "../store/documents.ts";
import { occurrenceJobId } from "../store/occurrence-id.ts";
import { atItsTimes, type ScheduleEntry, type SchedulePlan } from "../store/schedules.ts";
import type { SealedTexts } from "../store/store.ts";
import type { Keys } from "./keys.ts";
import { isStale, ofSchedule, openRecord, sealRecord } from "./records.ts";

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

// An encrypted document is a record with one field. The text of one that is not encrypted is never a record.

const ownerOf = (kind: string, name: string): string => ` document:${kind}:${name}`;

export function sealDocument(kind: string, name: string, text: string, keys: Keys): Promise<string> {
  return sealRecord(encode({ text }), ownerOf(kind, name), keys);
}

/** Decrypts a document, unless its key is missing. @throws {TidegateError} `conflict` if it was changed. */
export async function openDocument(kind: string, document: StoredDocument, keys: Keys): Promise<StoredDocument> {
  const { name, text } = document;
  const opened = await openRecord(text, ownerOf(kind, name), keys);
  if (opened.isTampered)
    throw conflict(`The ${kind} ${quote(name)} does not decrypt: it was changed, or copied from another one.`);
  if (opened.text === text) return document;
  return { ...document, text: decode<{ readonly text: string }>(opened.text)?.text ?? text };
}

export function isStaleDocument(kind: string, { name, text }: StoredDocument, keys: Keys): boolean {
  return decode(text) === undefined || isStale(text, ownerOf(kind, name), keys);
}
