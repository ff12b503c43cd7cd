import { memoryStore, Queue } from "../../../src/index.ts";

/** Holds the process open, as a connection does. */
setInterval(() => {}, 1_000);

export const queue = new Queue({ store: memoryStore() });
