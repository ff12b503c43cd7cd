import { describe, expect, test } from "vitest";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { startWorker, type WorkerOptions } from "../../src/platforms/node.ts";
import { faultyStore, testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { onMemoryAtLeast } from "../support/stores.ts";
import { noting, run, setUp, slow } from "./run-worker.ts";

onMemoryAtLeast((kind) => {
  test("performs each job at its time", async () => {
    const clock = testClock(start);
    const { seen, note } = noting(clock);
    const queue = new Queue({ store: clock.watch(kind.create()), clock, jobs: [note] });
    await queue.enqueueMany([0, 7_000, 7_001, 95_000].map((delay) => ({ job: note, delay })));
    const worker = run(queue);
    await clock.advance("2m");
    expect(seen).toEqual([0, 7_000, 7_001, 95_000]);
    expect(await worker.stop()).toMatchObject({ claimed: 4, completed: 4, retried: 0, released: 0, lost: 0 });
  });

  test("asks the store rarely while a key holds all jobs back, and runs them when it lets go", async () => {
    const clock = testClock(start);
    const { seen, note } = noting(clock);
    const store = faultyStore(clock.watch(kind.create()));
    const queue = new Queue({ store, clock, jobs: [note] });
    const flowControl = { key: "api", rate: 1, period: "5m" } as const;
    await queue.enqueueMany(Array(3).fill({ job: note, flowControl }));
    run(queue);
    await clock.advance("1s");
    const before = store.calls.length;
    await clock.advance("4m");
    expect(store.calls.length - before).toBeLessThanOrEqual(30);
    await clock.advance("7m");
    expect(seen).toEqual([0, 300_000, 600_000]);
  });

  test("fires schedules, including those with seconds", async () => {
    const clock = testClock(start);
    const seen: number[] = [];
    const beat = defineJob({
      name: "beat",
      schedule: { cron: "*/20 * * * * *" },
      perform: () => void seen.push(clock.now - start),
    });
    const queue = new Queue({ store: clock.watch(kind.create()), clock, jobs: [beat] });
    await queue.drain();
    run(queue);
    await clock.advance("65s");
    expect(seen).toEqual([20_000, 40_000, 60_000]);
  });

  test("stop releases jobs that have not started, and waits for running ones", async () => {
    const clock = testClock(start);
    const { note } = noting(clock);
    const { job, running } = slow();
    const queue = new Queue({ store: clock.watch(kind.create()), clock, jobs: [note, job] });
    // After the quick ones a drain expects the others to be quick too, and claims ahead.
    await queue.enqueueMany([...Array(2).fill({ job: note }), ...Array(5).fill({ job })]);
    const worker = run(queue, { workers: 2 });
    await clock.advance(0);
    expect(running).toHaveLength(2);
    let hasStopped = false;
    const stopping = worker.stop().finally(() => {
      hasStopped = true;
    });
    await clock.advance("5s");
    expect(hasStopped).toBe(false);
    for (const end of running) end();
    expect(await stopping).toMatchObject({ claimed: 7, completed: 4, released: 3 });
    expect(await worker.done).toBe(await worker.stop());
    expect(await queue.getStats()).toMatchObject({ totalProcessed: 4, readyCount: 3, runningCount: 0 });
    const { jobs } = await queue.listJobs({ state: "ready" });
    expect(jobs.map(({ attempts }) => attempts)).toEqual([0, 0, 0]);
  });
});

describe("startWorker", () => {
  test("polls every 10 seconds for jobs that others have enqueued, with one call each", async () => {
    const { clock, store, seen, note, open } = setUp();
    run(open());
    await clock.advance("59s");
    expect(store.calls.map(({ method }) => method)).toEqual(Array.from({ length: 6 }, () => "peek"));
    await open().enqueue(note);
    await clock.advance("1s");
    expect(seen).toEqual([60_000]);
  });

  test("starts at once what is enqueued through the same queue", async () => {
    const { clock, store, seen, note, open } = setUp();
    const queue = open();
    run(queue, { checkEvery: "1h" });
    await clock.advance("5s");
    await queue.enqueue(note);
    await clock.advance("5s");
    await queue.enqueue(note, undefined, { delay: "3s" });
    await clock.advance("5s");
    await queue.pause();
    await queue.enqueue(note);
    await clock.advance("5s");
    await queue.resume();
    await clock.advance("5s");
    expect(seen).toEqual([5_000, 13_000, 20_000]);
    expect(store.calls.length).toBeLessThan(25);
  });

  test("while a job runs, free workers start jobs that fall due, that are enqueued here, and at the next poll those of others", async () => {
    const { clock, seen, note, slow, running, open } = setUp();
    const queue = open();
    await queue.enqueueMany([{ job: slow }, { job: note, delay: "3s" }]);
    const worker = run(queue, { workers: 2 });
    await clock.advance("5s");
    expect(seen).toEqual([3_000]);
    await queue.enqueue(note);
    await clock.advance("1s");
    expect(seen).toEqual([3_000, 5_000]);
    await open().enqueue(note);
    await clock.advance("10s");
    expect(seen).toEqual([3_000, 5_000, 16_000]);
    expect(worker.totals).toMatchObject({ claimed: 4, completed: 2 });
    for (const end of running) end();
    expect(await worker.stop()).toMatchObject({ claimed: 4, completed: 4 });
  });

  test("polls as often when the clock is set back", async () => {
    const passing = testClock(start);
    let setBackBy = 0;
    const clock = Object.assign(() => passing.now - setBackBy, { sleep: passing.sleep });
    const store = faultyStore(memoryStore());
    run(new Queue({ store, clock }));
    await passing.advance("5s");
    setBackBy = 3_600_000;
    const before = store.calls.length;
    await passing.advance("1m");
    expect(store.calls.length - before).toBe(6);
  });

  test("polls as often as checkEvery says", async () => {
    const { clock, store, open } = setUp();
    run(open(), { checkEvery: "1m" });
    await clock.advance("4m");
    expect(store.calls).toHaveLength(5);
  });

  test("runs as many jobs at a time as it has workers", async () => {
    const { clock, slow, running, open } = setUp();
    const queue = open();
    await queue.enqueueMany(Array.from({ length: 12 }, () => ({ job: slow })));
    run(queue, { workers: 3 });
    await clock.advance(0);
    expect(running).toHaveLength(3);
    running[0]?.();
    await clock.advance(0);
    expect(running).toHaveLength(4);
    const more = open();
    await more.enqueueMany(Array.from({ length: 12 }, () => ({ job: slow })));
    run(more);
    await clock.advance(0);
    expect(running).toHaveLength(14);
    for (let i = 0; i < running.length; i++) {
      running[i]?.();
      await clock.advance(0);
    }
  });

  test("a paused queue is not polled more often", async () => {
    const { clock, store, seen, note, open } = setUp();
    const queue = open();
    await queue.enqueue(note);
    await queue.pause();
    run(queue);
    await clock.advance("1m");
    expect(seen).toEqual([]);
    expect(store.calls.length).toBeLessThan(20);
    await queue.resume();
    await clock.advance("10s");
    expect(seen).toHaveLength(1);
  });

  test("drains several queues in their order", async () => {
    const { clock, running, open } = setUp();
    const order: string[] = [];
    const step = defineJob({ name: "slow", perform: async (_: undefined, { queue }) => void order.push(queue) });
    const store = memoryStore();
    const [urgent, bulk] = ["urgent", "bulk"].map((name) => new Queue({ name, store, clock, jobs: [step] }));
    if (!urgent || !bulk) throw new Error("The queues are missing.");
    await bulk.enqueueMany([{ job: step }, { job: step, delay: "3s" }]);
    await urgent.enqueueMany([{ job: step }, { job: step, delay: "3s" }]);
    run([urgent, bulk]);
    await clock.advance("5s");
    expect(order).toEqual(["urgent", "bulk", "urgent", "bulk"]);
    expect(running).toEqual([]);
    expect(open().name).toBe("default");
  });

  /** A job that takes a second, queues with it on one store, and the names of those in which it ran. */
  function secondLong() {
    const clock = testClock(start);
    const order: string[] = [];
    const step = defineJob({
      name: "step",
      async perform(_: undefined, { queue }) {
        await clock.sleep(1_000);
        order.push(queue);
      },
    });
    const store = memoryStore();
    const open = (name: string) => new Queue({ name, store, clock, jobs: [step] });
    return { clock, order, step, open };
  }

  test("polls the earlier queues again, however much there is to do in a later one", async () => {
    const { clock, order, step, open } = secondLong();
    await open("bulk").enqueueMany(Array.from({ length: 60 }, () => ({ job: step })));
    run([open("urgent"), open("bulk")], { workers: 1 });
    await clock.advance("5s");
    await open("urgent").enqueue(step);
    await clock.advance("15s");
    const ran = [...order];
    await clock.advance("1m");
    expect(ran).toContain("urgent");
  });

  test("polls every queue as often as checkEvery says, whatever the others do", async () => {
    const { clock, order, step, open } = secondLong();
    await open("bulk").enqueue(step);
    run([open("urgent"), open("bulk")]);
    await clock.advance(500);
    await open("urgent").enqueue(step);
    await clock.advance("11s");
    expect(order).toEqual(["bulk", "urgent"]);
  });

  test("free workers start jobs of one queue while a job of another runs", async () => {
    const { clock, seen, note, slow, running, open } = setUp();
    const [urgent, bulk] = [open("urgent"), open("bulk")];
    await bulk.enqueue(slow, undefined, { timeout: "2h" });
    const worker = run([urgent, bulk], { workers: 2 });
    await clock.advance("1s");
    await urgent.enqueue(note);
    await clock.advance("40m");
    await open("urgent").enqueue(note);
    await clock.advance("10s");
    expect(seen).toEqual([1_000, expect.closeTo(2_411_000, -4)]);
    for (const end of running) end();
    expect(await worker.stop()).toMatchObject({ completed: 3, released: 0 });
  });

  test("free workers start jobs while another job runs", async () => {
    const { clock, seen, note, slow: job, running, open } = setUp();
    const queue = open();
    await queue.enqueue(job, undefined, { timeout: "2h" });
    const worker = run(queue, { workers: 2 });
    const due = Array.from({ length: 15 }, (_, index) => (index + 1) * 240_000);
    await queue.enqueueMany(due.map((delay) => ({ job: note, delay })));
    await clock.advance("1h");
    expect(seen).toEqual(due);
    for (const end of running) end();
    expect(await worker.stop()).toMatchObject({ completed: 16, lost: 0 });
  });

  test("a worker that becomes free takes a job of the first queue that has one due", async () => {
    const { clock, order, step, open } = secondLong();
    const [urgent, bulk] = [open("urgent"), open("bulk")];
    await bulk.enqueueMany(Array(12).fill({ job: step }));
    run([urgent, bulk], { workers: 2 });
    await clock.advance("2500ms");
    await urgent.enqueueMany(Array(4).fill({ job: step }));
    await clock.advance("10s");
    expect(order.slice(0, 6)).toEqual(Array(6).fill("bulk"));
    expect(order.slice(6, 10)).toEqual(Array(4).fill("urgent"));
    expect(order.slice(10)).toEqual(Array(6).fill("bulk"));
  });

  test("it runs no more jobs at a time than it has workers, over all queues", async () => {
    const { clock, slow: job, running, open } = setUp();
    const queues = [open("a"), open("b"), open("c")];
    for (const queue of queues) await queue.enqueueMany(Array(4).fill({ job }));
    run(queues, { workers: 3 });
    for (let ended = 0; ended < 12; ended++) {
      await clock.advance(0);
      expect(running.length - ended).toBe(Math.min(3, 12 - ended));
      running[ended]?.();
    }
    await clock.advance("1s");
    for (const queue of queues) expect(await queue.getStats()).toMatchObject({ totalProcessed: 4 });
  });

  test("after the store was unreachable, free workers continue while an earlier job still runs", async () => {
    const { clock, store, seen, note, slow: job, running, open } = setUp();
    const queue = open();
    await queue.enqueueMany([
      { job, timeout: "2h" },
      { job: note, delay: "5s" },
    ]);
    const worker = run(queue, { workers: 2, onError() {} });
    await clock.advance("1s");
    store.plan("before");
    await clock.advance("10s");
    expect(seen).toEqual([]);
    store.plan();
    await clock.advance("40s");
    expect(seen).toHaveLength(1);
    await queue.enqueue(note);
    await clock.advance("1s");
    expect(seen).toHaveLength(2);
    for (const end of running) end();
    await worker.stop();
  });

  test("after a pause, free workers continue while an earlier job still runs", async () => {
    const { clock, seen, note, slow: job, running, open } = setUp();
    const queue = open();
    await queue.enqueueMany([
      { job, timeout: "2h" },
      { job: note, delay: "2m" },
    ]);
    run(queue, { workers: 2 });
    await clock.advance("1s");
    await open().pause();
    await queue.enqueue(note);
    await clock.advance("30s");
    await open().resume();
    await clock.advance("11s");
    expect(seen).toHaveLength(1);
    for (const end of running) end();
  });

  test("a hanging hook holds up no job", async () => {
    const clock = testClock(start);
    const { seen, note } = noting(clock);
    const hooks = { onComplete: () => new Promise<void>(() => {}) };
    const queue = new Queue({ store: memoryStore(), clock, jobs: [note], hooks });
    const worker = run(queue);
    for (let second = 0; second < 5; second++) {
      void queue.enqueue(note);
      await clock.advance("1s");
    }
    expect(seen).toEqual([0, 1_000, 2_000, 3_000, 4_000]);
    const stopped = worker.stop();
    await clock.advance("2s");
    expect(await stopped).toMatchObject({ completed: 5 });
  });

  test("stop does not wait for a store that does not answer, if nothing runs", async () => {
    const { clock, store, open } = setUp();
    store.plan({ delay: "1h" });
    const worker = run(open());
    await clock.advance("5s");
    expect(await worker.stop()).toMatchObject({ claimed: 0 });
  });

  test("stops when its signal is aborted, and does not start if it already is", async () => {
    const { clock, store, open } = setUp();
    const controller = new AbortController();
    const worker = run(open(), { signal: controller.signal });
    await clock.advance("5s");
    controller.abort();
    expect(await worker.done).toMatchObject({ claimed: 0, drains: 1 });
    const calls = store.calls.length;
    await run(open(), { signal: controller.signal }).done;
    expect(store.calls).toHaveLength(calls);
  });

  test("listens for process signals only if asked, and only while it runs", async () => {
    const { open } = setUp();
    const count = () => process.listenerCount("SIGTERM") + process.listenerCount("SIGINT");
    const before = count();
    const plain = run(open());
    expect(count()).toBe(before);
    const worker = run(open(), { handleSignals: true });
    expect(count()).toBe(before + 2);
    await Promise.all([plain.stop(), worker.stop()]);
    expect(count()).toBe(before);
  });

  test.each([
    [{ workers: 0 }, "workers must be a whole number"],
    [{ workers: 1.5 }, "workers must be a whole number"],
    [{ checkEvery: "soon" }, "checkEvery must be a duration"],
    [{ checkEvery: 99 }, "checkEvery must be at least"],
    [{ batchSize: 1_001 }, "batchSize must be a whole number"],
    [{ signal: {} }, "signal must be an AbortSignal"],
  ])("refuses %j", (options, message) => {
    const { open } = setUp();
    expect(() => startWorker(open(), options as WorkerOptions)).toThrow(message);
    expect(() => startWorker([])).toThrow("at least one queue");
  });
});
