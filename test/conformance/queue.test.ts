import { describe, expect, test } from "vitest";
import { defineJob, Queue } from "../../src/index.ts";
import { drainAll } from "../../src/testing/index.ts";
import { onEveryStore } from "../support/stores.ts";
import { dies, greet, note, openQueue, start } from "./open-queue.ts";

onEveryStore((kind) => {
  test("an option that nobody reads is named, and nothing happens", async () => {
    const { queue, store } = openQueue(kind);
    await queue.enqueue(dies, undefined, { id: "dead", maxRetries: 0 });
    await queue.drain();
    await queue.enqueue(note, 1, { id: "waits", delay: "5m" });
    const cron = "0 0 9 * * *";
    const misspelt = (option: string, call: (options: object) => Promise<unknown>, rest: object = {}) =>
      expect(call({ ...rest, [option]: 1 })).rejects.toMatchObject({
        code: "invalid_request",
        message: expect.stringContaining(`"${option}" is no option of`),
      });
    const define = async (schedule: object) =>
      defineJob({ name: "x", schedule: { cron, ...schedule }, perform: () => 1 });
    await misspelt("tz", define);
    await misspelt("maxRetrys", async (options) => defineJob({ name: "x", perform: () => 1, ...options }));
    await misspelt("retension", async (options) => new Queue({ store, ...options }));
    await misspelt("dely", (options) => queue.enqueue(note, 1, options));
    await misspelt("delay", (options) => queue.enqueue(note, 1, { cron, ...options }));
    await misspelt("tz", (options) => queue.schedules.upsert("daily", { job: note, payload: 1, cron, ...options }));
    await misspelt("delay", (backoff) => queue.enqueue(note, 1, { backoff }), { type: "fixed" });
    await misspelt("maxjobs", (options) => queue.drain(options));
    await misspelt("delay", (options) => queue.enqueueMany([{ job: note, payload: 1 }], options));
    await misspelt("stat", (options) => queue.clear(options));
    await misspelt("stat", (options) => queue.listJobs(options));
    await misspelt("timout", (options) => queue.wait("waits", options));
    await misspelt("trips", (budget) => queue.drain({ budget }));
    await misspelt("maxRetries", (options) => queue.update("waits", options));
    await misspelt("dryrun", (options) => queue.retryFromDeadLetter({ all: true }, options));
    await misspelt("dryrun", (options) => queue.removeFromDeadLetter({ all: true }, options));
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 2, deadLetterCount: 1 });
    expect(await queue.schedules.list()).toEqual([]);
  });

  test.each([undefined, null, 7, {}, { sendEmail: note }])(
    "%j is no job to enqueue, and nothing is stored",
    async (job) => {
      const { queue } = openQueue(kind);
      await expect(queue.enqueue(job as unknown as string)).rejects.toThrow(/The job must be what defineJob gives/);
      await expect(queue.enqueueMany([{ job }] as never)).rejects.toThrow(/The job must be what defineJob gives/);
      await expect(queue.enqueueMany([job as never])).rejects.toMatchObject({ code: "invalid_request" });
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
    },
  );

  test.each([null, "5m", 7])("%j is not taken for options", async (options) => {
    const { queue } = openQueue(kind);
    const refusal = { code: "invalid_request" };
    await expect(queue.enqueue(note, 1, options as never)).rejects.toMatchObject(refusal);
    await expect(queue.drain(options as never)).rejects.toMatchObject(refusal);
    await expect(queue.clear(options as never)).rejects.toMatchObject(refusal);
    await expect(queue.schedules.upsert("daily", options as never)).rejects.toMatchObject(refusal);
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
  });

  test("a definition may be wrapped, defined anew, and carry what others read", async () => {
    const { store, clock } = openQueue(kind);
    const wrapped = defineJob({ ...dies, schema: undefined, perform: () => "well" });
    const marked = { ...wrapped, team: "mail" };
    const queue = new Queue({ store, clock, jobs: [marked] });
    await queue.enqueue(marked);
    expect(await queue.drain()).toMatchObject({ completed: 1 });
  });

  describe("a queue's jobs", () => {
    test("can be cancelled and moved while they wait, and not while they run or when they have ended", async () => {
      const { clock, queue } = openQueue(kind);
      const { id } = await queue.enqueue(note, 1, { delay: "5m" });
      expect(await queue.reschedule(id, "10m")).toMatchObject({
        id,
        state: "scheduled",
        runAt: new Date(start + 600_000),
      });
      expect(await queue.reschedule(id, new Date(start + 60_000))).toMatchObject({ runAt: new Date(start + 60_000) });
      expect(await queue.reschedule(id, "0s")).toMatchObject({ state: "ready", runAt: new Date(start) });
      expect(await queue.reschedule(id, new Date(start + 60_000))).toMatchObject({ state: "scheduled" });
      expect(await queue.update(id, { payload: 2 })).toMatchObject({ payload: 2, runAt: new Date(start + 60_000) });
      await queue.cancel(id);
      expect(await queue.getJob(id)).toBeNull();
      await expect(queue.cancel(id)).rejects.toMatchObject({ code: "not_found" });
      const [held] = (await queue.enqueueHeld([{ job: note, payload: 1 }])).held;
      const running = held?.lease.id ?? "";
      await expect(queue.cancel(running)).rejects.toMatchObject({ code: "conflict" });
      await expect(queue.reschedule(running, "soon")).rejects.toMatchObject({ code: "invalid_request" });
      await expect(queue.reschedule(running, 0)).rejects.toMatchObject({ code: "conflict" });
      expect(await queue.getJob(running)).toMatchObject({ state: "running", attempts: 1, runAt: null });
      await clock.advance("2m");
      await queue.drain();
      await expect(queue.cancel(running)).rejects.toMatchObject({ code: "conflict" });
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 2, totalProcessed: 1 });
    });

    test("can be moved while they wait for a retry too", async () => {
      const { queue } = openQueue(kind);
      const { id } = await queue.enqueue(dies, undefined, { maxRetries: 1 });
      await queue.drain();
      expect(await queue.reschedule(id, "10m")).toMatchObject({ attempts: 1, runAt: new Date(start + 600_000) });
    });

    test("can be cancelled again once a lease has run out", async () => {
      const { clock, queue } = openQueue(kind);
      const [held] = (await queue.enqueueHeld([{ job: note, payload: 1 }])).held;
      await clock.advance("1h");
      await queue.cancel(held?.lease.id ?? "");
      expect(await queue.getStats()).toMatchObject({ readyCount: 0, runningCount: 0 });
    });

    test("do not change where they were claimed and handed back since they were looked at", async () => {
      const { store, queue } = openQueue(kind);
      const { id } = await queue.enqueue(note, 1);
      const change = { id, from: { at: start, claims: 1 }, runAt: start + 1_000, record: undefined };
      expect(await store.open(queue.name).change(change)).toBe(false);
      expect(await queue.getJob(id)).toMatchObject({ runAt: new Date(start) });
    });

    test("are listed by state and name, in pages", async () => {
      const { queue } = openQueue(kind);
      await queue.enqueueMany(Array.from({ length: 7 }, (_, index) => ({ job: note, payload: index })));
      await queue.enqueueMany([{ job: dies }, { job: greet, payload: { to: "Ada" }, delay: "1h" }]);
      const seen: unknown[] = [];
      let cursor: string | undefined;
      do {
        const page = await queue.listJobs({ state: "ready", name: "note", limit: 3, cursor });
        expect(page.jobs.length).toBeLessThanOrEqual(3);
        seen.push(...page.jobs.map(({ payload }) => payload));
        cursor = page.cursor ?? undefined;
      } while (cursor);
      expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6]);
      await queue.drain();
      expect((await queue.listJobs()).jobs.map(({ state }) => state).sort()).toEqual([
        ...Array(7).fill("completed"),
        "dead",
        "scheduled",
      ]);
      await expect(queue.listJobs({ cursor: "rubbish" })).rejects.toMatchObject({ code: "invalid_request" });
      await expect(queue.listJobs({ cursor: "ready:rubbish" })).rejects.toMatchObject({ code: "invalid_request" });
    });

    test("a completed one is gone after the retention, and none is kept for 0", async () => {
      const { clock, store, queue } = openQueue(kind);
      const { id } = await queue.enqueue(greet, { to: "Ada" });
      await queue.drain();
      expect(await queue.getJob(id)).toMatchObject({
        state: "completed",
        result: { greeted: "Ada" },
        completedAt: new Date(start),
      });
      await clock.advance("24h");
      expect(await queue.getJob(id)).toBeNull();
      expect((await queue.listJobs({ state: "completed" })).jobs).toEqual([]);
      const brief = new Queue({ name: "brief", store, clock, jobs: [note], retention: 0 });
      const other = await brief.enqueue(note, 1);
      await brief.drain();
      expect(await brief.getJob(other.id)).toBeNull();
      expect(await brief.getStats()).toMatchObject({ totalProcessed: 1, completedCount: 0 });
    });

    test("clear removes all, also where they are more than one call of the store looks at", async () => {
      const { queue } = openQueue(kind);
      const jobs = Array.from({ length: 1_010 }, () => ({ job: dies }));
      await queue.enqueueMany(jobs);
      await drainAll(queue);
      await queue.enqueueMany(jobs);
      const cleared = [await queue.clear({ state: "dead" }), await queue.clear({ state: "pending" })];
      expect(cleared).toEqual([{ cleared: 1_010 }, { cleared: 1_010 }]);
      expect(await queue.getStats()).toMatchObject({ deadLetterCount: 0, pendingCount: 0 });
    });

    test("clear removes those of a state, and leaves what runs and what recurs", async () => {
      const { queue } = openQueue(kind);
      await queue.schedules.upsert("daily", { job: note, cron: "0 0 9 * * *" });
      await queue.enqueueMany(Array.from({ length: 1_000 }, () => ({ job: note })));
      await queue.enqueueMany(Array.from({ length: 900 }, () => ({ job: note })));
      await queue.enqueue(note, 1, { delay: "1h" });
      await queue.enqueueHeld([{ job: note }]);
      expect(await queue.clear({ state: "ready" })).toEqual({ cleared: 1_900 });
      expect(await queue.clear()).toEqual({ cleared: 1 });
      expect(await queue.getStats()).toMatchObject({ pendingCount: 0, runningCount: 1, totalEnqueued: 1_902 });
      expect(await queue.schedules.list()).toHaveLength(1);
    });
  });

  test("a name that no worker knows is retried as a failure, so that a rolling deploy loses nothing", async () => {
    const { clock, store } = openQueue(kind);
    const newer = new Queue({ store, clock, jobs: [greet] });
    const older = new Queue({ store, clock, jobs: [note] });
    const { id } = await newer.enqueue(greet, { to: "Ada" });
    expect(await older.drain()).toMatchObject({ retried: 1 });
    expect(await older.getJob(id)).toMatchObject({
      errors: [{ message: expect.stringMatching(/No job is named "greet"/) }],
    });
    await clock.advance("60s");
    expect(await newer.drain()).toMatchObject({ completed: 1 });
  });

  test("a record of a newer version waits for the deployment that reads it, with no attempt used", async () => {
    const { clock, store, queue } = openQueue(kind);
    const stored = store.open("default");
    await stored.enqueue([{ id: "newer", isFreshId: true, runAt: clock(), record: "2:{}" }], clock());
    for (let met = 1; met <= 5; met++) {
      expect(await queue.drain()).toMatchObject({ claimed: 1, retried: 0, deadLettered: 0, lost: 0 });
      await clock.advance("60s");
    }
    expect(await stored.find("newer", clock())).toMatchObject({ state: "ready", record: "2:{}", claims: 0 });
  });

  test("queues of different names share a store and nothing else", async () => {
    const { clock, store, queue } = openQueue(kind);
    const other = new Queue({ name: "other", store, clock, jobs: [note] });
    await queue.enqueue(note, 1, { id: "same" });
    expect(await other.enqueue(note, 2, { id: "same" })).toMatchObject({ status: "enqueued" });
    await other.drain();
    expect(await queue.getJob("same")).toMatchObject({ state: "ready", payload: 1, queue: "default" });
    expect(await other.getJob("same")).toMatchObject({ state: "completed", queue: "other" });
  });
});
