import type { EnqueueNeeds } from "../enqueue/needs.ts";

/** What it takes to read and change the jobs of a queue. */
export type ManageNeeds = Pick<EnqueueNeeds, "queue" | "definitions" | "clock" | "store" | "reader" | "noteDue">;
