import type { DocumentChange, DocumentPageRequest, StoredDocument } from "../../core/store/documents.ts";
import type { Page, QueueStore } from "../../core/store/store.ts";
import { type Caller, rowsOf } from "./caller.ts";
import * as scripts from "./scripts.generated.ts";

// How scripts read and store documents: see lua/change_documents.lua.

/** Sorts after every name. */
const END = "\u{10FFFF}";

export function documentCalls(caller: Caller): Pick<QueueStore, "findDocument" | "listDocuments" | "changeDocuments"> {
  return {
    async findDocument(kind, name, now) {
      const [text] = await caller.plain(["HGET", caller.keys.documents, fieldOf(kind, name)]);
      return typeof text === "string" ? readDocument(name, text, now) : undefined;
    },
    async listDocuments(page) {
      return readDocuments(await caller.texts(scripts.listDocuments, pageArguments(page)), page);
    },
    async changeDocuments(changes, now) {
      if (changes.length === 0) return true;
      return caller.isDone(scripts.changeDocuments, [String(now), ...changes.flatMap(changeArguments)]);
    },
  };
}

/** The member and field of a document. A kind has no colon. Without a kind, the name has it. */
function fieldOf(kind: string | undefined, name: string): string {
  return kind === undefined ? name : `${kind}:${name}`;
}

function changeArguments({ kind, name, text, mark, from, expiresAt = 0 }: DocumentChange): readonly string[] {
  const read = from === undefined ? "*" : (from ?? "");
  const change = text === undefined ? "remove" : "put";
  return [fieldOf(kind, name), read, change, mark, String(Math.ceil(expiresAt)), text ?? ""];
}

function pageArguments(page: DocumentPageRequest): readonly string[] {
  const { kind, prefix = "", isReversed = false, cursor, limit, mostBytes, now } = page;
  const seen = cursor === undefined ? undefined : `(${fieldOf(kind, cursor)}`;
  const low = `[${fieldOf(kind, prefix)}`;
  const high = `[${fieldOf(kind, prefix)}${END}`;
  const bounds = isReversed ? [low, seen ?? high] : [seen ?? low, high];
  return [now, limit, mostBytes].map(String).concat(bounds, isReversed ? "1" : "0");
}

/** Reads a stored document; undefined if it has expired, or if the text is not a document. */
function readDocument(name: string, stored: string, now: number): StoredDocument | undefined {
  const [head, expires, mark = ""] = /^(\d+):([^:]*):/.exec(stored) ?? [];
  if (head === undefined || (Number(expires) > 0 && Number(expires) <= now)) return undefined;
  const expiresAt = Number(expires) > 0 ? { expiresAt: Number(expires) } : {};
  return { name, text: stored.slice(head.length), mark, ...expiresAt };
}

function readDocuments(
  [more, ...rows]: readonly string[],
  { kind, now }: Pick<DocumentPageRequest, "kind" | "now">,
): Page<StoredDocument> {
  const nameOf = (field: string) => field.slice(fieldOf(kind, "").length);
  const items = rowsOf(rows, 2).flatMap(([field = "", text = ""]) => readDocument(nameOf(field), text, now) ?? []);
  const last = rows.at(-2);
  return { items, cursor: more === "1" && last !== undefined ? nameOf(last) : undefined };
}
