import { expect, test } from "vitest";
import { paceText } from "../../src/core/manage/pace.ts";
import { sumOfStats } from "../../src/core/manage/stats.ts";
import { defineJob, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { clockByHand, start } from "../support/clock.ts";
import { onEachKindOfStore } from "../support/stores.ts";

const minute = 60_000;

onEachKindOfStore((kind) => {
  function setUp() {
    const clock = clockByHand(start);
    const works = defineJob({ name: "works", perform: () => {} });
    const fails = defineJob({
      name: "fails",
      maxRetries: 1,
      backoff: { base: "1h" },
      perform: () => Promise.reject(new Error("no luck")),
    });
    const store = kind.create();
    const open = (name = "default") => new Queue({ name, store, clock, jobs: [works, fails], logger: null });
    const queue = open();
    const paceNow = async () => (await queue.getStats()).pace;
    const enqueue = (count: number, options = {}) =>
      queue.enqueueMany(Array.from({ length: count }, () => ({ job: works, ...options })));
    /** Enqueues and drains so many jobs in each of some minutes. */
    const minutes = async (count: number, enqueued: number, drained: number) => {
      for (let i = 0; i < count; i++) {
        if (enqueued > 0) await enqueue(enqueued);
        if (drained > 0) await queue.drain({ maxJobs: drained });
        clock.now += minute;
      }
    };
    return { clock, fails, open, queue, paceNow, enqueue, minutes };
  }

  test("the pace says what fell due and what left in each of the last five minutes, and when nothing will be ready", async () => {
    const { paceNow, minutes } = setUp();
    expect(await paceNow()).toEqual({ arrivals: 0, departures: 0, emptyInMs: 0 });
    await minutes(7, 45, 30);
    expect(await paceNow()).toEqual({ arrivals: 45, departures: 30, emptyInMs: null });
    await minutes(5, 10, 25);
    expect(await paceNow()).toEqual({ arrivals: 10, departures: 25, emptyInMs: 2 * minute });
    await minutes(5, 10, 50);
    expect(await paceNow()).toEqual({ arrivals: 10, departures: 16, emptyInMs: 0 });
    await minutes(6, 0, 0);
    expect(await paceNow()).toEqual({ arrivals: 0, departures: 0, emptyInMs: 0 });
  });

  test("a queue younger than five minutes has the pace of the minutes since its first, and an older one is averaged over all five", async () => {
    const { clock, paceNow, minutes } = setUp();
    const paces = async () => {
      const found = [];
      for (let i = 0; i < 6; i++) {
        await minutes(1, 45, 30);
        found.push(await paceNow());
      }
      return found.map(({ arrivals, departures }) => `${arrivals} in, ${departures} out`);
    };
    expect(await paces()).toEqual(Array(6).fill("45 in, 30 out"));
    await minutes(9, 0, 90);
    // Longer ago than minutes are kept.
    clock.now += 120 * minute;
    expect(await paces()).toEqual([
      ...["9 in, 6 out", "18 in, 12 out", "27 in, 18 out"],
      ...["36 in, 24 out", "45 in, 30 out", "45 in, 30 out"],
    ]);
  });

  test("a queue with no more than a minute's work keeps up, whatever its last five minutes say", async () => {
    const { queue, enqueue, minutes } = setUp();
    const paceNow = async () => paceText(await queue.getStats(), String, String);
    await minutes(5, 30, 30);
    await minutes(1, 35, 30);
    expect(await paceNow()).toBe("keeps up (30 jobs a minute)");
    await enqueue(30);
    await minutes(1, 0, 0);
    expect(await paceNow()).toBe("grows by 7 a minute (in 31, out 24 on average)");
    await minutes(1, 0, 20);
    expect(await paceNow()).toBe("keeps up (22 jobs a minute)");
  });

  test("what a burst has left shrinks two minutes later, and no average says that it grows", async () => {
    const { queue, enqueue, minutes, open } = setUp();
    const paceNow = async () => paceText(await queue.getStats(), String, String);
    await enqueue(600);
    await minutes(1, 0, 20);
    expect(await paceNow()).toBe("grows by 580 a minute (in 600, out 20 on average)");
    await minutes(2, 10, 30);
    const emptyInMs = (540 * 60_000) / 20;
    expect(await paceNow()).toBe(`empty in ${emptyInMs} (shrinks by 20 a minute)`);
    // All are empty when the last is, unless one is not.
    const all = async () => sumOfStats([await queue.getStats(), await open("other").getStats()]).pace.emptyInMs;
    expect(await all()).toBe(emptyInMs);
    await open("other").enqueue("works");
    expect(await all()).toBe(null);
    await minutes(2, 30, 10);
    expect(await paceNow()).toMatch(/^grows by /);
  });

  test("a queue that nobody drains grows, if it has been drained before or not", async () => {
    const { paceNow, minutes } = setUp();
    await minutes(2, 10, 0);
    expect(await paceNow()).toEqual({ arrivals: 10, departures: 0, emptyInMs: null });
    await minutes(1, 0, 20);
    await minutes(7, 10, 0);
    expect(await paceNow()).toEqual({ arrivals: 10, departures: 0, emptyInMs: null });
  });

  test("a job arrives when it falls due, and leaves to wait for its retry", async () => {
    const { clock, fails, queue, paceNow, enqueue } = setUp();
    await enqueue(20, { delay: "7d" });
    await queue.enqueue(fails);
    await queue.drain();
    clock.now += minute;
    expect(await paceNow()).toEqual({ arrivals: 1, departures: 1, emptyInMs: 0 });
    clock.now += 60 * minute;
    expect(await paceNow()).toEqual({ arrivals: 0.2, departures: 0, emptyInMs: null });
    await queue.drain();
    clock.now += 7 * 24 * 60 * minute - 61 * minute;
    expect(await paceNow()).toEqual({ arrivals: 0, departures: 0, emptyInMs: null });
    clock.now += minute;
    expect(await paceNow()).toEqual({ arrivals: 4, departures: 0, emptyInMs: null });
  });

  test("jobs that their key holds back make the queue grow", async () => {
    const { queue, clock, paceNow, enqueue } = setUp();
    await queue.flowControl.set("acme", { concurrency: 1, rate: 1, period: "1m" });
    for (let i = 0; i < 7; i++) {
      await enqueue(4, { flowControl: { key: "acme" } });
      await queue.drain();
      clock.now += minute;
    }
    expect(await paceNow()).toEqual({ arrivals: 4, departures: 1, emptyInMs: null });
  });

  test("jobs that run for minutes count as they come and go", async () => {
    const clock = testClock(start);
    let started = () => {};
    let running = 0;
    const long = defineJob({
      name: "long",
      timeout: "10m",
      perform() {
        if (++running % 10 === 0) started();
        return clock.sleep(4 * minute);
      },
    });
    const queue = new Queue({ store: kind.create(), clock, jobs: [long] });
    const drains: Promise<unknown>[] = [];
    for (let i = 0; i < 12; i++) {
      await queue.enqueueMany(Array.from({ length: 10 }, () => ({ job: long })));
      const allStarted = new Promise<void>((resolve) => {
        started = resolve;
      });
      drains.push(queue.drain({ maxJobs: 10, timeBudget: "8m" }));
      await allStarted;
      await clock.advance("1m");
      await drains[i - 3];
    }
    expect((await queue.getStats()).pace).toEqual({ arrivals: 10, departures: 10, emptyInMs: 0 });
    await clock.advance("5m");
    await Promise.all(drains);
  });

  test("several queues together have one pace", async () => {
    const { clock, open, queue, minutes } = setUp();
    await open("other").enqueue("works");
    await minutes(1, 10, 15);
    clock.now += minute;
    const all = sumOfStats([await queue.getStats(), await open("other").getStats()]);
    expect(all.pace).toEqual({ arrivals: 5.5, departures: 5, emptyInMs: null });
  });
});
