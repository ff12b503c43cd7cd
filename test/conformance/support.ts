import { z } from "zod";
import { defineJob, Queue, type QueueOptions } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import type { StoreKind } from "../support/stores.ts";

export const start = Date.parse("2026-03-01T12:00:00Z");

export const greet = defineJob({
  name: "greet",
  schema: z.object({ to: z.string() }),
  perform: ({ to }) => ({ greeted: to }),
});
export const note = defineJob({ name: "note", perform: (payload: unknown) => payload });
export const dies = defineJob({ name: "dies", maxRetries: 0, perform: () => Promise.reject(new Error("no luck")) });

/** A queue with these three jobs on a store of its own, and a clock to move. */
export function openQueue(kind: StoreKind, options: Partial<QueueOptions> = {}) {
  const clock = testClock(start);
  const store = kind.create();
  return { clock, store, queue: new Queue({ store, clock, jobs: [greet, note, dies], ...options }) };
}
