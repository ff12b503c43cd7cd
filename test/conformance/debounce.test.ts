import { describe, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { defineJob, type JobContext, Queue, type Store } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { onEachKindOfStore, type StoreKind } from "../support/stores.ts";

// `dedupe: { key, ttl, replace: true }`: the newest call decides what a job does, until it is first attempted.

const minute = 60_000;
const dedupe = { key: "shop-7", ttl: "10m", replace: true } as const;

/** A job that keeps what it ran with, and does what its payload says. */
function setUp(kind: StoreKind, store: Store = kind.create()) {
  const clock = testClock(start);
  const ran: unknown[] = [];
  const perform = (payload: unknown, job: JobContext) => {
    ran.push(payload);
    if (payload === "fails") throw new Error("no luck");
    return payload === "snoozes" ? job.snooze("1m") : undefined;
  };
  const index = defineJob({ name: "index", perform, maxRetries: 1 });
  const other = defineJob({ name: "index_other", perform });
  const queue = new Queue({ store, jobs: [index, other], clock, logger: null });
  return { clock, ran, index, other, queue };
}

const statuses = (results: readonly { readonly status: string }[]) => results.map(({ status }) => status);

onEachKindOfStore((kind) => {
  describe("a job that is enqueued with replace", () => {
    test("gets the payload, the run time and the options of each newer call, and keeps its id", async () => {
      const { clock, ran, index, queue } = setUp(kind);
      const { id } = await queue.enqueue(index, 1, { dedupe, delay: "1m", maxRetries: 7 });
      await clock.advance("30s");
      expect(await queue.enqueue(index, 2, { dedupe, delay: "1m", timeout: "5s" })).toEqual({
        id,
        status: "replaced",
        runAt: new Date(start + 90_000),
      });
      expect(await queue.getJob(id)).toMatchObject({ payload: 2, maxRetries: 1, runAt: new Date(start + 90_000) });
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 1, pendingCount: 1 });
      await clock.advance("30s");
      expect(await queue.drain()).toMatchObject({ claimed: 0 });
      await clock.advance("30s");
      await queue.drain();
      expect(ran).toEqual([2]);
      expect(await queue.getJob(id)).toMatchObject({ state: "completed", attempts: 1 });
    });

    test("is replaced only within the window of the call that made it", async () => {
      const { clock, index, queue } = setUp(kind);
      const first = await queue.enqueue(index, 1, { dedupe, delay: "1h" });
      await clock.advance("9m");
      expect(await queue.enqueue(index, 2, { dedupe, delay: "1h" })).toMatchObject({ status: "replaced" });
      await clock.advance("1m");
      const second = await queue.enqueue(index, 3, { dedupe, delay: "1h" });
      expect(second).toMatchObject({ status: "enqueued" });
      expect(await queue.getJob(first.id)).toMatchObject({ payload: 2 });
      expect(await queue.enqueue(index, 4, { dedupe, delay: "1h" })).toMatchObject({ id: second.id });
    });

    test("is not replaced by a job of another name, nor by a call without replace", async () => {
      const { index, other, queue } = setUp(kind);
      const { id, runAt } = await queue.enqueue(index, 1, { dedupe, delay: "1m" });
      const duplicate = { id, status: "duplicate", runAt };
      expect(await queue.enqueue(other, 2, { dedupe })).toEqual(duplicate);
      expect(await queue.enqueue(index, 3, { dedupe: { key: dedupe.key, ttl: "10m" } })).toEqual(duplicate);
      expect(await queue.getJob(id)).toMatchObject({ name: "index", payload: 1 });
    });

    test("is replaced even if the call that made it did not ask for that", async () => {
      const { index, queue } = setUp(kind);
      const { id } = await queue.enqueue(index, 1, { dedupe: { key: dedupe.key, ttl: "10m" }, delay: "1m" });
      expect(await queue.enqueue(index, 2, { dedupe })).toMatchObject({ id, status: "replaced" });
    });

    test("is a duplicate while it runs, once it has ended, and after a failed attempt", async () => {
      const { clock, index, queue } = setUp(kind);
      const { held } = await internalsOf(queue).enqueueHeld([{ job: index, payload: "fails", dedupe }]);
      const id = held[0]?.lease.id ?? "";
      expect(await queue.enqueue(index, 2, { dedupe })).toEqual({ id, status: "duplicate", runAt: null });
      // The invocation has been killed: the attempt may have begun.
      await clock.advance("2m");
      expect(await queue.getJob(id)).toMatchObject({ state: "ready" });
      expect(await queue.enqueue(index, 2, { dedupe })).toMatchObject({ id, status: "duplicate" });
      await queue.drain();
      expect(await queue.getJob(id)).toMatchObject({ state: "dead", payload: "fails" });
      expect(await queue.enqueue(index, 2, { dedupe })).toEqual({ id, status: "duplicate", runAt: null });
      await queue.retryFromDeadLetter(id);
      expect(await queue.enqueue(index, 2, { dedupe })).toMatchObject({ id, status: "duplicate" });
      const done = await queue.enqueue(index, "works", { dedupe: { ...dedupe, key: "done" } });
      await queue.drain();
      expect(await queue.enqueue(index, 2, { dedupe: { ...dedupe, key: "done" } })).toEqual({
        id: done.id,
        status: "duplicate",
        runAt: null,
      });
    });

    test("is a duplicate once it has been snoozed, since its handler has started", async () => {
      const { index, queue } = setUp(kind);
      const { id } = await queue.enqueue(index, "snoozes", { dedupe });
      await queue.drain();
      expect(await queue.getJob(id)).toMatchObject({ state: "scheduled", attempts: 0 });
      expect(await queue.enqueue(index, 2, { dedupe })).toMatchObject({ id, status: "duplicate" });
    });

    test("is a duplicate once it has begun, although it was handed back since then", async () => {
      const { clock, index, queue } = setUp(kind);
      const snoozed = await queue.enqueue(index, "snoozes", { dedupe: { ...dedupe, ttl: "1h" } });
      const retried = await queue.enqueue(index, "fails", { dedupe: { key: "dead", ttl: "1h", replace: true } });
      await queue.drain();
      await clock.advance("2m");
      await queue.drain();
      await queue.retryFromDeadLetter(retried.id);
      await clock.advance("2m");
      await queue.pauseJobs("index");
      expect(await queue.drain()).toMatchObject({ released: 2 });
      const again = { dedupe: { ...dedupe, ttl: "1h" } } as const;
      expect(await queue.enqueue(index, 2, again)).toMatchObject({ id: snoozed.id, status: "duplicate" });
      const dead = { dedupe: { key: "dead", ttl: "1h", replace: true } } as const;
      expect(await queue.enqueue(index, 2, dead)).toMatchObject({ id: retried.id, status: "duplicate" });
    });

    test("is replaced after a drain handed it back since its type is paused, and got its first payload", async () => {
      const { ran, index, queue } = setUp(kind);
      const { id } = await queue.enqueue(index, undefined, { dedupe });
      await queue.pauseJobs("index");
      expect(await queue.drain()).toMatchObject({ released: 1 });
      await queue.update(id, { payload: 1 });
      expect(await queue.enqueue(index, 2, { dedupe })).toMatchObject({ id, status: "replaced" });
      await queue.resumeJobs("index");
      await queue.drain();
      expect(ran).toEqual([2]);
      expect(await queue.getJob(id)).toMatchObject({ state: "completed", attempts: 1 });
    });

    test("is a duplicate after any number of snoozes", async () => {
      const store = kind.create();
      const { clock, index, queue } = setUp(kind, store);
      const { id } = await queue.enqueue(index, "snoozes", { dedupe: { ...dedupe, ttl: "1h" } });
      await queue.drain();
      await clock.advance("1m");
      // As if it had been snoozed 508 times more.
      const port = store.open("default");
      await port.peek(clock());
      const claim = { limit: 1, leaseMs: minute };
      const { jobs } = await port.exchange({ now: clock(), settle: [], fire: [], retentionMs: 0, claim });
      const settle = jobs.map(({ lease, record }) => {
        const returned = record.replace(/"returned":\d+/, '"returned":509');
        return { to: "snoozed", lease, runAt: clock(), record: returned, claims: 509 } as const;
      });
      await port.exchange({ now: clock(), settle, fire: [], retentionMs: 0 });
      for (let claims = 509; claims < 514; claims++) {
        expect(await queue.enqueue(index, 2, { dedupe })).toMatchObject({ id, status: "duplicate" });
        expect(await queue.drain()).toMatchObject({ snoozed: 1 });
        expect(await queue.getJob(id)).toMatchObject({ attempts: 0 });
        await clock.advance("1m");
      }
    });

    test("is replaced after a drain released it unstarted, and its next attempt is the first", async () => {
      const { ran, index, queue } = setUp(kind);
      const { id } = await queue.enqueue(index, 1, { dedupe });
      // Its timeout is longer than this drain has time for.
      expect(await internalsOf(queue).drain({ longestAttemptMs: 1_000 })).toMatchObject({ released: 1 });
      for (const payload of [2, 3])
        expect(await queue.enqueue(index, payload, { dedupe })).toMatchObject({ id, status: "replaced" });
      await queue.drain();
      expect(ran).toEqual([3]);
      expect(await queue.getJob(id)).toMatchObject({ state: "completed", attempts: 1 });
    });

    test("is stored as a new job, with its own window, once the holder of the key is cancelled", async () => {
      const { clock, index, queue } = setUp(kind);
      const first = await queue.enqueue(index, 1, { dedupe, delay: "1h" });
      await clock.advance("9m");
      await queue.cancel(first.id);
      const second = await queue.enqueue(index, 2, { dedupe, delay: "1h" });
      expect(second.status).toBe("enqueued");
      expect(second.id).not.toBe(first.id);
      await clock.advance("9m");
      expect(await queue.enqueue(index, 3, { dedupe, delay: "1h" })).toMatchObject({
        id: second.id,
        status: "replaced",
      });
    });

    test("is replaced while the queue is paused, and after it was rescheduled or given another payload", async () => {
      const { index, queue } = setUp(kind);
      await queue.pause();
      const { id } = await queue.enqueue(index, 1, { dedupe, delay: "1m" });
      await queue.reschedule(id, "2m");
      await queue.update(id, { payload: "other" });
      expect(await queue.enqueue(index, 2, { dedupe })).toEqual({ id, status: "replaced", runAt: new Date(start) });
      expect(await queue.getJob(id)).toMatchObject({ payload: 2, state: "ready" });
    });

    test("is replaced by a later job of the same call, and by a later call of the same turn", async () => {
      const { ran, index, queue } = setUp(kind);
      const jobs = [1, 2, 3].map((payload) => ({ job: index, payload, dedupe, delay: payload * 1_000 }));
      const many = await queue.enqueueMany(jobs);
      expect(statuses(many)).toEqual(["enqueued", "replaced", "replaced"]);
      expect(many.map(({ runAt }) => runAt?.getTime())).toEqual([1, 2, 3].map((delay) => start + delay * 1_000));
      const calls = await Promise.all([4, 5].map((payload) => queue.enqueue(index, payload, { dedupe })));
      expect(statuses(calls)).toEqual(["replaced", "replaced"]);
      expect(new Set([...many, ...calls].map(({ id }) => id)).size).toBe(1);
      await queue.drain();
      expect(ran).toEqual([5]);
    });

    test("is leased by an eager start only for the last job of a call, with its payload", async () => {
      const { index, queue } = setUp(kind);
      const jobs = [1, 2].map((payload) => ({ job: index, payload, dedupe }));
      const { results, held } = await internalsOf(queue).enqueueHeld(jobs);
      expect(statuses(results)).toEqual(["enqueued", "replaced"]);
      expect(held.map(({ lease, record }) => [lease.id, JSON.parse(record.slice(2)).payload])).toEqual([
        [results[0]?.id, 2],
      ]);
      // It is being attempted.
      expect(await queue.enqueue(index, 3, { dedupe })).toMatchObject({ status: "duplicate", runAt: null });
      await queue.drain({ maxJobs: 1 });
      expect(await queue.getJob(results[0]?.id ?? "")).toMatchObject({ state: "running", payload: 2 });
    });

    test("is leased by an eager start if a newer call makes it due", async () => {
      const { index, queue } = setUp(kind);
      const { id } = await queue.enqueue(index, 1, { dedupe, delay: "1h" });
      const { results, held } = await internalsOf(queue).enqueueHeld([{ job: index, payload: 2, dedupe }]);
      expect(results).toMatchObject([{ id, status: "replaced" }]);
      expect(held).toMatchObject([{ lease: { id, claims: 1 } }]);
      expect(await queue.getJob(id)).toMatchObject({ state: "running", payload: 2 });
    });
  });

  describe("with a flow control key", () => {
    const line = (key: string) => ({ key, ordered: true }) as const;

    test("a replaced job keeps its place in the order of its key", async () => {
      const { ran, index, queue } = setUp(kind);
      const flowControl = line("account");
      await queue.enqueue(index, "a", { flowControl, dedupe });
      await queue.enqueue(index, "b", { flowControl });
      expect(await queue.enqueue(index, "c", { flowControl, dedupe })).toMatchObject({ status: "replaced" });
      expect(await queue.flowControl.get("account")).toMatchObject({ waiting: 2 });
      for (let i = 0; i < 2; i++) await queue.drain();
      expect(ran).toEqual(["c", "b"]);
    });

    test("a replaced job is in line by its new run time if the key is not ordered", async () => {
      const { clock, ran, index, queue } = setUp(kind);
      const flowControl = { key: "tenant", concurrency: 1 };
      await queue.enqueueMany(
        ["a", "b"].map((payload, i) => ({
          job: index,
          payload,
          flowControl,
          delay: i * 1_000,
          ...(i === 0 && { dedupe }),
        })),
      );
      await queue.enqueue(index, "c", { flowControl, dedupe, delay: "2s" });
      await clock.advance("3s");
      for (let i = 0; i < 2; i++) await queue.drain();
      expect(ran).toEqual(["b", "c"]);
      expect(await queue.flowControl.get("tenant")).toBeNull();
    });

    test("a replaced job sets the limits of its key, and a duplicate does not", async () => {
      const { index, other, queue } = setUp(kind);
      const limited = (concurrency: number) => ({ flowControl: { key: "tenant", concurrency }, dedupe });
      await queue.enqueue(index, 1, limited(1));
      await queue.enqueue(index, 2, limited(2));
      expect(await queue.flowControl.get("tenant")).toMatchObject({ concurrency: 2, waiting: 1 });
      await queue.enqueue(other, 3, limited(3));
      expect(await queue.flowControl.get("tenant")).toMatchObject({ concurrency: 2, waiting: 1 });
    });

    test("a replaced job leaves a long line once, wherever it was", async () => {
      const { index, queue } = setUp(kind);
      const flowControl = line("account");
      const jobs = Array.from({ length: 40 }, (_, i) => ({
        job: index,
        payload: i,
        flowControl,
        dedupe: { ...dedupe, key: `row-${i}` },
      }));
      await queue.enqueueMany(jobs);
      const again = await queue.enqueueMany(
        [...jobs].reverse().map((job) => ({ ...job, payload: `again-${job.payload}`, delay: 500 })),
      );
      expect(new Set(statuses(again))).toEqual(new Set(["replaced"]));
      expect(await queue.flowControl.get("account")).toMatchObject({ waiting: 40 });
      expect(await queue.getStats()).toMatchObject({ pendingCount: 40, totalEnqueued: 40 });
    });
  });

  test("a newer call with another flow control key moves the job to the end of that line", async () => {
    const { ran, index, queue } = setUp(kind);
    const to = (key: string) => ({ flowControl: { key, ordered: true } });
    await queue.enqueue(index, "a", { ...to("one"), dedupe });
    await queue.enqueue(index, "b", to("two"));
    const results = await queue.enqueueMany([
      { job: index, payload: "c", ...to("two"), dedupe },
      { job: index, payload: "d", ...to("one") },
    ]);
    expect(statuses(results)).toEqual(["replaced", "enqueued"]);
    expect(await queue.flowControl.get("two")).toMatchObject({ waiting: 2 });
    for (let i = 0; i < 3; i++) await queue.drain();
    expect(ran.indexOf("b")).toBeLessThan(ran.indexOf("c"));
    expect(ran).toHaveLength(3);
    expect(ran).toContain("d");
  });

  test("a newer call can remove the flow control key, or set one", async () => {
    const { clock, ran, index, queue } = setUp(kind);
    const flowControl = { key: "tenant", rate: 1, period: minute };
    await queue.enqueue(index, 1, { dedupe, flowControl });
    await queue.enqueue(index, 2, { dedupe });
    expect(await queue.flowControl.get("tenant")).toBeNull();
    await queue.enqueue(index, 3, { dedupe, flowControl });
    await queue.enqueue(index, 4, { flowControl });
    await queue.drain();
    expect(ran).toHaveLength(1);
    await clock.advance("1m");
    await queue.drain();
    expect(ran.sort()).toEqual([3, 4]);
  });
});
