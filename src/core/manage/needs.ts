import type { EnqueueNeeds } from "../enqueue/needs.ts";
import type { QueueStore } from "../store/store.ts";

/** What it takes to read and change the jobs of a queue. */
export interface ManageNeeds extends Pick<EnqueueNeeds, "queue" | "jobs" | "clock" | "store" | "noteDue"> {
  /** The same store, for reads: what they cost is counted apart. */
  readonly reader: QueueStore;
}
