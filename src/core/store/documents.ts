/** A document: a text that a queue keeps under a kind and a name, beyond an invocation. The store does not read it. */
export interface StoredDocument {
  readonly name: string;
  readonly text: string;
  /** The mark of the change that stored it. It shows whether the document has changed since it was read. */
  readonly mark: string;
  /** When it expires. Default: never. */
  readonly expiresAt?: number;
}

/** How stores name a document. A kind has no colon. Without a kind, the name has it. */
export function placeOf(kind: string | undefined, name: string): string {
  return kind === undefined ? name : `${kind}:${name}`;
}

export interface DocumentChange {
  /** Lower-case letters, digits, hyphens and slashes. */
  readonly kind: string;
  readonly name: string;
  /** What to store; undefined removes the document. */
  readonly text: string | undefined;
  /** Unique to this change, without colons: with it the store recognizes its own work in a resend. */
  readonly mark: string;
  /** The mark as it was read; null if there was no document. Default: any. */
  readonly from?: string | null | undefined;
  /** When the document expires. Default: never. */
  readonly expiresAt?: number | undefined;
}
