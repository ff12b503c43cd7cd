import type {
  FailuresPage,
  FailuresRequest,
  FoundDead,
  FoundJobs,
  JobState,
  Page,
  PageRequest,
  QueueStore,
  StoredJob,
} from "../../core/store/store.ts";
import { badCursor, readUnordered, unorderedCursor, writeCursor } from "../cursor.ts";
import { mergedFailures, mergedPages } from "./merged-pages.ts";
import type { Parts } from "./parts.ts";

// Some lists read one part after the other: a cursor is the number of a part, and the cursor in that part. Others merge
// a page of each part: one cursor is for all parts.

/** The beginning of a cursor in one part. */
const IN_ONE_PART = /^\d{1,2}\//;

/** The part of a cursor, and the cursor in that part. */
function placeOf(parts: Parts, cursor: string | undefined) {
  if (cursor === undefined) return { part: 0, rest: undefined };
  const [, part, rest] = /^(\d{1,2})\/(.*)$/s.exec(cursor) ?? [];
  if (part === undefined || Number(part) >= parts.all.length) throw badCursor();
  return { part: Number(part), rest: rest || undefined };
}

/** The cursor that follows a page of a part. @param begin where the next part begins. */
function cursorAfter(parts: Parts, part: number, rest: string | undefined, begin = ""): string | undefined {
  if (rest !== undefined) return `${part}/${rest}`;
  return part + 1 < parts.all.length ? `${part + 1}/${begin}` : undefined;
}

/** Reads a page of one part after the other. */
export async function pageInTurn<Item>(
  parts: Parts,
  cursor: string | undefined,
  read: (part: QueueStore, cursor: string | undefined) => Promise<Page<Item>>,
  begin?: string,
): Promise<Page<Item>> {
  const { part, rest } = placeOf(parts, cursor);
  const { items, cursor: next } = await read(parts.at(part), rest);
  return { items, cursor: cursorAfter(parts, part, next, begin) };
}

export async function list(parts: Parts, state: JobState, page: PageRequest): Promise<Page<StoredJob>> {
  const isNewestFirst = state === "dead" || state === "completed";
  if (isNewestFirst && !IN_ONE_PART.test(page.cursor ?? "")) return listNewest(parts, state, page);
  const begin = state === "completed" ? unorderedCursor("") : undefined;
  return pageInTurn(parts, page.cursor, (part, cursor) => part.list(state, { ...page, cursor }), begin);
}

async function listNewest(parts: Parts, state: JobState, page: PageRequest): Promise<Page<StoredJob>> {
  const share = shareOf(parts, page);
  const pages = await Promise.all(parts.all.map((part) => part.list(state, share)));
  const { items, last } = mergedPages(pages, page);
  if (last) return { items, cursor: writeCursor(last) };
  const unordered = pages.findIndex(({ cursor }) => readUnordered(cursor) !== undefined);
  return { items, cursor: unordered < 0 ? undefined : `${unordered}/${pages[unordered]?.cursor}` };
}

export async function failures(parts: Parts, page: FailuresRequest): Promise<FailuresPage> {
  const share = shareOf(parts, page);
  return mergedFailures(await Promise.all(parts.all.map((part) => part.failures(share))), page.limit);
}

/** The request to each part, so that all of them together return no more than the limit. */
function shareOf<Request extends FailuresRequest>(parts: Parts, page: Request): Request {
  return { ...page, mostBytes: Math.ceil(page.mostBytes / parts.all.length) };
}

/** Reads only the part of the first id: all parts together would exceed the limit. */
async function inPartOfFirst(
  parts: Parts,
  ids: readonly string[],
  find: (part: QueueStore, ids: readonly string[]) => Promise<FoundDead>,
): Promise<FoundDead> {
  const [first] = ids;
  if (first === undefined) return { jobs: [], rest: [] };
  const isHere = (id: string) => parts.of(id) === parts.of(first);
  const { jobs, rest } = await find(parts.at(parts.of(first)), ids.filter(isHere));
  return { jobs, rest: [...rest, ...ids.filter((id) => !isHere(id))] };
}

export function findDead(parts: Parts, ids: readonly string[], mostBytes: number): Promise<FoundDead> {
  return inPartOfFirst(parts, ids, (part, some) => part.findDead(some, mostBytes));
}

export function findEach(parts: Parts, ids: readonly string[], mostBytes: number, now: number): Promise<FoundJobs> {
  return inPartOfFirst(parts, ids, (part, some) => part.findEach(some, mostBytes, now));
}

export async function clear(
  parts: Parts,
  ...[state, now, from, most]: Parameters<QueueStore["clear"]>
): ReturnType<QueueStore["clear"]> {
  const { part, rest } = placeOf(parts, from);
  const { cleared, next } = await parts.at(part).clear(state, now, rest, most);
  return { cleared, next: cursorAfter(parts, part, next) };
}
