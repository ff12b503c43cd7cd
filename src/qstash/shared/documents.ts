import { lockOf, whyLocked } from "../../core/job/lock.ts";
import type { Clock } from "../../core/shared/clock.ts";
import { type Duration, durationMs } from "../../core/shared/duration.ts";
import { conflict, invalidRequest, quote, tooLarge } from "../../core/shared/errors.ts";
import { firstPiece, isLarger, MEBIBYTE, MOST_AT_ONCE, MOST_LISTED_BYTES } from "../../core/shared/limits.ts";
import { pagesOf } from "../../core/shared/pages.ts";
import { withoutUndefined } from "../../core/shared/validate.ts";
import type { DocumentChange, StoredDocument } from "../../core/store/documents.ts";
import type { DocumentPageRequest, Page, QueueStore } from "../../core/store/store.ts";

const LARGEST_DOCUMENT = 1 * MEBIBYTE;
/** The most bytes of texts in one call of `change`. */
const MOST_CHANGED_BYTES = 4 * MEBIBYTE;
/** How often a document is read again because others change it at the same time. */
const MOST_TRIES = 50;

export interface Document<Value> extends Pick<StoredDocument, "name" | "mark"> {
  readonly value: Value;
}

export interface DocumentEdit {
  readonly kind: string;
  readonly name: string;
  /** At most 1 MiB as JSON; undefined removes the document. */
  readonly value: unknown;
  /** The document as it was read; null if there was none. Default: whatever is stored. */
  readonly from?: Pick<StoredDocument, "mark"> | null | undefined;
  /** How long it is kept. Default: until it is removed. */
  readonly ttl?: Duration | undefined;
}

export interface Update<Value> extends Pick<DocumentEdit, "ttl"> {
  readonly value: Value;
  readonly others?: readonly DocumentEdit[];
}

type FindOptions = { readonly count: number; readonly limit: number; readonly mostReads?: number } & Pick<
  ListOptions,
  "cursor"
>;
type ListOptions = Partial<Pick<DocumentPageRequest, "prefix" | "isReversed" | "cursor" | "limit">>;

/** What QStash's interface stores in a queue, beside jobs. In an attempt, its cost counts for the drain. */
export class Documents {
  readonly #store: QueueStore;
  readonly #clock: Clock;

  constructor({ store, clock }: { readonly store: QueueStore; readonly clock: Clock }) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Reads a document; undefined if there is none. Costs a command. */
  async get<Value>(kind: string, name: string): Promise<Document<Value> | undefined> {
    const found = await this.#store.findDocument(kind, name, this.#clock());
    return found && opened(kind, found);
  }

  /**
   * Lists up to `limit` documents, 100 by default, in the order of their names. A page may hold fewer, or none, with
   * more to come. Costs three commands, or four with more than 20 documents.
   */
  async list<Value>(kind: string, options: ListOptions = {}): Promise<Page<Document<Value>>> {
    const { prefix = "", cursor, limit = 100, isReversed } = options;
    const page = { kind, prefix, isReversed, cursor, limit, mostBytes: MOST_LISTED_BYTES, now: this.#clock() };
    const found = await this.#store.listDocuments(page);
    return { ...found, items: found.items.map((document) => opened(kind, document)) };
  }

  async all<Value>(kind: string, prefix = ""): Promise<readonly Document<Value>[]> {
    const all: Document<Value>[] = [];
    const read = (cursor: string | undefined) => this.list<Value>(kind, { prefix, cursor, limit: MOST_AT_ONCE });
    for await (const { items } of pagesOf(read)) all.push(...items);
    return all;
  }

  /** Finds the last names first. @param mostReads when it stops with fewer found, although more may follow. */
  async findLast<Value>(
    kind: string,
    matches: (value: Value) => boolean,
    { count, cursor, limit, mostReads = Number.POSITIVE_INFINITY }: FindOptions,
  ): Promise<{ readonly values: readonly Value[]; readonly cursor?: string }> {
    const found: Document<Value>[] = [];
    let reads = 0;
    const read = (cursor: string | undefined) => this.list<Value>(kind, { cursor, limit, isReversed: true });
    for await (const page of pagesOf(read, cursor)) {
      found.push(...page.items.filter(({ value }) => matches(value)));
      const isShort = found.length <= count;
      if (isShort && ++reads < mostReads) continue;
      const shown = found.slice(0, count);
      return withoutUndefined({ values: valuesOf(shown), cursor: isShort ? page.cursor : shown.at(-1)?.name });
    }
    return { values: valuesOf(found) };
  }

  /**
   * Makes all of the changes, or none. Costs four commands, two more if something expires, and one less without `from`.
   *
   * @returns false if a document is not as it was read. Removing a document that is gone succeeds.
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
   * Starts again if another invocation changes the document meanwhile. So `follow` may be called several times.
   *
   * @returns the value as it is now; undefined if there is none.
   */
  async update<Value>(
    kind: string,
    name: string,
    follow: (value: Value | undefined) => Update<Value> | undefined | Promise<Update<Value> | undefined>,
  ): Promise<Value | undefined> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const found = await this.get<Value>(kind, name);
      const update = await follow(found?.value);
      if (!update) return found?.value;
      const { value, ttl, others = [] } = update;
      if (await this.change([{ kind, name, value, ttl, from: found ?? null }, ...others])) return value;
    }
    throw conflict(`The ${kind} ${quote(name)} keeps changing. Try again.`);
  }
}

const valuesOf = <Value>(documents: readonly Document<Value>[]) => documents.map(({ value }) => value);

function changeOf({ kind, name, value, from, ttl }: DocumentEdit, now: number): DocumentChange {
  const text = value === undefined ? undefined : JSON.stringify(value);
  if (text !== undefined && isLarger(text, LARGEST_DOCUMENT))
    throw tooLarge(`The ${kind} ${quote(name)} would have more than 1 MiB.`);
  return {
    ...{ kind, name, text, mark: crypto.randomUUID() },
    ...(from !== undefined && { from: from?.mark ?? null }),
    ...(ttl !== undefined && { expiresAt: now + durationMs(ttl, "ttl") }),
  };
}

/** @throws {TidegateError} `conflict` if this queue cannot decrypt it. */
function opened<Value>(kind: string, { name, text, mark }: StoredDocument): Document<Value> {
  const lock = lockOf(text);
  if (lock !== undefined) throw conflict(whyLocked(`The ${kind} ${quote(name)}`, lock));
  return { name, mark, value: JSON.parse(text) as Value };
}

export function checkName(name: string, what: string): void {
  if (!/^(?!\.\.?$)[\w.-]{1,200}$/.test(name))
    throw invalidRequest(
      `${what} must be 1 to 200 letters, digits, hyphens, underscores or dots. A URL drops "." and "..".`,
    );
}
