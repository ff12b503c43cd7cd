import { describe, expect, test } from "vitest";
import { attachInternals, internalsOf } from "../../../src/core/queue/internals.ts";
import { type AnyJob, memoryStore, Queue, type Store } from "../../../src/index.ts";
import { faultyStore, testClock } from "../../../src/testing/index.ts";
import { wrapStore } from "../../../src/testing/wrap-store.ts";
import { start } from "../../support/clock.ts";
import { drainQueues } from "../../support/drain-queues.ts";

/** Queues of these names on one store, with a job that records where it ran, and a clock that sleeping advances. */
function setUp(...names: string[]) {
  const state = { now: start, slept: [] as number[] };
  const clock = Object.assign(() => state.now, {
    sleep: async (ms: number, signal?: AbortSignal) => {
      // Handlers that are about to end do so first, as they do with timers.
      await new Promise((resolve) => setImmediate(resolve));
      if (signal?.aborted) return;
      state.slept.push(ms);
      state.now += ms;
    },
  });
  const store = memoryStore();
  const ran: string[] = [];
  const queues = names.map((name) => {
    const note: AnyJob = {
      name: "note",
      perform(payload: { takes?: number } | undefined) {
        state.now += payload?.takes ?? 0;
        ran.push(name);
      },
    };
    return new Queue({ name, store, clock, jobs: [note], random: () => 0.5 });
  });
  return { queues, state, ran, store };
}

const [a, b] = [0, 1];
const times = (count: number) => Array<{ job: string }>(count).fill({ job: "note" });

describe("drainQueues", () => {
  test("ends in time if the clock is set back meanwhile", async () => {
    const { queues, ran } = setUp("a", "b");
    await queues[a]?.enqueueMany([4_000, -20_000].map((takes) => ({ job: "note", payload: { takes } })));
    await queues[b]?.enqueueMany(Array(10).fill({ job: "note", payload: { takes: 1_000 }, runAt: start - 60_000 }));
    const report = await drainQueues(queues, { concurrency: 1, timeBudget: "5s" });
    expect(report).toMatchObject({ stoppedBy: "timeBudget", backlog: true });
    expect(ran).toEqual(["a", "a", "b"]);
  });

  test("drains queues in their order and sums the report", async () => {
    const { queues, ran } = setUp("a", "b", "c");
    await queues[2]?.enqueueMany(times(1));
    await queues[b]?.enqueueMany(times(2));
    await queues[a]?.enqueueMany(times(3));
    expect(await drainQueues(queues)).toMatchObject({
      claimed: 6,
      completed: 6,
      stoppedBy: "empty",
      nextRunAt: null,
      backlog: false,
    });
    expect(ran.join("")).toBe("aaabbc");
  });

  test("does not count what it hands back of a paused job type for maxJobs", async () => {
    const { queues, ran } = setUp("a", "b");
    await queues[a]?.pauseJobs("note");
    for (const queue of queues) await queue.enqueueMany(times(3));
    expect(await drainQueues(queues, { maxJobs: 3 })).toMatchObject({ claimed: 6, completed: 3, released: 3 });
    expect(ran.join("")).toBe("bbb");
  });

  test("reports progress over all queues", async () => {
    const { queues } = setUp("a", "b");
    for (const queue of queues) await queue.enqueueMany(times(2));
    const reported: number[] = [];
    await drainQueues(queues, { onProgress: ({ completed }) => void reported.push(completed) });
    expect(reported).toEqual([0, 2, 2, 4]);
  });

  test("with one queue does what its drain does", async () => {
    const one = setUp("a");
    const other = setUp("a");
    for (const { queues } of [one, other]) await queues[a]?.enqueueMany(times(3));
    expect(await drainQueues(one.queues, { maxJobs: 2 })).toEqual(await other.queues[a]?.drain({ maxJobs: 2 }));
  });

  test("refuses to drain none", async () => {
    await expect(drainQueues([])).rejects.toMatchObject({ code: "invalid_request" });
  });

  test("refuses invalid options before anything is drained", async () => {
    const { queues, ran } = setUp("a", "b");
    await queues[a]?.enqueueMany(times(1));
    await expect(drainQueues(queues, { maxJobs: 0 })).rejects.toMatchObject({ code: "invalid_request" });
    expect(ran).toEqual([]);
  });

  test("gives a later queue the time if every remaining job of an earlier one takes too long for it", async () => {
    const { queues, ran } = setUp("a", "b");
    await queues[a]?.enqueueMany([{ job: "note", timeout: "5m" }, ...times(1)]);
    await queues[b]?.enqueueMany(times(2));
    const report = await drainQueues(queues, {}, { longestAttemptMs: 30_000 });
    expect(report).toMatchObject({ stoppedBy: "timeBudget", completed: 3, released: 1, backlog: true });
    expect(ran).toEqual(["a", "b", "b"]);
  });

  test("gives a later queue the jobs that the earlier ones left", async () => {
    const { queues, ran } = setUp("a", "b");
    for (const queue of queues) await queue.enqueueMany(times(3));
    expect(await drainQueues(queues, { maxJobs: 4 })).toMatchObject({
      claimed: 4,
      stoppedBy: "maxJobs",
      backlog: true,
    });
    expect(ran.join("")).toBe("aaab");
  });

  test("reports a backlog if a limit kept it from a queue", async () => {
    const { queues } = setUp("a", "b");
    await queues[a]?.enqueueMany(times(2));
    expect(await drainQueues(queues, { maxJobs: 2 })).toMatchObject({
      claimed: 2,
      stoppedBy: "maxJobs",
      backlog: true,
    });
  });

  test("gives a later queue the time that the earlier ones left", async () => {
    const { queues, ran } = setUp("a", "b");
    await queues[a]?.enqueue("note", { takes: 6_000 });
    for (let i = 0; i < 3; i++) await queues[b]?.enqueue("note", { takes: 3_000 });
    const report = await drainQueues(queues, { timeBudget: "10s", concurrency: 1, batchSize: 1 });
    expect(report).toMatchObject({ claimed: 3, stoppedBy: "timeBudget", backlog: true });
    expect(ran.join("")).toBe("abb");
  });

  test("ends if the time runs out between two queues", async () => {
    const { queues, state, ran } = setUp("a", "b");
    const queue = new Queue({
      name: "slow",
      store: memoryStore(),
      clock: () => state.now,
      jobs: [{ name: "note", perform() {} }],
    });
    const internals = internalsOf(queue);
    const slow = { name: queue.name, clock: queue.clock };
    attachInternals(slow, {
      ...internals,
      async drainWithin(limits) {
        const report = await internals.drainWithin(limits);
        state.now += 11_000;
        return report;
      },
    });
    await queue.enqueueMany(times(1));
    await queues[b]?.enqueueMany(times(1));
    const report = await drainQueues([slow as Queue, queues[b] as Queue], { timeBudget: "10s" });
    expect(report).toMatchObject({ completed: 1, stoppedBy: "timeBudget" });
    expect(ran).toEqual([]);
  });

  test("spends one budget of round trips over all queues", async () => {
    const { queues, ran } = setUp("a", "b", "c");
    await queues[a]?.enqueueMany(times(3));
    for (const queue of queues.slice(1)) await queue.enqueueMany(times(20));
    const bounds = { concurrency: 1, batchSize: 1, budget: { roundTrips: 12 } };
    const report = await drainQueues(queues, bounds);
    expect(report).toMatchObject({ stoppedBy: "budget", backlog: true });
    expect(report.roundTrips).toBeLessThanOrEqual(12);
    expect(report.completed).toBe(report.claimed);
    expect(ran).toContain("b");
  });

  test("spends one budget of commands over all queues", async () => {
    const { queues, store, state } = setUp("a", "b");
    const priced = queues.map(
      ({ name }) =>
        new Queue({
          name,
          store: withPrice(store, 10),
          clock: () => state.now,
          jobs: [{ name: "note", perform() {} }],
        }),
    );
    await priced[a]?.enqueueMany(times(3));
    await priced[b]?.enqueueMany(times(20));
    const report = await drainQueues(priced, { concurrency: 1, batchSize: 1, budget: { commands: 150 } });
    expect(report).toMatchObject({ stoppedBy: "budget", backlog: true });
    // The last claim, and what settles its job.
    expect(report.commands).toBeLessThan(150 + 20);
    expect(report.commands).toBeGreaterThan(150 - 10);
  });

  test("with checkEvery notices jobs that are enqueued in this process while it lingers", async () => {
    const clock = testClock(start);
    const ran: [string, number][] = [];
    const [first, second] = ["a", "b"].map((name) => {
      const note = { name: "note", perform: () => void ran.push([name, clock.now - start]) };
      return new Queue({ name, clock, store: memoryStore(), jobs: [note] });
    }) as [Queue, Queue];
    await second.enqueue("note", undefined, { delay: "3s" });
    const drained = drainQueues([first, second], { linger: "5s", checkEvery: "500ms" });
    await clock.advance(500);
    await first.enqueue("note");
    await clock.advance("3s");
    expect(await drained).toMatchObject({ completed: 2, stoppedBy: "empty", backlog: false });
    expect(ran).toEqual([
      ["a", 500],
      ["b", 3_000],
    ]);
  });

  test("reports a backlog if a handler has enqueued into a queue that was drained before", async () => {
    const clock = testClock(start);
    const first = new Queue({ name: "a", clock, store: memoryStore(), jobs: [{ name: "note", perform() {} }] });
    const forwards: AnyJob = {
      name: "forwards",
      async perform() {
        await clock.sleep(100);
        await first.enqueue("note");
      },
    };
    const second = new Queue({ name: "b", clock, store: memoryStore(), jobs: [forwards] });
    await second.enqueue("forwards");
    const drained = drainQueues([first, second]);
    await clock.advance("1s");
    expect(await drained).toMatchObject({ completed: 1, nextRunAt: new Date(start + 100), backlog: true });
  });

  test("skips a paused queue and says so", async () => {
    const { queues, ran } = setUp("a", "b");
    for (const queue of queues) await queue.enqueueMany(times(1));
    await queues[a]?.pause();
    expect(await drainQueues(queues, { linger: "1m" })).toMatchObject({
      claimed: 1,
      stoppedBy: "paused",
      backlog: true,
    });
    expect(ran).toEqual(["b"]);
  });

  test("ends at maxJobs if a queue was paused while it reached that", async () => {
    const { queues, store } = setUp("a", "b");
    const pauses: Queue = new Queue({
      name: "a",
      store,
      jobs: [{ name: "note", perform: (): Promise<void> => pauses.pause() }],
    });
    await pauses.enqueueMany(times(5));
    await queues[b]?.enqueueMany(times(1));
    expect(await drainQueues([pauses, queues[b] as Queue], { maxJobs: 5 })).toMatchObject({
      completed: 5,
      stoppedBy: "maxJobs",
      backlog: true,
    });
  });

  test("skips a queue for which too few round trips are left, and continues with the next", async () => {
    const store = memoryStore();
    const ran: string[] = [];
    const queues = ["a", "b", "c"].map((name) => {
      const note = { name: "note", perform: () => void ran.push(name) };
      // The drain of a queue with schedules in code needs a round trip more.
      const jobs = name === "b" ? [note, { name: "daily", schedule: { cron: "@daily" }, perform() {} }] : [note];
      return new Queue({ name, store, jobs });
    });
    for (const { name } of queues) await new Queue({ name, store }).enqueueMany(times(1));
    // The first peeks, claims and settles.
    const report = await drainQueues(queues, { budget: { roundTrips: 7 } });
    expect(report).toMatchObject({ completed: 2, stoppedBy: "budget", backlog: true });
    expect(ran).toEqual(["a", "c"]);
  });

  test("ends after the queue that has spent the commands", async () => {
    const store = memoryStore();
    const ran: string[] = [];
    const queues = ["a", "b"].map((name) => {
      const jobs = [{ name: "note", perform: () => void ran.push(name) }];
      return new Queue({ name, store: withPrice(store, 20), jobs });
    });
    for (const queue of queues) await queue.enqueueMany(times(1));
    const report = await drainQueues(queues, { budget: { commands: 40 } });
    expect(report).toMatchObject({ completed: 1, commands: 40, stoppedBy: "budget", backlog: true });
    expect(ran).toEqual(["a"]);
  });

  test("reaches each of many queues over time, even if its budget cannot read all of them at once", async () => {
    const names = Array.from({ length: 20 }, (_, index) => `tenant-${index}`);
    const { queues, ran } = setUp(...names);
    for (const queue of queues) await queue.enqueue("note");
    for (let tick = 0; tick < 200 && ran.length < 20; tick++) {
      const report = await drainQueues(queues, { budget: { roundTrips: 6 } });
      expect(report.roundTrips).toBeLessThanOrEqual(6);
      expect(report).toMatchObject({ stoppedBy: "budget", backlog: true });
    }
    expect([...ran].sort()).toEqual([...names].sort());
  });

  test("ends if its budget cannot reach the queue in which a job falls due while it lingers", async () => {
    const { queues, state, ran } = setUp("a", "b", "c");
    for (const queue of queues) await queue.enqueue("note", undefined, { delay: "10s" });
    const report = await drainQueues(queues, { linger: "30s", budget: { roundTrips: 6 } });
    expect(report).toMatchObject({ claimed: 0, stoppedBy: "budget", backlog: true, roundTrips: 3 });
    expect(state.slept).toEqual([10_000]);
    expect(ran).toEqual([]);
  });

  test("refuses a budget that is too small for one of the queues before anything is drained", async () => {
    const { queues, store, ran } = setUp("a");
    await queues[a]?.enqueueMany(times(1));
    const dear = new Queue({
      name: "dear",
      store,
      jobs: [{ name: "daily", schedule: { cron: "@daily" }, perform() {} }],
    });
    await expect(drainQueues([...queues, dear], { budget: { roundTrips: 4 } })).rejects.toMatchObject({
      code: "invalid_request",
      message: 'budget.roundTrips must be at least 5 to drain the queue "dear".',
    });
    expect(ran).toEqual([]);
  });

  describe("goes on with the other queues if the store of one", () => {
    function onTwoStores() {
      const lost = faultyStore(memoryStore());
      const ran: string[] = [];
      const queues = [lost, memoryStore()].map((store, index) => {
        const jobs = [{ name: "note", perform: () => void ran.push(`${index}`) }];
        return new Queue({ name: `queue-${index}`, store, jobs, logger: null });
      });
      return { lost, ran, queues };
    }

    test("is lost, and then throws, within one budget", async () => {
      const { lost, ran, queues } = onTwoStores();
      for (const queue of queues) await queue.enqueueMany(times(9));
      lost.plan("before");
      const budget = { roundTrips: 7 };
      const drained = drainQueues(queues, { budget, batchSize: 1 });
      await expect(drained).rejects.toMatchObject({ code: "store_unavailable" });
      // One round trip was spent on the lost store: six are left to peek, claim and settle.
      expect(ran.length).toBeGreaterThan(0);
      expect(ran.length).toBeLessThan(6);
      expect(ran).not.toContain("0");
    });

    test("fails while its jobs run, and reports both", async () => {
      const { lost, ran, queues } = onTwoStores();
      for (const queue of queues) await queue.enqueueMany(times(1));
      lost.plan([{ on: "exchange", call: 2, fault: "before" }]);
      const report = await drainQueues(queues, { linger: "1m" });
      expect(report).toMatchObject({ completed: 2, lost: 0, stoppedBy: "aborted" });
      expect(ran).toEqual(["0", "1"]);
    });
  });

  test("stops at the first queue when it is aborted", async () => {
    const { queues, ran } = setUp("a", "b");
    for (const queue of queues) await queue.enqueueMany(times(1));
    expect(await drainQueues(queues, { signal: AbortSignal.abort() })).toMatchObject({
      claimed: 0,
      stoppedBy: "aborted",
    });
    expect(ran).toEqual([]);
  });

  test("lingers until the earliest time of any queue, and no further than its window", async () => {
    const { queues, ran, state } = setUp("a", "b");
    await queues[a]?.enqueue("note", undefined, { delay: "20s" });
    await queues[b]?.enqueue("note", undefined, { delay: "10s" });
    await queues[b]?.enqueue("note", undefined, { delay: "40s" });
    const report = await drainQueues(queues, { timeBudget: "30s", linger: "30s" });
    expect(ran).toEqual(["b", "a"]);
    expect(state.slept).toEqual([10_000, 10_000]);
    expect(report).toMatchObject({
      claimed: 2,
      stoppedBy: "empty",
      nextRunAt: new Date(start + 40_000),
      backlog: false,
    });
  });

  test("names the earliest next run of all queues", async () => {
    const { queues } = setUp("a", "b");
    await queues[a]?.enqueue("note", undefined, { delay: "2h" });
    await queues[b]?.enqueue("note", undefined, { delay: "1h" });
    expect((await drainQueues(queues)).nextRunAt).toEqual(new Date(start + 3_600_000));
  });

  test("reports a backlog for jobs that fell due in an earlier queue meanwhile", async () => {
    const { queues } = setUp("a", "b");
    await queues[a]?.enqueue("note", undefined, { delay: "5s" });
    await queues[b]?.enqueue("note", { takes: 6_000 });
    expect(await drainQueues(queues)).toMatchObject({ claimed: 1, stoppedBy: "empty", backlog: true });
  });
});

/** A store in which each call is billed this many commands. */
function withPrice(store: Store, commands: number): Store {
  return wrapStore(store, (_, run, meter) => {
    if (meter) meter.commands += commands;
    return run();
  });
}
