import type { EnqueueNeeds, StoreNeeds } from "../enqueue/needs.ts";

export interface ManageNeeds
  extends StoreNeeds,
    Pick<EnqueueNeeds, "queue" | "definitions" | "clock" | "newId" | "noteDue"> {
  /** Announces that something may be due now: the next drain looks. Await the result as of `noteDue`. */
  readonly noteAnythingDue: () => Promise<void> | undefined;
}
