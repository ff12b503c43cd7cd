import { invalidRequest } from "../shared/errors.ts";

/** The end of a page of a sorted set. It is valid even if that member has moved or gone. */
export interface Cursor {
  readonly score: number;
  readonly id: string;
}

export function writeCursor({ score, id }: Cursor): string {
  return `${score}:${id}`;
}

/** The end of the page before all members with a score: no id is before a space. */
export function cursorBefore(score: number): string {
  return writeCursor({ score, id: " " });
}

export function readCursor(cursor: string | undefined): Cursor | undefined {
  if (cursor === undefined) return undefined;
  const match = /^(\d{1,17}):(.{1,256})$/s.exec(cursor);
  if (!match) throw badCursor();
  return { score: Number(match[1]), id: match[2] as string };
}

/** Where a page of several lists begins, one list after another: in which of them, and its cursor there. */
export function readPlace(cursor: string | null | undefined, lists: readonly string[]) {
  const [, list = "", rest] = /^([a-z]+):(.*)$/s.exec(cursor ?? `${lists[0]}:`) ?? [];
  const index = lists.indexOf(list);
  if (index < 0) throw badCursor();
  return { index, cursor: rest || undefined };
}

/** Undefined behind the last list. */
export function writePlace(lists: readonly string[], index: number, cursor = ""): string | undefined {
  return index < lists.length ? `${lists[index]}:${cursor}` : undefined;
}

export function badCursor(): Error {
  return invalidRequest("cursor must be the previous page's cursor, for the same state.");
}
