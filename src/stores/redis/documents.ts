import type { DocumentChange, StoredDocument } from "../../core/store/documents.ts";
import { placeOf } from "../../core/store/documents.ts";
import type { DocumentPageRequest, Page, QueueStore } from "../../core/store/store.ts";
import type { Caller } from "./caller.ts";
import * as scripts from "./scripts.generated.ts";

// How scripts read and store documents: see lua/change_documents.lua.

/** Sorts after every name. */
const END = "\u{10FFFF}";

export function documentCalls(caller: Caller) {
  return {
    async findDocument(kind, name, now) {
      const [text] = await caller.plain(["HGET", caller.keys.documents, placeOf(kind, name)]);
      return typeof text === "string" ? readDocument(name, text, now) : undefined;
    },
    listDocuments: (page) => listDocuments(caller, page),
    async changeDocuments(changes, now) {
      if (changes.length === 0) return true;
      return caller.run(scripts.changeDocuments, { now, changes: changes.map(changeRow) });
    },
  } satisfies Partial<QueueStore>;
}

function changeRow({ kind, name, text, mark, from, expiresAt = 0 }: DocumentChange) {
  const read = from === undefined ? "*" : (from ?? "");
  const to = text === undefined ? ("remove" as const) : ("put" as const);
  return { name: placeOf(kind, name), read, to, mark, expires: Math.ceil(expiresAt), text: text ?? "" };
}

async function listDocuments(caller: Caller, page: DocumentPageRequest): Promise<Page<StoredDocument>> {
  const { kind, prefix = "", isReversed = false, cursor, limit, mostBytes, now } = page;
  const seen = cursor === undefined ? undefined : `(${placeOf(kind, cursor)}`;
  const low = `[${placeOf(kind, prefix)}`;
  const high = `[${placeOf(kind, prefix)}${END}`;
  const bounds = isReversed ? { low, high: seen ?? high } : { low: seen ?? low, high };
  const { more, documents } = await caller.run(scripts.listDocuments, { limit, mostBytes, ...bounds, isReversed });
  const nameOf = (field: string) => field.slice(placeOf(kind, "").length);
  const items = documents.flatMap(({ field, text }) => readDocument(nameOf(field), text, now) ?? []);
  const last = documents.at(-1);
  return { items, cursor: more && last ? nameOf(last.field) : undefined };
}

/** Reads a stored document; undefined if it has expired, or if the text is not a document. */
function readDocument(name: string, stored: string, now: number): StoredDocument | undefined {
  const [head, expires, mark = ""] = /^(\d+):([^:]*):/.exec(stored) ?? [];
  if (head === undefined || (Number(expires) > 0 && Number(expires) <= now)) return undefined;
  const expiresAt = Number(expires) > 0 ? { expiresAt: Number(expires) } : {};
  return { name, text: stored.slice(head.length), mark, ...expiresAt };
}
