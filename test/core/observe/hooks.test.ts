import { describe, expect, test } from "vitest";
import type { AttemptInfo } from "../../../src/core/job/attempt-info.ts";
import { internalsOf } from "../../../src/core/queue/internals.ts";
import { defineJob, type Hooks, memoryStore, Queue, type QueueOptions } from "../../../src/index.ts";
import { faultyStore } from "../../../src/testing/index.ts";
import { clockByHand, start } from "../../support/clock.ts";
import { onMemoryAtLeast } from "../../support/stores.ts";

const names = ["onEnqueue", "onStart", "onStep", "onComplete", "onRetry", "onSnooze", "onDead", "onLost"] as const;

/** Hooks that record their events, and the records. */
function notebook() {
  const reported: [string, object][] = [];
  const hooks: Hooks = Object.fromEntries(
    names.map((name) => [name, (event: object) => void reported.push([name, event])]),
  );
  return {
    reported,
    hooks,
    order: () => reported.map(([name]) => name),
    of: (name: string) => reported.filter(([n]) => n === name),
  };
}

function setUp(options: Partial<QueueOptions> = {}) {
  const clock = clockByHand(start);
  const notes = notebook();
  const queue = new Queue({ store: memoryStore(), clock, random: () => 0.5, hooks: notes.hooks, ...options });
  return { queue, clock, ...notes };
}

const works = defineJob({ name: "works", perform: () => ({ secret: "result" }) });
const problem = new Error("no luck");
const fails = defineJob({
  name: "fails",
  maxRetries: 1,
  perform() {
    throw problem;
  },
});

onMemoryAtLeast((kind) => {
  describe("hooks", () => {
    test("report the enqueue, the start and the end, without payload and result", async () => {
      const takesTime = defineJob({
        name: "takes_time",
        perform(ms: number) {
          clock.now += ms;
        },
      });
      const { queue, clock, reported } = setUp({ store: kind.create(), jobs: [takesTime] });
      const { id } = await queue.enqueue(takesTime, 250);
      clock.now += 1_000;
      await queue.drain();
      const job = { queue: "default", id, name: "takes_time" };
      const attempt = { ...job, attempt: 1, maxRetries: 3, waitedMs: 1_000 };
      expect(reported).toEqual([
        ["onEnqueue", { ...job, status: "enqueued", runAt: new Date(start) }],
        ["onStart", attempt],
        ["onComplete", { ...attempt, ranMs: 250 }],
      ]);
    });

    test("report a retry and a dead job with the thrown value itself", async () => {
      const { queue, clock, reported, order } = setUp({ store: kind.create(), jobs: [fails] });
      const { id } = await queue.enqueue(fails);
      await queue.drain();
      clock.now += 60_500;
      await queue.drain();
      expect(order()).toEqual(["onEnqueue", "onStart", "onRetry", "onStart", "onDead"]);
      const attempt = { queue: "default", id, name: "fails", attempt: 1, maxRetries: 1, waitedMs: 0, ranMs: 0 };
      expect(reported[2]?.[1]).toEqual({ ...attempt, error: problem, runAt: new Date(start + 60_000) });
      expect(reported[2]?.[1]).toHaveProperty(
        "error",
        expect.toSatisfy((error) => error === problem),
      );
      expect(reported[4]?.[1]).toEqual({ ...attempt, attempt: 2, waitedMs: 500, error: problem });
    });

    test("report a snooze", async () => {
      const sleepy = defineJob({ name: "sleepy", perform: (_: undefined, job) => job.snooze("1h") });
      const { queue, of } = setUp({ store: kind.create(), jobs: [sleepy] });
      await queue.enqueue(sleepy);
      await queue.drain();
      expect(of("onSnooze")).toMatchObject([["onSnooze", { name: "sleepy", runAt: new Date(start + 3_600_000) }]]);
    });

    test("report each attempt of a step, without its result, and no step that is stored already", async () => {
      const agent = defineJob({
        name: "agent",
        async perform(_: undefined, job) {
          await job.step("ask", () => {
            clock.now += 250;
            return { secret: "result" };
          });
          await job.sleep("1h");
          await job.step(
            "send",
            () => {
              clock.now += 40;
              throw problem;
            },
            { maxRetries: 1 },
          );
        },
      });
      const { queue, clock, reported, order, of } = setUp({ store: kind.create(), jobs: [agent] });
      const { id } = await queue.enqueue(agent);
      await queue.drain();
      clock.now += 3_600_000;
      await queue.drain();
      clock.now += 60_000;
      await queue.drain();
      expect(order().slice(0, 6)).toEqual(["onEnqueue", "onStart", "onStep", "onSnooze", "onStart", "onStep"]);
      expect(order().slice(6)).toEqual(["onRetry", "onStart", "onStep", "onDead"]);
      const job = { queue: "default", id, name: "agent", maxRetries: 3 };
      const error = { name: "Error", message: "no luck" };
      expect(of("onStep").map(([, event]) => event)).toEqual([
        { ...job, attempt: 1, step: "ask", state: "completed", stepAttempt: 1, ranMs: 250 },
        { ...job, attempt: 1, step: "send", state: "retried", stepAttempt: 1, ranMs: 40, error },
        // The step has ended, and attempts of the job count from there.
        { ...job, attempt: 1, step: "send", state: "failed", stepAttempt: 2, ranMs: 40, error },
      ]);
      expect(reported[3]?.[1]).toMatchObject({ id, attempt: 1, runAt: new Date(start + 3_600_250) });
      expect(JSON.stringify(reported)).not.toContain("secret");
    });

    test("that fail harm no step", async () => {
      const failed: unknown[] = [];
      const hooks: Hooks = {
        onStep: ({ step }) => {
          if (step === "one") throw problem;
          return Promise.reject(problem);
        },
        onError: (error, hook) => failed.push(hook, error),
      };
      const steps = defineJob({
        name: "steps",
        perform: async (_: undefined, job) => [await job.step("one", () => 1), await job.step("two", () => 2)],
      });
      const { queue } = setUp({ store: kind.create(), jobs: [steps], hooks });
      const { id } = await queue.enqueue(steps);
      expect(await queue.drain()).toMatchObject({ completed: 1 });
      expect(await queue.getJob(steps, id)).toMatchObject({ result: [1, 2] });
      expect(failed).toEqual(["onStep", problem, "onStep", problem]);
    });

    test("report outcomes after the store has accepted them", async () => {
      const states: Record<string, unknown> = {};
      const look = (hook: string) => async (event: AttemptInfo) => {
        states[hook] = (await queue.getJob(event.id))?.state;
      };
      const hooks = { onComplete: look("onComplete"), onRetry: look("onRetry"), onDead: look("onDead") };
      const { queue, clock } = setUp({ store: kind.create(), jobs: [works, fails], hooks });
      await queue.enqueueMany([{ job: works }, { job: fails }]);
      await queue.drain();
      clock.now += 60_000;
      await queue.drain();
      expect(states).toEqual({ onComplete: "completed", onRetry: "scheduled", onDead: "dead" });
    });

    test("report an outcome that was lost with its lease as lost only", async () => {
      const store = kind.create();
      const others = setUp({ store });
      const slow = defineJob({
        name: "slow",
        async perform(_: undefined, { attempt }) {
          if (attempt > 1) return;
          clock.now += 120_000;
          others.clock.now = clock.now;
          await others.queue.drain();
          throw problem;
        },
      });
      const { queue, clock, reported, order } = setUp({ store, jobs: [slow] });
      Object.assign(others, setUp({ store, jobs: [slow] }));
      await queue.enqueue(slow);
      expect(await queue.drain()).toMatchObject({ lost: 1 });
      expect(others.order()).toEqual(["onStart", "onComplete"]);
      expect(order()).toEqual(["onEnqueue", "onStart", "onLost"]);
      expect(reported[2]?.[1]).toMatchObject({
        attempt: 1,
        outcome: "retried",
        error: expect.any(Error),
        ranMs: 120_000,
      });
    });

    test("report duplicates, and many jobs in order", async () => {
      const { queue, reported } = setUp({ store: kind.create(), jobs: [works, fails] });
      await queue.enqueue(works, undefined, { id: "one", delay: "1m" });
      await queue.enqueueMany([
        { job: "fails", id: "two" },
        { job: works, id: "one" },
      ]);
      const soon = new Date(start + 60_000);
      expect(reported.map(([, event]) => event)).toEqual([
        { queue: "default", name: "works", id: "one", status: "enqueued", runAt: soon },
        { queue: "default", name: "fails", id: "two", status: "enqueued", runAt: new Date(start) },
        { queue: "default", name: "works", id: "one", status: "duplicate", runAt: soon },
      ]);
    });

    test("report the job of an occurrence once", async () => {
      const { queue, clock, of } = setUp({ store: kind.create(), jobs: [works] });
      await queue.schedules.upsert("hourly", { job: works, cron: "0 0 * * * *" });
      expect(of("onEnqueue")).toEqual([]);
      clock.now += 3_600_000;
      await queue.drain();
      await queue.drain();
      const occurrence = new Date(start + 3_600_000);
      const job = { queue: "default", id: `hourly@${occurrence.toISOString()}`, name: "works" };
      const event = { ...job, status: "enqueued", runAt: occurrence, schedule: { key: "hourly", occurrence } };
      expect(of("onEnqueue")).toEqual([["onEnqueue", event]]);
      expect(of("onComplete")).toHaveLength(1);
    });

    test("report nothing if an occurrence makes no job because the previous one has not finished", async () => {
      const { queue, clock, of } = setUp({ store: kind.create(), jobs: [fails] });
      await queue.schedules.upsert("often", { job: fails, cron: "*/30 * * * * *", overlap: "skip" });
      for (const slot of [1, 2]) {
        clock.now = start + slot * 30_000;
        await queue.drain();
      }
      expect(of("onRetry")).toHaveLength(1);
      expect(of("onEnqueue")).toMatchObject([["onEnqueue", { runAt: new Date(start + 30_000) }]]);
    });

    test("report a job that is leased at enqueue", async () => {
      const { queue, order } = setUp({ store: kind.create(), jobs: [works] });
      const { held } = await internalsOf(queue).enqueueHeld([{ job: works }]);
      await internalsOf(queue).drain({ held });
      expect(order()).toEqual(["onEnqueue", "onStart", "onComplete"]);
    });
  });
});

describe("hooks", () => {
  test("report nothing for a job that was claimed and never started", async () => {
    const stop = new AbortController();
    const stops = defineJob({ name: "stops", perform: () => stop.abort() });
    const { queue, order } = setUp({ jobs: [stops] });
    const { held } = await internalsOf(queue).enqueueHeld([{ job: stops }, { job: stops }]);
    const report = await internalsOf(queue).drain({ held }, { concurrency: 1, signal: stop.signal });
    expect(report).toMatchObject({ completed: 1, released: 1 });
    expect(order()).toEqual(["onEnqueue", "onEnqueue", "onStart", "onComplete"]);
  });

  test("report a job whose invocations died, with its last attempt", async () => {
    const store = faultyStore(memoryStore());
    const { queue, clock, order, reported } = setUp({ store, jobs: [works] });
    await queue.enqueue(works, undefined, { maxRetries: 0 });
    store.plan([{ on: "exchange", call: [2, 3], fault: "before" }]);
    await expect(queue.drain()).rejects.toMatchObject({ code: "store_unavailable" });
    expect(order()).toEqual(["onEnqueue", "onStart"]);
    clock.now += 120_000;
    await queue.drain();
    expect(order()).toEqual(["onEnqueue", "onStart", "onDead"]);
    expect(reported[2]?.[1]).toMatchObject({
      attempt: 1,
      maxRetries: 0,
      ranMs: 0,
      error: { name: "LeaseExpired" },
    });
  });

  test("report an outcome once if settling it took two exchanges", async () => {
    const store = faultyStore(memoryStore(), [{ on: "exchange", call: 2, fault: "after" }]);
    const { queue, of } = setUp({ store, jobs: [works] });
    await queue.enqueue(works);
    await queue.drain();
    expect([...of("onComplete"), ...of("onLost")]).toHaveLength(1);
  });

  test("report nothing for an enqueue that was refused", async () => {
    const { queue, reported } = setUp({ store: faultyStore(memoryStore(), "before"), jobs: [works] });
    await expect(queue.enqueue(works)).rejects.toMatchObject({ code: "store_unavailable" });
    expect(reported).toEqual([]);
  });

  test("report a payload that no longer fits and an unknown name", async () => {
    const store = memoryStore();
    await new Queue({ store, clock: () => start }).enqueueMany([{ job: "works" }, { job: "unknown" }]);
    const strict = defineJob({
      name: "works",
      schema: { "~standard": { version: 1, vendor: "test", validate: () => ({ issues: [{ message: "no" }] }) } },
      perform() {},
    });
    const { queue, reported } = setUp({ store, jobs: [strict] });
    await queue.drain();
    const ends = reported.filter(([name]) => name !== "onStart");
    expect(Object.fromEntries(ends)).toMatchObject({
      onDead: { name: "works", error: { name: "PermanentError" } },
      onRetry: { name: "unknown", error: { message: expect.stringContaining('No job is named "unknown"') } },
    });
  });
});
