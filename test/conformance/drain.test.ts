import { describe, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { defineJob, PermanentError, Queue, type QueueOptions, RetryAfterError } from "../../src/index.ts";
import { clockByHand, start } from "../support/clock.ts";
import { onEachKindOfStore } from "../support/stores.ts";

onEachKindOfStore((kind) => {
  function setUp(options: Partial<QueueOptions> = {}) {
    const clock = clockByHand(start);
    const queue = new Queue({ name: "default", store: kind.create(), clock, random: () => 0.5, ...options });
    return { queue, clock };
  }

  describe("drain", () => {
    test("performs a due job and keeps its result", async () => {
      const seen: unknown[] = [];
      const greet = defineJob({
        name: "greet",
        perform: (payload: { name: string }, job) => {
          seen.push(payload, job.attempt, job.id, job.queue, job.enqueuedAt.getTime());
          return { greeted: payload.name };
        },
      });
      const { queue } = setUp({ jobs: [greet] });
      const { id, status, runAt } = await queue.enqueue(greet, { name: "Ada" });
      expect(status).toBe("enqueued");
      expect(runAt?.getTime()).toBe(start);
      const report = await queue.drain();
      expect(report).toMatchObject({
        claimed: 1,
        completed: 1,
        retried: 0,
        stoppedBy: "empty",
        nextRunAt: null,
        backlog: false,
      });
      expect(seen).toEqual([{ name: "Ada" }, 1, id, "default", start]);
      expect(await queue.getJob(id)).toMatchObject({ state: "completed", result: { greeted: "Ada" }, attempts: 1 });
      expect(await queue.getStats()).toMatchObject({
        totalEnqueued: 1,
        totalProcessed: 1,
        completedCount: 1,
        pendingCount: 0,
      });
    });

    test("of jobs leased at enqueue runs only those, reports no next run, and leaves everything else to the next drain", async () => {
      const ran: number[] = [];
      const job = defineJob({ name: "job", perform: (number: number) => void ran.push(number) });
      const { queue } = setUp({ jobs: [job] });
      await queue.enqueue(job, 1);
      const { held } = await internalsOf(queue).enqueueHeld([
        { job, payload: 2 },
        { job, payload: 3 },
      ]);
      const report = await internalsOf(queue).drain({ held, heldOnly: true });
      expect(report).toMatchObject({ claimed: 2, completed: 2, nextRunAt: null, backlog: false, stoppedBy: "maxJobs" });
      expect(ran).toEqual([2, 3]);
      expect(await queue.drain()).toMatchObject({ claimed: 1, completed: 1, stoppedBy: "empty" });
    });

    test("runs what its handlers enqueue, if it is due, up to maxJobs", async () => {
      const steps: number[] = [];
      const step = defineJob({
        name: "step",
        async perform(number: number): Promise<void> {
          steps.push(number);
          await queue.enqueue("step", number + 1);
        },
      });
      const { queue } = setUp({ jobs: [step] });
      await queue.enqueue(step, 1);
      expect(await queue.drain({ maxJobs: 4 })).toMatchObject({ completed: 4, stoppedBy: "maxJobs", backlog: true });
      expect(steps).toEqual([1, 2, 3, 4]);
    });

    test("gives each attempt the payload as it was enqueued, even if the previous attempt changed it", async () => {
      const seen: unknown[] = [];
      const empties = defineJob({
        name: "empties",
        maxRetries: 2,
        backoff: { base: 0 },
        async perform(payload: { items: number[] }, job) {
          seen.push([...payload.items]);
          payload.items.length = 0;
          await job.progress(job.attempt);
          if (seen.length === 1) throw new Error("no luck");
          return seen.length === 2 ? job.snooze(0) : "done";
        },
      });
      const { queue } = setUp({ jobs: [empties] });
      const { id } = await queue.enqueue(empties, { items: [1, 2] });
      expect(await queue.drain()).toMatchObject({ retried: 1, snoozed: 1, completed: 1 });
      expect(seen).toEqual(Array(3).fill([1, 2]));
      const job = await queue.getJob(id);
      expect(job).toMatchObject({ state: "completed", payload: { items: [1, 2] }, result: "done" });
      expect(job).not.toHaveProperty("progress");
    });

    test("retries after 60, 120 and 240 seconds, then dead-letters", async () => {
      const fails = defineJob({
        name: "fails",
        perform() {
          throw new Error("no luck");
        },
      });
      const { queue, clock } = setUp({ jobs: [fails] });
      const { id } = await queue.enqueue(fails);
      for (const wait of [60, 120, 240]) {
        expect(await queue.drain()).toMatchObject({ claimed: 1, retried: 1 });
        expect((await queue.getJob(id))?.runAt?.getTime()).toBe(clock.now + wait * 1000);
        clock.now += wait * 1000;
      }
      expect(await queue.drain()).toMatchObject({ deadLettered: 1, nextRunAt: null });
      const { jobs } = await queue.listDeadLetter();
      expect(jobs).toMatchObject([{ id, attempts: 4, error: { name: "Error", message: "no luck" }, state: "dead" }]);
      expect(await queue.getStats()).toMatchObject({
        totalFailed: 1,
        totalRetried: 3,
        deadLetterCount: 1,
        pendingCount: 0,
      });
      expect(await queue.retryFromDeadLetter(id)).toEqual({ retried: 1 });
      expect(await queue.getJob(id)).toMatchObject({ state: "ready", attempts: 0 });
      expect(await queue.drain()).toMatchObject({ claimed: 1, retried: 1 });
    });

    test("PermanentError, RetryAfterError and snooze do what they say", async () => {
      const permanent = defineJob({ name: "permanent", perform: () => Promise.reject(new PermanentError("never")) });
      const later = defineJob({ name: "later", perform: () => Promise.reject(new RetryAfterError("busy", "90s")) });
      const sleepy = defineJob({
        name: "sleepy",
        perform: (_: undefined, job) => (job.attempt === 1 ? job.snooze("1h") : undefined),
      });
      const { queue } = setUp({ jobs: [permanent, later, sleepy] });
      const a = await queue.enqueue(permanent);
      const b = await queue.enqueue(later);
      const c = await queue.enqueue(sleepy);
      expect(await queue.drain()).toMatchObject({ claimed: 3, deadLettered: 1, retried: 1, snoozed: 1 });
      expect(await queue.getJob(a.id)).toMatchObject({ state: "dead", error: { name: "PermanentError" } });
      expect((await queue.getJob(b.id))?.runAt?.getTime()).toBe(start + 90_000);
      expect(await queue.getJob(c.id)).toMatchObject({ state: "scheduled", attempts: 0 });
    });

    test("makes as many round trips as there are batches, not jobs", async () => {
      const noop = defineJob({ name: "noop", perform: () => {} });
      const { queue } = setUp({ jobs: [noop] });
      await queue.enqueueMany(Array.from({ length: 1000 }, () => ({ job: noop })));
      const report = await queue.drain({ maxJobs: 5000 });
      expect(report).toMatchObject({
        claimed: 1000,
        completed: 1000,
        roundTrips: kind.name === "memory" ? 12 : expect.any(Number),
      });
    });
  });

  describe("schedules", () => {
    test("a declared schedule is armed by the first drain and makes one job per occurrence", async () => {
      const slots: string[] = [];
      const beat = defineJob({
        name: "beat",
        schedule: { cron: "*/15 * * * * *" },
        perform: (_: undefined, job) => void slots.push(job.id),
      });
      const { queue, clock } = setUp({ jobs: [beat] });
      expect(await queue.drain()).toMatchObject({ claimed: 0, nextRunAt: new Date(start + 15_000) });
      clock.now += 15_000;
      expect(await queue.drain()).toMatchObject({
        claimed: 1,
        completed: 1,
        rearmed: 1,
        nextRunAt: new Date(start + 30_000),
      });
      expect(await queue.drain()).toMatchObject({ claimed: 0 });
      expect(slots).toEqual(["beat@2026-03-01T12:00:15.000Z"]);
      expect(await queue.schedules.list()).toMatchObject([
        { key: "beat", declared: true, lastRunAt: new Date(start + 15_000) },
      ]);
    });
  });
});
