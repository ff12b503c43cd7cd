import { defineJob, memoryStore, Queue } from "tidegate";
import type { TestClock } from "../../../src/testing/clock.ts";

/** A queue on the test's clock, with a job that ends at once and one that takes a while. */
const { clock } = globalThis as unknown as { clock: TestClock };
const quick = defineJob({ name: "quick", perform: () => {} });
const slow = defineJob({ name: "slow", perform: (_: unknown, { signal }) => clock.sleep(5_000, signal) });

export const queue = new Queue({ store: memoryStore(), jobs: [quick, slow], clock });
await queue.enqueueMany([{ job: quick }, { job: slow }]);
