import { firstPiece } from "../../core/shared/limits.ts";
import type { DocumentChange, DocumentPageRequest, StoredDocument } from "../../core/store/documents.ts";
import type { Page } from "../../core/store/store.ts";
import { SortedSet } from "./sorted-set.ts";

interface KeptDocument extends StoredDocument {
  readonly expiresAt: number;
}

export class Documents {
  readonly #documents = new Map<string, KeptDocument>();
  readonly #places = new SortedSet();
  readonly #ends = new SortedSet();

  find(kind: string, name: string, now: number): StoredDocument | undefined {
    return this.#at(placeOf(kind, name), now);
  }

  list({
    kind,
    prefix = "",
    isReversed = false,
    cursor,
    limit,
    mostBytes,
    now,
  }: DocumentPageRequest): Page<StoredDocument> {
    const places = [...this.#places.from(0)]
      .map(([place]) => place)
      .filter((place) => place.startsWith(placeOf(kind, prefix)));
    if (isReversed) places.reverse();
    const last = cursor === undefined ? undefined : placeOf(kind, cursor);
    const rest = places.filter((place) => last === undefined || (isReversed ? place < last : place > last));
    const named = (place: string, found = this.#at(place, now)) =>
      found && { ...found, name: place.slice(placeOf(kind, "").length) };
    const documents = rest.slice(0, limit).map((place) => named(place));
    const read = firstPiece(documents, (document) => document?.text ?? "", mostBytes);
    const isLast = read.length >= rest.length;
    return {
      items: read.filter((document) => document !== undefined),
      cursor: isLast ? undefined : rest[read.length - 1]?.slice(placeOf(kind, "").length),
    };
  }

  change(changes: readonly DocumentChange[], now: number): boolean {
    const isAsRead = ({ kind, name, text, mark, from }: DocumentChange) => {
      const stored = this.#at(placeOf(kind, name), now)?.mark;
      // A resend finds its own work.
      const isDone = text === undefined ? stored === undefined : stored === mark;
      return isDone || from === undefined || (from ?? undefined) === stored;
    };
    if (!changes.every(isAsRead)) return false;
    if (changes.some(({ expiresAt }) => expiresAt !== undefined)) this.#removeExpired(now);
    for (const { kind, name, text, mark, expiresAt = Number.POSITIVE_INFINITY } of changes) {
      const place = placeOf(kind, name);
      if (text === undefined) this.#remove(place);
      else this.#put(place, { name, text, mark, expiresAt });
    }
    return true;
  }

  #put(place: string, document: KeptDocument): void {
    this.#documents.set(place, document);
    this.#places.set(place, 0);
    if (document.expiresAt < Number.POSITIVE_INFINITY) this.#ends.set(place, document.expiresAt);
    else this.#ends.delete(place);
  }

  #removeExpired(now: number): void {
    for (;;) {
      const [[place, expiresAt] = ["", Number.POSITIVE_INFINITY]] = this.#ends.from(0);
      if (expiresAt > now) return;
      this.#remove(place);
    }
  }

  #remove(place: string): void {
    this.#documents.delete(place);
    this.#places.delete(place);
    this.#ends.delete(place);
  }

  #at(place: string, now: number): StoredDocument | undefined {
    const kept = this.#documents.get(place);
    if (!kept) return undefined;
    const { expiresAt, ...document } = kept;
    if (expiresAt === Number.POSITIVE_INFINITY) return document;
    if (expiresAt > now) return kept;
    this.#remove(place);
    return undefined;
  }
}

/** Without a kind, the name has it. */
function placeOf(kind: string | undefined, name: string): string {
  return kind === undefined ? name : `${kind}:${name}`;
}
