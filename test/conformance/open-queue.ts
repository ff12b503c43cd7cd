import { z } from "zod";
import type { Schedule } from "../../src/core/job/options.ts";
import { type AnyJob, defineJob, Queue, type QueueOptions } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import type { StoreKind } from "../support/stores.ts";

export const greet = defineJob({
  name: "greet",
  schema: z.object({ to: z.string() }),
  perform: ({ to }) => ({ greeted: to }),
});
export const note = defineJob({ name: "note", perform: (payload: unknown) => payload });
export const dies = defineJob({ name: "dies", maxRetries: 0, perform: () => Promise.reject(new Error("no luck")) });

/** A queue with these three jobs on a new store, and a clock to move. */
export function openQueue(kind: StoreKind, options: Partial<QueueOptions> = {}) {
  const clock = testClock(start);
  const store = kind.create();
  return { clock, store, queue: new Queue({ store, clock, jobs: [greet, note, dies], ...options }) };
}

/** Queues on one store, a job `beat` for schedules, and the occurrences, as times of the day, for which it ran. */
export function openSchedules(kind: StoreKind, options: Partial<QueueOptions> = {}) {
  const clock = testClock(start);
  const store = clock.watch(kind.create());
  const slots: string[] = [];
  const beat = (schedule?: Schedule) =>
    defineJob({
      name: "beat",
      ...(schedule && { schedule }),
      perform: (_: unknown, job) => void slots.push(job.id.slice(job.id.indexOf("T") + 1, -5)),
    });
  const open = (...jobs: AnyJob[]) => new Queue({ store, clock, jobs, ...options });
  return { clock, slots, beat, open };
}
