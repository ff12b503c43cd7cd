import { describe, expect, test } from "vitest";
import { defineJob, memoryStore, Queue, type Tracing } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { setUp } from "./recorder.ts";

describe("a tracing that fails", () => {
  const oops = () => Promise.reject(new Error("oops"));
  const throws = () => {
    throw new Error("oops");
  };

  test.for<[string, Tracing]>([
    ["at once", { enqueue: throws, attempt: throws, flush: throws }],
    ["later", { enqueue: oops, attempt: oops, flush: oops }],
    ["after the work", { enqueue: (_, enqueue) => enqueue().then(oops), attempt: (_, make) => make().then(oops) }],
    ["by doing nothing", { enqueue: async () => {}, attempt: async () => {} }],
    [
      "by working twice",
      { enqueue: (_, enqueue) => enqueue().then(() => enqueue()), attempt: (_, make) => make().then(() => make()) },
    ],
  ])("%s harms no job", async ([, broken]) => {
    let runs = 0;
    const count = defineJob({ name: "count", perform: () => ++runs });
    const { queue } = setUp({ jobs: [count], tracing: broken });
    const { id } = await queue.enqueue(count);
    expect(await queue.drain()).toMatchObject({ claimed: 1, completed: 1 });
    expect(runs).toBe(1);
    expect(await queue.getJob(id)).toMatchObject({ state: "completed" });
    await expect(queue.enqueue("unknown")).rejects.toMatchObject({ code: "invalid_request" });
  });

  const works: Tracing = { enqueue: (_, enqueue) => enqueue(), attempt: (_, make) => make() };

  test.for<[string, Tracing["step"]]>([
    ["at once", throws],
    ["later", oops],
    ["after the step", (_, run) => run().then(oops)],
    ["by doing nothing", async () => {}],
    ["by running it twice", (_, run) => run().then(run)],
    ["by not being there", undefined],
  ])("%s harms no step", async ([, step]) => {
    const ran: string[] = [];
    const steps = defineJob({
      name: "steps",
      maxRetries: 1,
      async perform(_: undefined, job) {
        const one = await job.step("one", () => ran.push("one"));
        return job.step("two", ({ attempt }) => {
          ran.push("two");
          if (attempt === 1) throw new Error("no luck");
          return one;
        });
      },
    });
    const { queue, clock } = setUp({ jobs: [steps], tracing: { ...works, ...(step && { step }) } });
    const { id } = await queue.enqueue(steps);
    expect(await queue.drain()).toMatchObject({ retried: 1 });
    await clock.advance("60s");
    expect(await queue.drain()).toMatchObject({ completed: 1 });
    expect(ran).toEqual(["one", "two", "two"]);
    expect(await queue.getJob(steps, id)).toMatchObject({ state: "completed", result: 1 });
  });

  const never = () => new Promise<never>(() => {});

  test.for<[string, NonNullable<Tracing["step"]>, number]>([
    ["before a step", never, 1_000],
    ["after it", (_, run) => run().then(never), 0],
  ])("that hangs %s holds up the job for %3$s ms", async ([, step, delayMs]) => {
    const clock = testClock(start);
    const ranAt: number[] = [];
    const steps = defineJob({
      name: "steps",
      async perform(_: undefined, job) {
        for (const name of ["one", "two"])
          await job.step(name, () => ranAt.push(clock.now - start), { timeout: "30s" });
      },
    });
    const queue = new Queue({ store: memoryStore(), jobs: [steps], clock, tracing: { ...works, step } });
    await queue.enqueue(steps);
    const drained = queue.drain();
    await clock.advance("3s");
    expect(await drained).toMatchObject({ completed: 1 });
    expect(ranAt).toEqual([delayMs, delayMs]);
  });

  test.for<[string, Tracing, number]>([
    ["before the work", { enqueue: never, attempt: never }, 1_000],
    ["after it", { enqueue: (_, enqueue) => enqueue().then(never), attempt: (_, make) => make().then(never) }, 0],
    ["when it sends", { enqueue: (_, enqueue) => enqueue(), attempt: (_, make) => make(), flush: never }, 0],
  ])(
    "that hangs %s holds up its jobs for %3$s ms, and the end by at most two seconds",
    async ([, hanging, delayMs]) => {
      const clock = testClock(start);
      const ranAt: number[] = [];
      const note = defineJob({ name: "note", perform: () => void ranAt.push(clock.now - start - 5_000) });
      const queue = new Queue({ store: memoryStore(), jobs: [note], clock, tracing: hanging });
      const enqueued = queue.enqueueMany(Array.from({ length: 3 }, () => ({ job: note })));
      await clock.advance("2s");
      await enqueued;
      await clock.set(start + 5_000);
      const drained = queue.drain({ concurrency: 1 });
      await clock.advance("1s");
      await clock.advance("2s");
      expect(await drained).toMatchObject({ completed: 3 });
      expect(ranAt).toEqual([delayMs, delayMs, delayMs]);
    },
  );

  test("and hangs still flushes the spans of other jobs", async () => {
    const clock = testClock(start);
    const sentAt: number[] = [];
    const note = defineJob({ name: "note", perform() {} });
    const queue = new Queue({
      store: memoryStore(),
      jobs: [note],
      clock,
      tracing: {
        enqueue: (_, enqueue) => enqueue(),
        attempt: (_, make) => make().then(never),
        flush: async () => sentAt.push(clock.now - start),
      },
    });
    await queue.enqueue(note);
    const drained = queue.drain();
    await clock.advance("1s");
    await drained;
    expect(sentAt).toEqual([1_000]);
  });

  test("and is invalid is refused", () => {
    expect(() => setUp({ tracing: {} as Tracing })).toThrow(
      "tracing must be an object from tracing() of tidegate/telemetry",
    );
  });
});
