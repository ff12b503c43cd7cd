import { lockOf, whyLocked } from "../../core/job/lock.ts";
import type { Clock } from "../../core/shared/clock.ts";
import { type Duration, durationMs } from "../../core/shared/duration.ts";
import { conflict, invalidRequest, quote, TidegateError } from "../../core/shared/errors.ts";
import { firstPiece, isLarger, MEBIBYTE, MOST_AT_ONCE, MOST_LISTED_BYTES } from "../../core/shared/limits.ts";
import { checkText, wholeNumber } from "../../core/shared/validate.ts";
import type { DocumentChange, DocumentPageRequest, StoredDocument } from "../../core/store/documents.ts";
import type { Page, QueueStore } from "../../core/store/store.ts";

/** The largest text of a document, in bytes. */
export const LARGEST_DOCUMENT = 1 * MEBIBYTE;
/** The most bytes of texts in one call of `change`. */
const MOST_CHANGED_BYTES = 4 * MEBIBYTE;
const LONGEST_NAME = 512;
/** How often `update` tries to change a document that others change at the same time. */
const MOST_TRIES = 20;

export interface DocumentEdit {
  /** 1 to 32 lower-case letters, digits, hyphens and slashes. */
  readonly kind: string;
  /** 1 to 512 characters. */
  readonly name: string;
  /** At most 1 MiB; undefined removes the document. */
  readonly text: string | undefined;
  /** The document as it was read; null if there was none. Default: whatever is stored. */
  readonly from?: Pick<StoredDocument, "mark"> | null | undefined;
  /** How long it is kept. Default: until it is removed. */
  readonly ttl?: Duration | undefined;
}

export type DocumentListOptions = Pick<DocumentPageRequest, "prefix" | "isReversed"> & {
  readonly cursor?: string | undefined;
  /** 1 to 1,000. Default 100. A page may hold fewer, or none, with more to come. */
  readonly limit?: number | undefined;
};

/** The documents of a queue. In an attempt, their cost counts for its drain. */
export function documentsOf({ store, clock }: { readonly store: QueueStore; readonly clock: Clock }): Documents {
  return new Documents(store, clock, () => crypto.randomUUID());
}

/** What QStash's interface stores in a queue, beside jobs. */
export class Documents {
  readonly #store: QueueStore;
  readonly #clock: Clock;
  readonly #newMark: () => string;

  /** @param newMark makes unique marks. */
  constructor(store: QueueStore, clock: Clock, newMark: () => string) {
    this.#store = store;
    this.#clock = clock;
    this.#newMark = newMark;
  }

  /** Reads a document; undefined if there is none. Costs a command. */
  async get(kind: string, name: string): Promise<StoredDocument | undefined> {
    checkKind(kind);
    checkText(name, "name", LONGEST_NAME);
    return opened(kind, await this.#store.findDocument(kind, name, this.#clock()));
  }

  /** Lists documents in the order of their names. Costs three commands, or four with more than 20 documents. */
  async list(kind: string, options: DocumentListOptions = {}): Promise<Page<StoredDocument>> {
    const { prefix = "", cursor, limit = 100, isReversed } = options;
    checkKind(kind);
    wholeNumber(limit, "limit", 1, MOST_AT_ONCE);
    if (cursor !== undefined && !cursor.startsWith(prefix))
      throw invalidRequest("cursor must be the cursor of the previous page.");
    const page = { kind, prefix, isReversed, cursor, limit, mostBytes: MOST_LISTED_BYTES, now: this.#clock() };
    const found = await this.#store.listDocuments(page);
    for (const document of found.items) opened(kind, document);
    return found;
  }

  /**
   * Makes all of the changes, or none. Costs four commands, two more if something expires, and one less without `from`.
   *
   * @param edits up to 1,000, with 4 MiB of text, each of another document.
   * @returns false if a document is not as it was read: then nothing has changed. Removing a document that is gone
   *   succeeds.
   * @throws {TidegateError} `invalid_request`; `payload_too_large`
   */
  async change(edits: readonly DocumentEdit[]): Promise<boolean> {
    const now = this.#clock();
    const changes = edits.map((edit) => this.#changeOf(edit, now));
    const texts = changes.flatMap(({ text }) => text ?? []);
    if (changes.length > MOST_AT_ONCE || firstPiece(texts, (text) => text, MOST_CHANGED_BYTES).length < texts.length)
      throw invalidRequest(`One call changes at most ${MOST_AT_ONCE} documents, of 4 MiB together.`);
    return this.#store.changeDocuments(changes, now);
  }

  #changeOf({ kind, name, text, from, ttl }: DocumentEdit, now: number): DocumentChange {
    checkKind(kind);
    checkText(name, "name", LONGEST_NAME);
    if (text !== undefined && isLarger(text, LARGEST_DOCUMENT))
      throw new TidegateError("payload_too_large", `The ${kind} ${quote(name)} would have more than 1 MiB.`);
    return {
      ...{ kind, name, text, mark: this.#newMark() },
      ...(from !== undefined && { from: from?.mark ?? null }),
      ...(ttl !== undefined && { expiresAt: now + durationMs(ttl, "ttl") }),
    };
  }

  /**
   * Changes one document depending on its text. Tries again if another invocation changes it meanwhile.
   *
   * @param change gets the text, or undefined; returns the new one, or undefined to remove the document. It may be
   *   called several times, and must leave its own result unchanged.
   * @returns the new text.
   * @throws {TidegateError} `conflict` if others kept changing it.
   */
  async update(
    kind: string,
    name: string,
    change: (text: string | undefined) => string | undefined,
    { ttl }: Pick<DocumentEdit, "ttl"> = {},
  ): Promise<string | undefined> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const from = await this.get(kind, name);
      const text = change(from?.text);
      if (text === from?.text) return text;
      if (await this.change([{ kind, name, text, from: from ?? null, ttl }])) return text;
    }
    throw conflict(`The ${kind} ${quote(name)} keeps changing. Try again.`);
  }
}

/** @throws {TidegateError} `conflict` if this queue cannot decrypt it. */
function opened<Found extends StoredDocument | undefined>(kind: string, document: Found): Found {
  const lock = document && lockOf(document.text);
  if (lock !== undefined) throw conflict(whyLocked(`The ${kind} ${quote(document?.name ?? "")}`, lock));
  return document;
}

function checkKind(kind: string): void {
  if (!/^[a-z][a-z0-9/-]{0,31}$/.test(kind))
    throw invalidRequest("kind must be 1 to 32 lower-case letters, digits, hyphens and slashes, with a letter first.");
}
