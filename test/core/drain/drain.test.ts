import { describe, expect, test } from "vitest";
import { internalsOf } from "../../../src/core/queue/internals.ts";
import type { Meter } from "../../../src/core/store/meter.ts";
import type { Store } from "../../../src/core/store/store.ts";
import { defineJob, memoryStore, Queue } from "../../../src/index.ts";
import { faultyStore, testClock } from "../../../src/testing/index.ts";
import { aroundStore } from "../../support/around-calls.ts";
import { start } from "../../support/clock.ts";

function setUp() {
  const clock = testClock(start);
  const inner = memoryStore();
  const store = faultyStore(inner);
  /** A job that takes its payload in ms. */
  const takes = defineJob({ name: "takes", timeout: "5m", perform: (ms: number) => clock.sleep(ms) });
  return { clock, inner, store, takes, queue: new Queue({ store, clock, jobs: [takes] }) };
}

describe("a drain", () => {
  test("settles its jobs at the end if the store was unreachable in between", async () => {
    const { clock, store, takes, queue } = setUp();
    await queue.enqueueMany([100, 10_000].map((payload) => ({ job: takes, payload })));
    const drained = queue.drain();
    await clock.advance(500);
    store.plan("before");
    await clock.advance("4s");
    store.plan();
    await clock.advance("6s");
    expect(await drained).toMatchObject({ completed: 2, lost: 0, stoppedBy: "aborted" });
  });

  test("sends nothing after its report if it is aborted during its first read", async () => {
    const abort = new AbortController();
    const calls: string[] = [];
    let answer = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const store = aroundStore(memoryStore(), async ({ method }, run) => {
      const reply = await run();
      calls.push(method);
      if (method === "peek") await answered;
      return reply;
    });
    const beat = defineJob({ name: "beat", schedule: { cron: "* * * * *" }, perform() {} });
    const queue = new Queue({ store, jobs: [beat] });
    const drained = queue.drain({ signal: abort.signal });
    abort.abort();
    expect(await drained).toMatchObject({ claimed: 0, stoppedBy: "aborted" });
    answer();
    await new Promise((resolve) => setImmediate(resolve));
    expect(calls).toEqual(["peek"]);
    expect(await queue.drain({ signal: abort.signal })).toMatchObject({ roundTrips: 0, stoppedBy: "aborted" });
  });

  test("allows no request after its report, so that the report counts them all", async () => {
    const inner = memoryStore();
    const meters: (Meter | undefined)[] = [];
    const store: Store = {
      open(queue, meter) {
        meters.push(meter);
        return inner.open(queue, meter);
      },
    };
    const allows = () => meters.map((meter) => meter?.allows?.(1));
    const seen: unknown[] = [];
    const job = defineJob({ name: "job", perform: () => void seen.push(allows().at(-1)) });
    const queue = new Queue({ store, jobs: [job] });
    await queue.enqueue(job, undefined);
    await queue.drain();
    expect({ during: seen, after: allows().at(-1) }).toEqual({ during: [true], after: false });
  });

  test("claims for all free slots at once, however slow earlier jobs were", async () => {
    const { store, clock } = setUp();
    let together: Promise<void> | undefined;
    const slow = defineJob({
      name: "slow",
      perform() {
        together ??= clock.sleep(10_000).finally(() => {
          together = undefined;
        });
        return together;
      },
    });
    const queue = new Queue({ store, clock, jobs: [slow] });
    await queue.enqueueMany(Array.from({ length: 20 }, () => ({ job: slow })));
    const drained = queue.drain({ concurrency: 10, batchSize: 10, timeBudget: "2m" });
    await clock.advance("41s");
    expect(await drained).toMatchObject({ completed: 20, roundTrips: 3 });
  });

  test("extends the lease of a job whose timeout is longer than its claim expected", async () => {
    const { clock, inner, takes, queue } = setUp();
    const { id } = await queue.enqueue(takes, 1_000, { timeout: "1h" });
    const drained = queue.drain();
    await clock.advance(500);
    const lease = await inner.open(queue.name).find(id, clock.now);
    expect(lease).toMatchObject({ state: "running", at: start + 3_600_000 + 5_000 });
    await clock.advance("1s");
    expect(await drained).toMatchObject({ completed: 1 });
  });

  test("does not shorten a lease if the job extends it by less than is left", async () => {
    const { clock, inner, store } = setUp();
    const brief = defineJob({
      name: "brief",
      perform: (_: undefined, job) => job.extend("1s").then(() => clock.sleep(500)),
    });
    const queue = new Queue({ store, clock, jobs: [brief] });
    const { id } = await queue.enqueue(brief);
    const drained = queue.drain();
    await clock.advance(100);
    const lease = await inner.open(queue.name).find(id, clock.now);
    expect(lease?.at).toBeGreaterThanOrEqual(start + 30_000 + 5_000);
    await clock.advance("1s");
    expect(await drained).toMatchObject({ completed: 1 });
  });

  test("reports when performed jobs are due again, but not released ones", async () => {
    const { clock, store } = setUp();
    const naps = defineJob({
      name: "naps",
      perform: (ms: number, job) => clock.sleep(ms).then(() => job.snooze("1m")),
    });
    const queue = new Queue({ store, clock, jobs: [naps] });
    await queue.enqueueMany([500, 6_000, 6_000].map((payload) => ({ job: naps, payload })));
    const reported: number[] = [];
    const onReturn = (runAt: number) => void reported.push(runAt);
    const drained = internalsOf(queue).drain({ onReturn }, { concurrency: 1, timeBudget: "5s" });
    await clock.advance("7s");
    expect(await drained).toMatchObject({ snoozed: 2, released: 1 });
    expect(reported).toEqual([start + 60_500, start + 66_500]);
  });

  test("releases a job that was leased at enqueue, with its original run time", async () => {
    const { clock, takes, queue } = setUp();
    const { held } = await internalsOf(queue).enqueueHeld([{ job: takes, payload: 0 }]);
    await clock.advance("1s");
    expect(await internalsOf(queue).drain({ held }, { signal: AbortSignal.abort() })).toMatchObject({ released: 1 });
    expect(await queue.getJob(held[0]?.lease.id ?? "")).toMatchObject({ state: "ready", runAt: new Date(start) });
  });

  test("fires no schedule after its time is over, and leaves it due", async () => {
    const { clock, takes, queue } = setUp();
    await queue.schedules.upsert("often", { job: takes, payload: 0, cron: "* * * * * *" });
    await queue.enqueue(takes, 8_000);
    await clock.advance("2s");
    const drained = queue.drain({ concurrency: 1, timeBudget: "5s" });
    await clock.advance("9s");
    expect(await drained).toMatchObject({ completed: 1, rearmed: 0, stoppedBy: "timeBudget", backlog: true });
  });

  test("notices jobs that become due through its own queue while its jobs run", async () => {
    const { clock, takes, queue } = setUp();
    await queue.enqueue(takes, 10_000);
    await queue.schedules.upsert("rarely", { job: takes, payload: 0, cron: "0 0 1 1 *" });
    const drained = queue.drain({ checkEvery: "1h" });
    await clock.advance(500);
    await queue.schedules.run("rarely");
    await clock.advance("2s");
    expect(await queue.getStats()).toMatchObject({ totalProcessed: 1 });
    await queue.schedules.upsert("often", { job: takes, payload: 0, cron: "*/5 * * * * *" });
    await clock.advance("5s");
    expect(await queue.getStats()).toMatchObject({ totalProcessed: 2 });
    await clock.advance("5s");
    await drained;
  });

  test("with checkEvery notices jobs that become due through its own queue while it lingers", async () => {
    const { clock, takes, queue } = setUp();
    await queue.enqueue(takes, 0, { delay: "3s" });
    const drained = queue.drain({ linger: "5s", checkEvery: "500ms" });
    await clock.advance(500);
    const { id } = await queue.enqueue(takes, 0);
    await clock.advance(0);
    expect(await queue.getJob(id)).toMatchObject({ state: "completed" });
    await clock.advance("3s");
    expect(await drained).toMatchObject({ completed: 2, stoppedBy: "empty" });
  });

  test("ends at once if it is aborted while it lingers", async () => {
    const { clock, takes, queue } = setUp();
    await queue.enqueue(takes, 0, { delay: "3s" });
    const stop = new AbortController();
    const drained = queue.drain({ linger: "5s", signal: stop.signal });
    await clock.advance(500);
    stop.abort();
    expect(await drained).toMatchObject({ claimed: 0, stoppedBy: "aborted" });
    expect(clock.now).toBe(start + 500);
  });

  test("polls every checkEvery for jobs of other processes while its jobs run", async () => {
    const { clock, store, takes, queue } = setUp();
    await queue.enqueue(takes, 20_000);
    const drained = queue.drain({ checkEvery: "5s" });
    await clock.advance("1s");
    const { id } = await new Queue({ store, clock, jobs: [takes] }).enqueue(takes, 10_000);
    await clock.advance("4s");
    expect(await queue.getJob(id)).toMatchObject({ state: "running" });
    await clock.advance("15s");
    expect(await drained).toMatchObject({ completed: 2 });
  });

  test("claims ahead no more than it can start in a second at the pace of its jobs", async () => {
    const { clock, takes, queue } = setUp();
    const slow = { job: takes, payload: 20_000 };
    await queue.enqueueMany([{ job: takes, payload: 1_000 }, ...Array(9).fill(slow)]);
    await queue.enqueueMany(Array(100).fill({ ...slow, delay: 500 }));
    const drained = queue.drain({ concurrency: 10, maxJobs: 1_000, timeBudget: "5s" });
    await clock.advance("2s");
    expect(await queue.getStats()).toMatchObject({ runningCount: 9 + 2, readyCount: 98 });
    await clock.advance("20s");
    expect(await drained).toMatchObject({ completed: 11, released: 1 });
  });

  test("settles nothing early if its budget has only the last round trip left", async () => {
    const { clock, takes, queue } = setUp();
    await queue.enqueueMany([1_000, 3_000, 10_000].map((payload) => ({ job: takes, payload })));
    const drained = queue.drain({ budget: { roundTrips: 4 } });
    await clock.advance("11s");
    expect(await drained).toMatchObject({ completed: 3, roundTrips: 4, stoppedBy: "empty" });
  });
});
