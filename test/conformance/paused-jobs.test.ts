import { describe, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import type { QueueStore } from "../../src/core/store/store.ts";
import { defineJob, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { aroundStore } from "../support/around-calls.ts";
import { start } from "../support/clock.ts";
import { onEachKindOfStore, onEveryStore } from "../support/stores.ts";

onEachKindOfStore((kind) => {
  function setUp() {
    const clock = testClock(start);
    const ran: string[] = [];
    const perform = (_: unknown, job: { readonly id: string; readonly attempt: number }) =>
      void ran.push(`${job.id} ${job.attempt}`);
    const jobs = [defineJob({ name: "charge", perform }), defineJob({ name: "mail", perform })];
    const queue = new Queue({ store: clock.watch(kind.create()), jobs, clock });
    const enqueue = (name: string, id: string, options = {}) => queue.enqueue(name, undefined, { id, ...options });
    return { clock, queue, ran, enqueue };
  }

  describe("a paused job type", () => {
    test("starts no job until it is resumed, and then each with all of its attempts; others run", async () => {
      const { clock, queue, ran, enqueue } = setUp();
      expect(await queue.pauseJobs("charge", { reason: "CRM is down", by: "on-call" })).toEqual({
        ...{ name: "charge", reason: "CRM is down", by: "on-call", since: new Date(start) },
      });
      for (const id of ["a", "b", "c"]) await enqueue("charge", id);
      await enqueue("mail", "m");
      expect(await queue.drain()).toMatchObject({ completed: 1, released: 3, stoppedBy: "empty" });
      expect(ran).toEqual(["m 1"]);
      expect((await queue.getStats()).pausedJobs).toMatchObject([{ name: "charge", by: "on-call" }]);
      await clock.advance("3h");
      expect(await queue.drain()).toMatchObject({ completed: 0, released: 3 });
      expect(await queue.getJob("a")).toMatchObject({ state: "scheduled", runAt: new Date(start) });
      expect(await queue.resumeJobs("charge")).toEqual({ resumed: true });
      expect((await queue.getStats()).pausedJobs).toEqual([]);
      expect(await queue.drain()).toMatchObject({ completed: 3 });
      expect(ran.toSorted()).toEqual(["a 1", "b 1", "c 1", "m 1"]);
      expect(await queue.resumeJobs("charge")).toEqual({ resumed: false });
    });

    test.each([{}, { flowControl: { key: "customer", concurrency: 2 } }])(
      "starts at once what a drain hands back after it was resumed, although another type is still paused: %j",
      async (options) => {
        const clock = testClock(start);
        const ran: string[] = [];
        const charge = defineJob({ name: "charge", perform: (_: unknown, job) => void ran.push(job.id) });
        const open = kind.shared();
        const queue = new Queue({ store: open(), jobs: [charge], clock });
        let whenClaimed = async () => {};
        const store = aroundStore(open(), async ({ method }, run) => {
          const reply = await run();
          if (method === "exchange" && Object(reply).jobs.length > 0) await whenClaimed();
          return reply;
        });
        for (const name of ["charge", "charge too"]) await queue.pauseJobs(name);
        for (const id of ["a", "b"]) await queue.enqueue(charge, null, { id, ...options });
        whenClaimed = async () => {
          whenClaimed = async () => {};
          await queue.resumeJobs("charge");
        };
        await new Queue({ store, jobs: [charge], clock }).drain();
        await queue.drain();
        expect(ran.toSorted()).toEqual(["a", "b"]);
        expect(await queue.getJob("a")).toMatchObject({ state: "completed", attempts: 1 });
      },
    );

    test("leaves a held job at the time to which somebody has moved it", async () => {
      const { clock, queue, ran, enqueue } = setUp();
      await queue.pauseJobs("charge");
      await enqueue("charge", "moved");
      await enqueue("charge", "again");
      await queue.drain();
      await queue.reschedule("moved", "5h");
      await queue.resumeJobs("charge");
      await queue.reschedule("again", "5h");
      await queue.pauseJobs("charge");
      await queue.resumeJobs("charge");
      await queue.drain();
      expect(ran).toEqual([]);
      await clock.advance("5h");
      await queue.drain();
      expect(ran.toSorted()).toEqual(["again 1", "moved 1"]);
    });

    test("starts jobs in the order of their run times once it is resumed", async () => {
      const { clock, queue, ran, enqueue } = setUp();
      await queue.pauseJobs("charge");
      for (const id of ["z", "m", "q", "a"]) {
        await enqueue("charge", id);
        await clock.advance("1s");
      }
      await queue.drain();
      await queue.resumeJobs("charge");
      await queue.drain({ concurrency: 1 });
      expect(ran).toEqual(["z 1", "m 1", "q 1", "a 1"]);
    });

    test("lets jobs expire that do not begin in time", async () => {
      const { clock, queue, ran, enqueue } = setUp();
      await queue.pauseJobs("charge");
      for (const id of ["held", "resumed"]) await enqueue("charge", id, { expires: "10m" });
      await queue.drain();
      expect((await queue.getJob("held"))?.expiresAt).toEqual(new Date(start + 600_000));
      await clock.advance("30m");
      await queue.resumeJobs("charge");
      expect(await queue.drain()).toMatchObject({ expired: 2 });
      await queue.pauseJobs("charge");
      await enqueue("charge", "third", { expires: "10m" });
      await queue.drain();
      await clock.advance("2h");
      expect(await queue.drain()).toMatchObject({ expired: 1, released: 0 });
      expect(ran).toEqual([]);
    });

    test("leaves room for other job types: what is handed back does not count for maxJobs", async () => {
      const { queue, ran, enqueue } = setUp();
      await queue.pauseJobs("charge");
      await queue.enqueueMany(Array.from({ length: 50 }, () => ({ job: "charge", payload: null })));
      await enqueue("mail", "m");
      expect(await queue.drain({ maxJobs: 10, batchSize: 10 })).toMatchObject({ completed: 1, released: 50 });
      expect(ran).toEqual(["m 1"]);
    });

    test("keeps the jobs of a key in their order, and leaves jobs for later at their times", async () => {
      const { clock, queue, ran, enqueue } = setUp();
      await queue.pauseJobs("charge");
      const flowControl = { key: "customer", concurrency: 1, ordered: true };
      for (const id of ["a", "b", "c"]) await enqueue("charge", id, { flowControl });
      await enqueue("charge", "later", { delay: "2d" });
      await queue.drain();
      await queue.drain();
      await queue.resumeJobs("charge");
      expect(await queue.drain()).toMatchObject({ completed: 3 });
      expect(ran).toEqual(["a 1", "b 1", "c 1"]);
      await clock.advance("2d");
      await queue.drain();
      expect(ran.at(-1)).toBe("later 1");
    });

    test("is learnt by a drain that has claimed its jobs already", async () => {
      const clock = testClock(start);
      const ran: number[] = [];
      const slow = defineJob({
        name: "slow",
        perform: async (ms: number, job) => {
          await clock.sleep(ms, job.signal);
          ran.push(ms);
        },
      });
      const queue = new Queue({ store: clock.watch(kind.create()), jobs: [slow], clock });
      await queue.enqueueMany([1_000, 4_000, 4_001, 4_002].map((payload) => ({ job: slow, payload })));
      const drained = queue.drain({ concurrency: 1 });
      await clock.advance(500);
      await queue.pauseJobs("slow");
      await clock.advance("20s");
      expect(await drained).toMatchObject({ stoppedBy: "empty", backlog: false });
      expect(ran.length).toBeLessThan(4);
      expect((await queue.getStats()).scheduledCount).toBe(4 - ran.length);
    });

    test("is none that starts eagerly", async () => {
      const { queue } = setUp();
      await queue.pauseJobs("charge");
      const { held } = await internalsOf(queue).enqueueHeld([{ job: "charge", payload: null }]);
      expect(held).toEqual([]);
      await queue.resumeJobs("charge");
      expect((await internalsOf(queue).enqueueHeld([{ job: "charge", payload: null }])).held.length).toBe(1);
    });

    test("can be one of twenty, while queue and schedules go on", async () => {
      const { queue, ran, enqueue } = setUp();
      const names = Array.from({ length: 20 }, (_, index) => `type ${index}`);
      for (const name of names) await queue.pauseJobs(name);
      await expect(queue.pauseJobs("charge")).rejects.toMatchObject({ code: "conflict" });
      await queue.pauseJobs("type 3", { reason: "again" });
      const { pausedJobs } = await queue.getStats();
      expect(pausedJobs.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
      expect(pausedJobs.find(({ name }) => name === "type 3")?.reason).toBe("again");
      for (let index = 0; index < 30; index++) await enqueue("mail", `m${index}`);
      expect(await queue.drain({ batchSize: 4 })).toMatchObject({ completed: 30, backlog: false });
      expect(ran.length).toBe(30);
      expect((await queue.drain()).nextRunAt).toBeNull();
      await enqueue("mail", "due");
      await queue.pause();
      expect(await queue.drain()).toMatchObject({ stoppedBy: "paused", backlog: true });
      expect(await queue.clear()).toEqual({ cleared: 1 });
      expect((await queue.getStats()).pausedJobs.length).toBe(20);
    });

    test("is not paused with a wrong name or reason", async () => {
      const { queue } = setUp();
      await expect(queue.pauseJobs("")).rejects.toMatchObject({ code: "invalid_request" });
      await expect(queue.pauseJobs("x", { reason: "y".repeat(201) })).rejects.toThrow("reason");
      await expect(queue.pauseJobs("x", { because: "y" } as object)).rejects.toThrow("because");
      expect((await queue.getStats()).pausedJobs).toEqual([]);
    });
  });
});

onEveryStore((kind) => {
  const pauseOf = (name: string) => ({ name, reason: null, by: null, since: start });
  const lease = async (store: QueueStore, id: string) => {
    const job = { id, isFreshId: true, runAt: start, record: "1:{}", leaseEndsAt: start + 60_000 };
    return (await store.enqueue([job], start))[0]?.lease;
  };

  test("job types that are paused and resumed at once leave each as it was said: nothing starts eagerly", async () => {
    const store = kind.create().open("default");
    await store.setJobsPaused("a", pauseOf("a"));
    await Promise.all([store.setJobsPaused("b", pauseOf("b")), store.setJobsPaused("a", undefined)]);
    expect((await store.stats(start)).pausedJobs).toEqual([pauseOf("b")]);
    expect(await lease(store, "held")).toBeUndefined();
    await store.setJobsPaused("b", undefined);
    expect(await lease(store, "free")).toBeDefined();
  });

  test("of job types that are paused at once, no more than twenty are", async () => {
    const store = kind.create().open("default");
    const names = Array.from({ length: 25 }, (_, index) => `type "${index}"`);
    const paused = await Promise.all(names.map((name) => store.setJobsPaused(name, pauseOf(name))));
    expect(paused.filter(Boolean)).toHaveLength(20);
    expect((await store.stats(start)).pausedJobs).toHaveLength(20);
    const first = names[paused.indexOf(true)] ?? "";
    const again = { ...pauseOf(first), reason: "again" };
    expect(await store.setJobsPaused(first, again)).toBe(true);
    const { pausedJobs } = await store.stats(start);
    expect(pausedJobs.find(({ name }) => name === first)).toEqual(again);
  });
});
