import { invalidRequest } from "../core/shared/errors.ts";

/** The end of a page of a sorted set. It is valid even if that member has moved or gone. */
export interface Cursor {
  readonly score: number;
  readonly id: string;
}

export function writeCursor({ score, id }: Cursor): string {
  return `${score}:${id}`;
}

export function readCursor(cursor: string | undefined): Cursor | undefined {
  if (cursor === undefined) return undefined;
  const match = /^(\d{1,17}):(.{1,256})$/s.exec(cursor);
  if (!match) throw badCursor();
  return { score: Number(match[1]), id: match[2] as string };
}

/** Begins the cursors of completed jobs without an order, and no others. */
const UNORDERED = "-";

/** The cursor of completed jobs without an order. @param rest where the page begins; empty for the first. */
export function unorderedCursor(rest: string): string {
  return UNORDERED + rest;
}

/** The rest of such a cursor; undefined for a cursor of jobs in order. */
export function readUnordered(cursor: string | undefined): string | undefined {
  return cursor?.startsWith(UNORDERED) ? cursor.slice(UNORDERED.length) : undefined;
}

export function badCursor(): Error {
  return invalidRequest("cursor must be the one that the page before came with, for the same state.");
}
