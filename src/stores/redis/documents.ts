import type { DocumentChange, DocumentPageRequest, StoredDocument } from "../../core/store/documents.ts";
import type { Page } from "../../core/store/store.ts";

// How documents stand in scripts' arguments and in what they store: lua/change_documents.lua.

/** Behind every name: no text of a name sorts after it. */
const END = "\u{10FFFF}";

/** Where a document stands: a kind has no colon. */
export function placeOf(kind: string, name: string): string {
  return `${kind}:${name}`;
}

export function changeArguments({ kind, name, text, mark, from, expiresAt = 0 }: DocumentChange): readonly string[] {
  const read = from === undefined ? "*" : (from ?? "");
  return [
    placeOf(kind, name),
    read,
    text === undefined ? "remove" : "put",
    mark,
    String(Math.ceil(expiresAt)),
    text ?? "",
  ];
}

export function pageArguments(page: DocumentPageRequest): readonly string[] {
  const { kind, prefix = "", isReversed = false, cursor, limit, mostBytes, now } = page;
  const seen = cursor === undefined ? undefined : `(${placeOf(kind, cursor)}`;
  const low = `[${placeOf(kind, prefix)}`;
  const high = `[${placeOf(kind, prefix)}${END}`;
  const bounds = isReversed ? [low, seen ?? high] : [seen ?? low, high];
  return [now, limit, mostBytes].map(String).concat(bounds, isReversed ? "1" : "0");
}

/** Reads a stored document; undefined if it has expired, or is none. */
export function readDocument(place: string, stored: string, now: number): StoredDocument | undefined {
  const [head, expires, mark = ""] = /^(\d+):([^:]*):/.exec(stored) ?? [];
  if (head === undefined || (Number(expires) > 0 && Number(expires) <= now)) return undefined;
  return { name: nameOf(place), text: stored.slice(head.length), mark };
}

export function readDocuments([more, ...rows]: readonly string[], now: number): Page<StoredDocument> {
  const items: StoredDocument[] = [];
  for (let at = 0; at < rows.length; at += 2) {
    const document = readDocument(rows[at] as string, rows[at + 1] as string, now);
    if (document) items.push(document);
  }
  const last = rows.at(-2);
  return { items, cursor: more === "1" && last !== undefined ? nameOf(last) : undefined };
}

function nameOf(place: string): string {
  return place.slice(place.indexOf(":") + 1);
}
