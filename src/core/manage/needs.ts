import type { EnqueueNeeds, StoreNeeds } from "../enqueue/needs.ts";

export type ManageNeeds = StoreNeeds & Pick<EnqueueNeeds, "queue" | "definitions" | "clock" | "noteDue">;
