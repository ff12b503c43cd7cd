import { decode, encode } from "../job/codec.ts";
import { conflict, quote } from "../shared/errors.ts";
import type { StoredDocument } from "../store/documents.ts";
import type { Keys } from "./keys.ts";
import { isStale, openRecord, sealRecord } from "./records.ts";

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

/** Whether the current key has not encrypted a document. */
export function isStaleDocument(kind: string, { name, text }: StoredDocument, keys: Keys): boolean {
  return decode(text) === undefined || isStale(text, ownerOf(kind, name), keys);
}
