import { expect, test } from "vitest";
import type { FlowLimits } from "../../src/core/store/flow.ts";
import type { LeasedJob, Outcome, QueueStore } from "../../src/core/store/store.ts";
import { defineJob, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { onEachKindOfStore, onEveryStore } from "../support/stores.ts";

// A job that is handed back without an attempt does not count against the rate of its key.

const minute = 60_000;
const limits: FlowLimits = { concurrency: 0, rate: 3, periodMs: minute, ordered: false };
const timing = { waitedMs: 1, ranMs: 1 };

async function openWith(store: QueueStore, jobs: number): Promise<QueueStore> {
  await store.enqueue(
    Array.from({ length: jobs }, (_, index) => ({
      id: `job-${index}`,
      isFreshId: false,
      runAt: start,
      record: "1:{}",
      flow: { key: "api", limits },
    })),
    start,
  );
  return store;
}

async function claim(store: QueueStore, now: number, limit = 10): Promise<readonly LeasedJob[]> {
  const request = { now, settle: [], fire: [], retentionMs: 0, claim: { limit, leaseMs: 10 * minute } };
  return (await store.exchange(request)).jobs;
}

const released = ({ lease, record }: LeasedJob): Outcome => ({ to: "released", lease, runAt: start, record });
const completed = ({ lease }: LeasedJob): Outcome => ({ to: "completed", lease, record: "1:{}", timing });
const settle = (store: QueueStore, now: number, outcomes: readonly Outcome[], isResend = false) =>
  store.settle({ now, settle: outcomes, retentionMs: 0, isResend });

onEveryStore((kind) => {
  const open = (jobs: number) => openWith(kind.create().open("default"), jobs);
  const window = async (store: QueueStore, now: number) => {
    const { startedInWindow, windowEndsAt } = (await store.findFlow("api", now)) ?? {};
    return [startedInWindow, windowEndsAt];
  };

  test("a window in which all jobs were handed back is closed, and as many may start as before", async () => {
    const store = await open(7);
    await settle(store, start + 1_000, (await claim(store, start)).map(released));
    expect(await window(store, start + 1_000)).toEqual([0, 0]);
    expect(await claim(store, start + 2_000)).toHaveLength(3);
    expect(await window(store, start + 2_000)).toEqual([3, start + 2_000 + minute]);
  });

  test("of a claim that is handed back in part, what has begun counts", async () => {
    const store = await open(7);
    const [one, ...others] = await claim(store, start);
    await settle(store, start + 1_000, [completed(one as LeasedJob), ...others.map(released)]);
    expect(await window(store, start + 1_000)).toEqual([1, start + minute]);
    expect(await claim(store, start + 2_000)).toHaveLength(2);
    expect(await claim(store, start + 3_000)).toHaveLength(0);
  });

  test("a job that is handed back after its window has closed leaves the next window alone", async () => {
    const store = await open(9);
    const [late, ...others] = await claim(store, start);
    await settle(store, start, others.map(completed));
    expect(await claim(store, start + minute)).toHaveLength(3);
    await settle(store, start + minute, [released(late as LeasedJob)]);
    expect(await window(store, start + minute)).toEqual([3, start + 2 * minute]);
    expect(await claim(store, start + minute + 1)).toHaveLength(0);
  });

  test("a hand-back whose answer was lost counts once, and one under a lost lease does not count", async () => {
    const store = await open(9);
    const [one, two] = await claim(store, start);
    const outcomes = [released(one as LeasedJob)];
    expect((await settle(store, start, outcomes)).settled).toEqual([true]);
    expect((await settle(store, start, outcomes, true)).settled).toEqual([true]);
    expect(await window(store, start)).toEqual([2, start + minute]);
    await store.cancel([(two as LeasedJob).lease.id], start, true);
    expect((await settle(store, start, [released(two as LeasedJob)])).settled).toEqual([false]);
    expect(await window(store, start)).toEqual([2, start + minute]);
  });

  test("a job that was leased at enqueue, and one whose lease was extended, are handed back alike", async () => {
    const store = kind.create().open("default");
    const job = { id: "eager", isFreshId: true, runAt: start, record: "1:{}", leaseEndsAt: start + minute };
    const [reply] = await store.enqueue([{ ...job, flow: { key: "api", limits } }], start);
    if (!reply?.lease) throw new Error("It was not leased.");
    expect(await window(store, start)).toEqual([1, start + minute]);
    const [lease] = await store.extend([{ lease: reply.lease, endsAt: start + 5 * minute }]);
    if (!lease) throw new Error("The lease was lost.");
    await settle(store, start + 1, [{ to: "released", lease, runAt: start, record: "1:{}" }]);
    expect(await window(store, start + 1)).toEqual([0, 0]);
  });

  test("an attempt that failed, and one that was snoozed, count", async () => {
    const store = await open(3);
    const [one, two, three] = (await claim(store, start)) as [LeasedJob, LeasedJob, LeasedJob];
    const again = { runAt: start, record: "1:{}", timing };
    await settle(store, start, [
      { to: "retried", lease: one.lease, ...again },
      { to: "snoozed", lease: two.lease, ...again },
      { to: "dead", lease: three.lease, at: start, record: "1:{}", timing },
    ]);
    expect(await window(store, start)).toEqual([3, start + minute]);
  });

  test("a job without an attempt left gives its start back as it dies", async () => {
    const store = await open(3);
    const [one] = await claim(store, start);
    await settle(store, start, [{ to: "dead", lease: (one as LeasedJob).lease, at: start, record: "1:{}" }]);
    expect(await window(store, start)).toEqual([2, start + minute]);
  });

  test("what starts in an open window while the key has no rate counts, and is handed back alike", async () => {
    const store = await open(7);
    const change = (rate: number, now: number) =>
      store.changeFlow("api", { to: "set", limits: { ...limits, rate } }, now);
    const [one] = await claim(store, start, 1);
    await change(0, start + 1);
    const [two] = await claim(store, start + 2, 1);
    await change(3, start + 3);
    expect(await window(store, start + 3)).toEqual([2, start + minute]);
    await settle(store, start + 4, [released(two as LeasedJob)]);
    expect(await window(store, start + 4)).toEqual([1, start + minute]);
    await settle(store, start + 5, [completed(one as LeasedJob)]);
    expect(await claim(store, start + 6)).toHaveLength(2);
  });

  test("an open window goes on with a new period, and is known again after a time without a rate", async () => {
    const store = await open(9);
    await claim(store, start);
    const change = (limits: Partial<FlowLimits>, now: number) =>
      store.changeFlow(
        "api",
        { to: "set", limits: { concurrency: 0, rate: 3, periodMs: 0, ordered: false, ...limits } },
        now,
      );
    await change({ periodMs: 10 * minute }, start + 1_000);
    expect(await window(store, start + 1_000)).toEqual([3, start + 10 * minute]);
    await change({ rate: 0 }, start + 2_000);
    await change({ periodMs: minute }, start + 3_000);
    expect(await window(store, start + 3_000)).toEqual([3, start + minute]);
    await change({ periodMs: 5_000 }, start + 6_000);
    expect(await claim(store, start + 6_000)).toHaveLength(3);
  });
});

onEachKindOfStore((kind) => {
  test("as many jobs of a key begin as its rate allows, although a slow drain hands some back", async () => {
    const clock = testClock(start);
    const ran: number[] = [];
    const mail = defineJob({
      name: "mail",
      flowControl: { key: "mail", rate: 10, period: "1h" },
      async perform(number: number) {
        ran.push(number);
        await clock.sleep(number < 3 ? 3 : 3_000);
      },
    });
    const queue = new Queue({ store: clock.watch(kind.create()), jobs: [mail], clock, logger: null });
    await queue.enqueueMany(Array.from({ length: 20 }, (_, payload) => ({ job: mail, payload })));
    const slow = queue.drain({ concurrency: 1, timeBudget: "5s" });
    await clock.advance("10s");
    expect((await slow).released).toBeGreaterThan(0);
    const drain = queue.drain({ concurrency: 10, timeBudget: "5s" });
    await clock.advance("10s");
    await drain;
    expect(ran).toHaveLength(10);
    expect(await queue.flowControl.get("mail")).toMatchObject({ startedInWindow: 10, waiting: 10 });
    const waiting = await queue.listJobs({ state: "ready", limit: 1 });
    const job = await queue.getJob(waiting.jobs[0]?.id ?? "");
    expect(job?.heldBack).toMatchObject({ reason: "rate", until: new Date(start + 3_600_000) });
  });
});
