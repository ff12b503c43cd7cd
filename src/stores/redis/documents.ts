import type { DocumentChange, DocumentPageRequest, StoredDocument } from "../../core/store/documents.ts";
import type { Page, QueueStore } from "../../core/store/store.ts";
import { type Caller, rowsOf } from "./caller.ts";
import { scripts } from "./scripts.generated.ts";

// How documents stand in scripts' arguments and in what they store: lua/change_documents.lua.

/** Behind every name: no text of a name sorts after it. */
const END = "\u{10FFFF}";

export function documentCalls(caller: Caller): Pick<QueueStore, "findDocument" | "listDocuments" | "changeDocuments"> {
  return {
    async findDocument(kind, name, now) {
      const place = placeOf(kind, name);
      const [text] = await caller.plain(["HGET", caller.keys.documents, place]);
      return typeof text === "string" ? readDocument(place, text, now) : undefined;
    },
    async listDocuments(page) {
      return readDocuments(await caller.texts(scripts.listDocuments, pageArguments(page)), page.now);
    },
    async changeDocuments(changes, now) {
      if (changes.length === 0) return true;
      return caller.isDone(scripts.changeDocuments, [String(now), ...changes.flatMap(changeArguments)]);
    },
  };
}

/** Where a document stands: a kind has no colon. */
function placeOf(kind: string, name: string): string {
  return `${kind}:${name}`;
}

function changeArguments({ kind, name, text, mark, from, expiresAt = 0 }: DocumentChange): readonly string[] {
  const read = from === undefined ? "*" : (from ?? "");
  const change = text === undefined ? "remove" : "put";
  return [placeOf(kind, name), read, change, mark, String(Math.ceil(expiresAt)), text ?? ""];
}

function pageArguments(page: DocumentPageRequest): readonly string[] {
  const { kind, prefix = "", isReversed = false, cursor, limit, mostBytes, now } = page;
  const seen = cursor === undefined ? undefined : `(${placeOf(kind, cursor)}`;
  const low = `[${placeOf(kind, prefix)}`;
  const high = `[${placeOf(kind, prefix)}${END}`;
  const bounds = isReversed ? [low, seen ?? high] : [seen ?? low, high];
  return [now, limit, mostBytes].map(String).concat(bounds, isReversed ? "1" : "0");
}

/** Reads a stored document; undefined if it has expired, or is none. */
function readDocument(place: string, stored: string, now: number): StoredDocument | undefined {
  const [head, expires, mark = ""] = /^(\d+):([^:]*):/.exec(stored) ?? [];
  if (head === undefined || (Number(expires) > 0 && Number(expires) <= now)) return undefined;
  return { name: nameOf(place), text: stored.slice(head.length), mark };
}

function readDocuments([more, ...rows]: readonly string[], now: number): Page<StoredDocument> {
  const items = rowsOf(rows, 2).flatMap(([place = "", text = ""]) => readDocument(place, text, now) ?? []);
  const last = rows.at(-2);
  return { items, cursor: more === "1" && last !== undefined ? nameOf(last) : undefined };
}

function nameOf(place: string): string {
  return place.slice(place.indexOf(":") + 1);
}
