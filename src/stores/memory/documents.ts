import { firstPiece } from "../../core/shared/limits.ts";
import type { DocumentChange, StoredDocument } from "../../core/store/documents.ts";
import { placeOf } from "../../core/store/documents.ts";
import type { DocumentPageRequest, Page } from "../../core/store/store.ts";

export class Documents {
  readonly #documents = new Map<string, StoredDocument>();

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
    const places = [...this.#documents.keys()].filter((place) => place.startsWith(placeOf(kind, prefix))).sort();
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
    // They expire about in the order in which they were stored: behind one that is kept, none need be looked at.
    for (const [place, { expiresAt = 0 }] of this.#documents) {
      if (expiresAt > now) break;
      this.#at(place, now);
    }
    for (const { kind, name, text, mark, expiresAt } of changes) {
      const place = placeOf(kind, name);
      if (text === undefined) this.#documents.delete(place);
      else this.#documents.set(place, { name, text, mark, ...(expiresAt !== undefined && { expiresAt }) });
    }
    return true;
  }

  /** The document there, unless it has expired: then it goes. */
  #at(place: string, now: number): StoredDocument | undefined {
    const { expiresAt = Number.POSITIVE_INFINITY } = this.#documents.get(place) ?? {};
    if (expiresAt <= now) this.#documents.delete(place);
    return this.#documents.get(place);
  }
}
