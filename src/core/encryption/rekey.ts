import { lockOf } from "../job/lock.ts";
import { MEBIBYTE } from "../shared/limits.ts";
import { cursorIn, limit, optionsOf, orFirst } from "../shared/schema.ts";
import { readPlace, writePlace } from "../store/cursor.ts";
import type { JobState, Page, QueueStore, StoredJob } from "../store/store.ts";
import { isStaleDocument, openDocument, openEntry, sealDocument, sealEntry } from "./entries.ts";
import type { Keys } from "./keys.ts";
import { isStale, ofSchedule, openRecord, sealRecord } from "./records.ts";

/** Which step of `rekey` to make. */
export interface RekeyOptions {
  /** The cursor of the previous step. Default: the first step. */
  readonly cursor?: string | undefined;
  /** How many jobs, schedules or documents to look at, 1 to 1,000. Default 100. */
  readonly limit?: number | undefined;
}

/** What a step of `rekey` has done. */
export interface RekeyResult {
  /** How many jobs, schedules and documents it has encrypted with the current key. */
  readonly rekeyed: number;
  /**
   * How many it could not read: their key is none of the queue's, or they were changed. Keep the old keys as long as
   * this is not 0.
   */
  readonly locked: number;
  /**
   * How many it left as they were, since others have written them meanwhile, or run their jobs. They may still have an
   * old key: make all steps again until this is 0.
   */
  readonly left: number;
  /** The cursor of the next step; null after the last one. */
  readonly cursor: string | null;
}

/** What a step works on. Jobs first where they wait, then where they go from there: so none is missed on its way. */
const places = ["scheduled", "ready", "running", "dead", "completed", "schedules", "documents"] as const;

export const rekeyOptions = optionsOf<RekeyOptions>("rekey", { cursor: orFirst(cursorIn(places)), limit });

/** What a step needs. @param store the store that does not decrypt. */
export interface RekeyNeeds {
  readonly store: QueueStore;
  readonly keys: Keys;
  readonly now: number;
  readonly newMark: () => string;
}

/** Encrypts a page of what is stored with the current key, unless it is or its key is missing. */
export async function rekey(needs: RekeyNeeds, given: RekeyOptions): Promise<RekeyResult> {
  const { cursor, limit = 100 } = rekeyOptions.read(given);
  const place = readPlace(cursor, places);
  const page = { cursor: place.cursor, limit, mostBytes: MEBIBYTE, now: needs.now };
  const { items, cursor: next } = await rekeyed(needs, places[place.index], page);
  const after = writePlace(places, next === undefined ? place.index + 1 : place.index, next) ?? null;
  const counted = (fate: Fate) => items.filter((each) => each === fate).length;
  return { rekeyed: counted("rekeyed"), locked: counted("locked"), left: counted("left"), cursor: after };
}

/** What became of a record that the current key has not encrypted. "left": others have written it meanwhile. */
type Fate = "rekeyed" | "locked" | "left";

const fateOf = (isDone: boolean): Fate => (isDone ? "rekeyed" : "left");

type PageOf = Parameters<QueueStore["list"]>[1];

function rekeyed(needs: RekeyNeeds, place: (typeof places)[number] | undefined, page: PageOf): Promise<Page<Fate>> {
  if (place === "schedules") return schedules(needs, page);
  return place === undefined || place === "documents" ? documents(needs, page) : jobs(needs, page, place);
}

async function jobs({ store, keys }: RekeyNeeds, page: PageOf, state: JobState): Promise<Page<Fate>> {
  const { items, cursor } = await store.list(state, page);
  const rewrite = async ({ id, record: from }: StoredJob) => ({ id, from, record: await resealed(from, id, keys) });
  const all = await Promise.all(items.filter(({ id, record }) => isStale(record, id, keys)).map(rewrite));
  const rewrites = all.filter(({ from, record }) => from !== record);
  const locked = Array.from({ length: all.length - rewrites.length }, (): Fate => "locked");
  return { items: [...(await store.rewrite(state, rewrites)).map(fateOf), ...locked], cursor };
}

async function resealed(text: string, id: string, keys: Keys): Promise<string> {
  const opened = await openRecord(text, id, keys);
  // What was changed stays as it is, for whoever looks into it.
  return opened.isTampered ? text : sealRecord(opened.text, id, keys);
}

async function schedules({ store, keys }: RekeyNeeds, { cursor = "", limit }: PageOf): Promise<Page<Fate>> {
  const all = await store.listSchedules();
  const rest = all.filter(({ key }) => key > cursor).sort((a, b) => (a.key < b.key ? -1 : 1));
  const items: Fate[] = [];
  for (const stored of rest.slice(0, limit)) {
    const { key, record } = stored;
    if (!isStale(record, ofSchedule(key), keys)) continue;
    const entry = await sealEntry(await openEntry(stored, keys), keys);
    const isLocked = entry.record === record;
    items.push(isLocked ? "locked" : fateOf(await store.changeSchedules({ put: [{ ...entry, from: stored }] })));
  }
  return { items, cursor: rest.length > limit ? rest[limit - 1]?.key : undefined };
}

async function documents({ store, keys, now, newMark }: RekeyNeeds, page: PageOf): Promise<Page<Fate>> {
  const found = await store.listDocuments(page);
  const items: Fate[] = [];
  for (const stored of found.items) {
    const [, kind = "", name = ""] = /^([^:]*):(.*)$/s.exec(stored.name) ?? [];
    const document = { ...stored, name };
    if (!isStaleDocument(kind, document, keys)) continue;
    const { text: plain } = await openDocument(kind, document, keys).catch(() => document);
    const isLocked = plain === stored.text && lockOf(plain) !== undefined;
    if (isLocked) {
      items.push("locked");
      continue;
    }
    const { mark: from, expiresAt } = stored;
    const change = { kind, name, text: await sealDocument(kind, name, plain, keys), mark: newMark(), from, expiresAt };
    items.push(fateOf(await store.changeDocuments([change], now)));
  }
  return { items, cursor: found.cursor };
}
