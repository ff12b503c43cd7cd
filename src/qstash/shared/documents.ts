import { lockOf, whyLocked } from "../../core/job/lock.ts";
import type { Clock } from "../../core/shared/clock.ts";
import { type Duration, durationMs } from "../../core/shared/duration.ts";
import { conflict, invalidRequest, quote, TidegateError } from "../../core/shared/errors.ts";
import { firstPiece, isLarger, MEBIBYTE, MOST_AT_ONCE, MOST_LISTED_BYTES } from "../../core/shared/limits.ts";
import { pagesOf } from "../../core/shared/pages.ts";
import type { DocumentChange, DocumentPageRequest, StoredDocument } from "../../core/store/documents.ts";
import type { Page, QueueStore } from "../../core/store/store.ts";

/** The largest text of a document, in bytes. */
const LARGEST_DOCUMENT = 1 * MEBIBYTE;
/** The most bytes of texts in one call of `change`. */
const MOST_CHANGED_BYTES = 4 * MEBIBYTE;
/** How often a document is read again because others change it at the same time. */
const MOST_TRIES = 50;

export interface DocumentEdit {
  readonly kind: string;
  readonly name: string;
  /** At most 1 MiB; undefined removes the document. */
  readonly text: string | undefined;
  /** The document as it was read; null if there was none. Default: whatever is stored. */
  readonly from?: Pick<StoredDocument, "mark"> | null | undefined;
  /** How long it is kept. Default: until it is removed. */
  readonly ttl?: Duration | undefined;
}

/** What QStash's interface stores in a queue, beside jobs. In an attempt, its cost counts for the drain. */
export class Documents {
  readonly #store: QueueStore;
  readonly #clock: Clock;

  constructor({ store, clock }: { readonly store: QueueStore; readonly clock: Clock }) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Reads a document; undefined if there is none. Costs a command. */
  async get(kind: string, name: string): Promise<StoredDocument | undefined> {
    return opened(kind, await this.#store.findDocument(kind, name, this.#clock()));
  }

  /**
   * Lists up to `limit` documents, 100 by default, in the order of their names. A page may hold fewer, or none, with
   * more to come. Costs three commands, or four with more than 20 documents.
   */
  async list(
    kind: string,
    options: Partial<Pick<DocumentPageRequest, "prefix" | "isReversed" | "cursor" | "limit">> = {},
  ): Promise<Page<StoredDocument>> {
    const { prefix = "", cursor, limit = 100, isReversed } = options;
    const page = { kind, prefix, isReversed, cursor, limit, mostBytes: MOST_LISTED_BYTES, now: this.#clock() };
    const found = await this.#store.listDocuments(page);
    for (const document of found.items) opened(kind, document);
    return found;
  }

  /** Lists all documents whose names begin with the prefix. */
  async all(kind: string, prefix = ""): Promise<readonly StoredDocument[]> {
    const all: StoredDocument[] = [];
    const read = (cursor: string | undefined) => this.list(kind, { prefix, cursor, limit: MOST_AT_ONCE });
    for await (const { items } of pagesOf(read)) all.push(...items);
    return all;
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
    const changes = edits.map((edit) => changeOf(edit, now));
    const texts = changes.flatMap(({ text }) => text ?? []);
    if (changes.length > MOST_AT_ONCE || firstPiece(texts, (text) => text, MOST_CHANGED_BYTES).length < texts.length)
      throw invalidRequest(`One call changes at most ${MOST_AT_ONCE} documents, of 4 MiB together.`);
    return this.#store.changeDocuments(changes, now);
  }

  /**
   * Makes the changes that follow from a document, and starts again if another invocation changes it meanwhile.
   *
   * @param follow gets the document and returns the changes: that of the document itself with `from`. Undefined changes
   *   nothing. It may be called several times.
   * @throws {TidegateError} `conflict` if others keep changing it.
   */
  async changeFrom(
    kind: string,
    name: string,
    follow: (
      found: StoredDocument | undefined,
    ) => readonly DocumentEdit[] | undefined | Promise<readonly DocumentEdit[] | undefined>,
  ): Promise<void> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const edits = await follow(await this.get(kind, name));
      if (!edits || (await this.change(edits))) return;
    }
    throw conflict(`The ${kind} ${quote(name)} keeps changing. Try again.`);
  }

  /** The same for the text of this one document. @returns the new text */
  async update(kind: string, name: string, change: (text: string | undefined) => string): Promise<string> {
    let text = "";
    await this.changeFrom(kind, name, (found) => {
      text = change(found?.text);
      return text === found?.text ? undefined : [{ kind, name, text, from: found ?? null }];
    });
    return text;
  }
}

function changeOf({ kind, name, text, from, ttl }: DocumentEdit, now: number): DocumentChange {
  if (text !== undefined && isLarger(text, LARGEST_DOCUMENT))
    throw new TidegateError("payload_too_large", `The ${kind} ${quote(name)} would have more than 1 MiB.`);
  return {
    ...{ kind, name, text, mark: crypto.randomUUID() },
    ...(from !== undefined && { from: from?.mark ?? null }),
    ...(ttl !== undefined && { expiresAt: now + durationMs(ttl, "ttl") }),
  };
}

/** @throws {TidegateError} `conflict` if this queue cannot decrypt it. */
function opened<Found extends StoredDocument | undefined>(kind: string, document: Found): Found {
  const lock = document && lockOf(document.text);
  if (lock !== undefined) throw conflict(whyLocked(`The ${kind} ${quote(document?.name ?? "")}`, lock));
  return document;
}

/** Checks the name of a queue or a URL group. @throws {TidegateError} `invalid_request` */
export function checkName(name: string, what: string): void {
  if (!/^(?!\.\.?$)[\w.-]{1,200}$/.test(name))
    throw invalidRequest(
      `${what} must be 1 to 200 letters, digits, hyphens, underscores or dots. A URL drops "." and "..".`,
    );
}
