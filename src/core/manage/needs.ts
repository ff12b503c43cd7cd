import type { EnqueueNeeds, StoreNeeds } from "../enqueue/needs.ts";

/** What it takes to read and change the jobs of a queue. */
export type ManageNeeds = StoreNeeds & Pick<EnqueueNeeds, "queue" | "definitions" | "clock" | "noteDue">;
