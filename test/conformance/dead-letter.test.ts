import { describe, expect, test } from "vitest";
import * as z from "zod";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { defineJob, InvalidPayloadError, Queue, type Store } from "../../src/index.ts";
import { drainAll } from "../../src/testing/index.ts";
import { onEachKindOfStore } from "../support/stores.ts";
import { dies, openQueue } from "./open-queue.ts";

/** An invocation that claims what is due, and dies with it. */
async function claimAndDie(store: Store, now: number): Promise<void> {
  const invocation = store.open("default");
  const request = { now, settle: [], fire: [], claim: { limit: 1, leaseMs: 60_000 }, retentionMs: 0 };
  await invocation.exchange(request);
}

onEachKindOfStore((kind) => {
  describe("the dead letter", () => {
    test("is listed newest first, retried by id, name or all, and counted by a dry run", async () => {
      const { clock, queue } = openQueue(kind);
      const ids: string[] = [];
      for (let i = 0; i < 5; i++) {
        ids.push((await queue.enqueue(dies)).id);
        await queue.drain();
        await clock.advance("1s");
      }
      expect((await queue.listDeadLetter({ limit: 2 })).jobs.map(({ id }) => id)).toEqual([ids[4], ids[3]]);
      expect(await queue.retryFromDeadLetter({ all: true }, { dryRun: true })).toEqual({ retried: 5 });
      expect(await queue.getStats()).toMatchObject({ deadLetterCount: 5 });
      expect(await queue.retryFromDeadLetter({ ids: [ids[0] as string, "other"] })).toEqual({ retried: 1 });
      expect(await queue.retryFromDeadLetter({ name: "note" })).toEqual({ retried: 0 });
      const twice = [ids[1], ids[1]] as string[];
      expect(await queue.retryFromDeadLetter({ ids: twice }, { dryRun: true })).toEqual({ retried: 1 });
      const tooMany = Array.from({ length: 1_001 }, (_, index) => `job-${index}`);
      await expect(queue.retryFromDeadLetter({ ids: tooMany })).rejects.toMatchObject({ code: "invalid_request" });
      expect(await queue.removeFromDeadLetter(ids[1] as string)).toEqual({ removed: 1 });
      expect(await queue.retryFromDeadLetter({ name: "dies" })).toEqual({ retried: 3 });
      await expect(queue.retryFromDeadLetter("other")).rejects.toMatchObject({ code: "not_found" });
      expect(await queue.getStats()).toMatchObject({
        totalEnqueued: 5,
        totalFailed: 5,
        deadLetterCount: 0,
        readyCount: 4,
      });
      await queue.drain();
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 5, totalFailed: 9, deadLetterCount: 4 });
      expect(await queue.clear({ state: "dead" })).toEqual({ cleared: 4 });
    });

    test("spreads the run times of a retry evenly over a time, of one job from now", async () => {
      const { clock, queue } = openQueue(kind);
      await queue.enqueueMany(Array.from({ length: 4 }, () => ({ job: dies })));
      await queue.drain();
      await expect(queue.retryFromDeadLetter({ all: true }, { over: "soon" as "1m" })).rejects.toMatchObject({
        code: "invalid_request",
        message: expect.stringContaining("over"),
      });
      expect(await queue.retryFromDeadLetter({ all: true }, { over: "4m" })).toEqual({ retried: 4 });
      const { jobs } = await queue.listJobs();
      const waits = jobs.map(({ runAt }) => (runAt?.getTime() ?? 0) - clock.now);
      expect(waits.sort((one, other) => one - other)).toEqual([0, 60_000, 120_000, 180_000]);
      expect(await queue.drain()).toMatchObject({ deadLettered: 1 });
    });

    test("holds a job whose payload no longer fits its schema, with that reason, and retries it with a payload that fits", async () => {
      const { clock, store, queue } = openQueue(kind);
      const before = new Queue({ store, clock, jobs: [defineJob({ name: "greet", perform: (_: unknown) => {} })] });
      const { id } = await before.enqueue("greet", { name: "Ada" });
      expect(await queue.drain()).toMatchObject({ deadLettered: 1 });
      expect(await queue.getJob(id)).toMatchObject({
        state: "dead",
        error: { name: "PermanentError", message: expect.stringMatching(/no longer fits.*to/) },
      });
      await expect(queue.retryFromDeadLetter(id, { payload: { name: 1 } })).rejects.toBeInstanceOf(InvalidPayloadError);
      expect(await queue.retryFromDeadLetter(id, { payload: { to: "Ada" } })).toEqual({ retried: 1 });
      await queue.drain();
      expect(await queue.getJob(id)).toMatchObject({ state: "completed", result: { greeted: "Ada" }, attempts: 1 });
    });

    test("a schema that throws refuses at enqueue, and fails the attempt without the payload in its reason", async () => {
      const { clock, store } = openQueue(kind);
      const schema = z.string().transform((text) => BigInt(text));
      const job = defineJob({ name: "convert", maxRetries: 0, schema, perform: () => {} });
      const queue = new Queue({ store, clock, jobs: [job], logger: null });
      await expect(queue.enqueue(job, "card-4111")).rejects.toBeInstanceOf(InvalidPayloadError);
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
      const { id } = await new Queue({ store, clock }).enqueue("convert", "card-4111");
      await queue.drain();
      const message = "Checking the payload failed: the schema threw a SyntaxError.";
      expect(await queue.getJob(id)).toMatchObject({ state: "dead", error: { message } });
    });

    test("shows each failure of a job, including the last", async () => {
      const { clock, queue } = openQueue(kind);
      const { id } = await queue.enqueue(dies, undefined, { maxRetries: 1 });
      await queue.drain();
      await clock.advance("1m");
      await queue.drain();
      expect(await queue.getJob(id)).toMatchObject({ state: "dead", errors: [{ attempt: 1 }, { attempt: 2 }] });
    });

    test("shows how many attempts a job had whose invocations died", async () => {
      const { clock, queue } = openQueue(kind);
      const { results } = await internalsOf(queue).enqueueHeld([{ job: dies }]);
      await clock.advance("1h");
      expect(await queue.drain()).toMatchObject({ deadLettered: 1 });
      expect(await queue.getJob(results[0]?.id ?? "")).toMatchObject({
        attempts: 1,
        error: { name: "LeaseExpired", message: expect.stringContaining("in its only attempt:") },
      });
    });

    test("a job that completes shows which attempts ended with their invocations, and when their leases did", async () => {
      const { clock, store, queue } = openQueue(kind);
      const { id } = await queue.enqueue("greet", { to: "Ada" });
      const leaseEnd = new Date(clock.now + 60_000);
      await claimAndDie(store, clock.now);
      await clock.advance("5m");
      await queue.drain();
      const message = "The invocation ended, or was killed, before the job finished: the lease ran out.";
      expect(await queue.getJob(id)).toMatchObject({
        state: "completed",
        attempts: 2,
        errors: [{ attempt: 1, name: "LeaseExpired", message, failedAt: leaseEnd }],
      });
    });

    test("shows which attempts of a job failed, and which died with their invocations", async () => {
      const { clock, store, queue } = openQueue(kind);
      const { id } = await queue.enqueue(dies, undefined, { maxRetries: 2 });
      await queue.drain();
      for (let died = 0; died < 2; died++) {
        await clock.advance("5m");
        await claimAndDie(store, clock.now);
      }
      await clock.advance("5m");
      expect(await queue.drain()).toMatchObject({ claimed: 1, deadLettered: 1 });
      expect(await queue.getJob(id)).toMatchObject({
        attempts: 3,
        error: { message: expect.stringContaining("in the last 2 of its 3 attempts:") },
        errors: [
          { attempt: 1, name: "Error" },
          { attempt: 2, name: "LeaseExpired" },
          { attempt: 3, name: "LeaseExpired" },
        ],
      });
    });

    test.each([0, 1])("gives the true reason for a job whose maxRetries was lowered to %i", async (lowered) => {
      const { clock, store, queue } = openQueue(kind);
      const fails = (maxRetries: number) => defineJob({ name: "fails", maxRetries, perform: dies.perform });
      const before = new Queue({ store, clock, jobs: [fails(10)] });
      const { id } = await before.enqueue("fails");
      for (let attempt = 1; attempt <= 3; attempt++) {
        await before.drain();
        await clock.advance("1h");
      }
      const after = new Queue({ store, clock, jobs: [fails(lowered)] });
      expect(await after.drain()).toMatchObject({ claimed: 1, deadLettered: 1 });
      expect(await queue.getJob(id)).toMatchObject({
        attempts: 3,
        errors: [{ attempt: 1 }, { attempt: 2 }, { attempt: 3, message: "no luck" }],
        error: { name: "RetriesLoweredError", message: expect.stringContaining("3 attempts had failed already") },
      });
      expect((await queue.getJob(id))?.errors).toHaveLength(3);
      expect(await before.retryFromDeadLetter(id)).toEqual({ retried: 1 });
      expect(await before.drain()).toMatchObject({ retried: 1 });
      expect(await queue.getJob(id)).toMatchObject({ attempts: 1 });
    });

    test("gives a retried job claims that it never had before, so that it accepts no late outcome of an earlier one", async () => {
      const { clock, store, queue } = openQueue(kind);
      const { id } = await queue.enqueue(dies);
      await queue.drain();
      await queue.retryFromDeadLetter(id);
      expect(await store.open(queue.name).find(id, clock.now)).toMatchObject({ state: "ready", claims: 1 });
    });

    test("hundreds of jobs are retried in pieces that report their progress", async () => {
      const { queue } = openQueue(kind);
      await queue.enqueueMany(Array.from({ length: 350 }, () => ({ job: dies })));
      await drainAll(queue);
      const reported: number[] = [];
      expect(await queue.retryFromDeadLetter({ all: true }, { onProgress: (done) => reported.push(done) })).toEqual({
        retried: 350,
      });
      expect(reported).toEqual([250, 350]);
    });

    test("a retry is checked as a whole before the first job changes, and so is a dry run", async () => {
      const fail = () => Promise.reject(new Error("no luck"));
      const strict = defineJob({ name: "strict", maxRetries: 0, schema: z.object({ n: z.number() }), perform: fail });
      const free = defineJob({ name: "free", maxRetries: 0, perform: fail });
      const { queue, clock } = openQueue(kind, { jobs: [strict, free] });
      await queue.enqueue(strict, { n: 1 });
      await drainAll(queue);
      // The newest come first, and the one that refuses is in the last piece.
      await clock.advance("1s");
      await queue.enqueueMany(Array.from({ length: 300 }, () => ({ job: free })));
      await drainAll(queue);
      for (const dryRun of [true, false]) {
        const refused = queue.retryFromDeadLetter({ all: true }, { payload: { n: "none" }, dryRun });
        await expect(refused).rejects.toMatchObject({ code: "invalid_payload" });
      }
      expect(await queue.getStats()).toMatchObject({ deadLetterCount: 301, pendingCount: 0 });
      expect(await queue.retryFromDeadLetter({ all: true }, { payload: { n: 2 } })).toEqual({ retried: 301 });
    });
  });
});
