import type { EnqueueNeeds } from "../enqueue/needs.ts";

export type ManageNeeds = Pick<EnqueueNeeds, "queue" | "definitions" | "clock" | "store" | "reader" | "noteDue">;
