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

export function badCursor(): Error {
  return invalidRequest("cursor must be the previous page's cursor, for the same state.");
}
