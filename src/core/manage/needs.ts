import type { EnqueueNeeds } from "../enqueue/needs.ts";

/** What it takes to read and change the jobs of a queue. */
export type ManageNeeds = Pick<EnqueueNeeds, "queue" | "jobs" | "clock" | "store" | "reader" | "noteDue">;
