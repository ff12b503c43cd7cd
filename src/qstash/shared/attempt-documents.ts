import type { AttemptHost } from "../../core/attempt/context.ts";
import { Documents } from "../../core/manage/documents.ts";

/** The documents of the queue that an attempt belongs to. Their cost counts for its drain. */
export function documentsOf({ needs: { store, clock } }: AttemptHost): Documents {
  return new Documents(store, clock, () => crypto.randomUUID());
}
