import { beforeAll, describe, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { type AnyJob, defineJob, Queue } from "../../src/index.ts";
import { clockByHand, start } from "../support/clock.ts";
import { countCommands } from "../support/command-stats.ts";
import { useRedis } from "../support/stores.ts";

// What docs/guide/costs.md says of `job.enqueue`, counted by Redis itself.

describe("billed commands of job.enqueue", () => {
  const redis = useRedis();
  const noop = defineJob({ name: "noop", perform: () => {} });
  const keyed = defineJob({ name: "keyed", flowControl: { key: "k", concurrency: 1 }, perform: () => {} });
  /** Enqueues so many jobs, which run later. */
  const parent = defineJob({
    name: "parent",
    perform: ({ count, name = "noop" }: { count: number; name?: string }, job) => {
      for (let i = 0; i < count; i++) job.enqueue(name, undefined, { delay: "1h" });
    },
  });

  /** Enqueues so many jobs in all: one that waits for the others. */
  const family = defineJob({
    name: "family",
    perform: ({ count, name = "noop" }: { count: number; name?: string }, job) => {
      const children = Array.from({ length: count - 1 }, () => ({ job: name, delay: "1h" as const }));
      job.enqueue(noop, undefined, { children });
    },
  });

  function setUp() {
    const queue = new Queue({ store: redis.store(), jobs: [noop, keyed, parent, family], clock: clockByHand(start) });
    const drained = async (jobs: number, payload: { count: number; name?: string }, job: AnyJob = parent) => {
      await queue.enqueueMany(Array.from({ length: jobs }, () => ({ job, payload })));
      const { commands } = await countCommands(redis.server.port, () =>
        queue.drain({ concurrency: 100, batchSize: 100 }),
      );
      return commands;
    };
    return { queue, drained };
  }

  beforeAll(async () => {
    await setUp().drained(1, { count: 1, name: "keyed" });
  });

  test("any number of jobs up to a thousand costs 2 more in the exchange that stores them", async () => {
    const { drained } = setUp();
    await drained(1, { count: 0 });
    const lone = await drained(1, { count: 0 });
    expect((await drained(1, { count: 1 })) - lone).toBe(2);
    expect((await drained(1, { count: 200 })) - lone).toBe(2);
    const hundred = await drained(100, { count: 0 });
    expect((await drained(100, { count: 1 })) - hundred).toBe(2);
    expect((await drained(100, { count: 10 })) - hundred).toBe(2);
  });

  test.each([
    ["a family of 2", 1, 2],
    ["a family of 1,000", 1, 1_000],
    ["100 families of 10", 100, 10],
    ["a family of 100 with a flow control key", 1, 100, "keyed"],
  ])("%s costs 1 more than as many jobs", async (_, jobs, count, name = "noop") => {
    const { drained } = setUp();
    // The metrics of each name get their place.
    for (const job of [parent, family]) await drained(1, { count: 1, name }, job);
    const plain = await drained(jobs, { count, name });
    expect((await drained(jobs, { count, name }, family)) - plain).toBe(1);
  });

  test("a lone job that runs right after it is enqueued costs 2 more too", async () => {
    const { queue } = setUp();
    const eager = async (count: number) => {
      const { commands } = await countCommands(redis.server.port, async () => {
        const { held } = await internalsOf(queue).enqueueHeld([{ job: parent, payload: { count } }]);
        await internalsOf(queue).drain({ held, heldOnly: true });
      });
      return commands;
    };
    await eager(0);
    expect((await eager(1)) - (await eager(0))).toBe(2);
  });

  test("jobs with a flow control key cost 3 more", async () => {
    const { drained } = setUp();
    await drained(1, { count: 0 });
    const plain = await drained(1, { count: 3 });
    expect((await drained(1, { count: 3, name: "keyed" })) - plain).toBe(3);
  });

  test("a step of a chain takes one exchange, which stores it and claims it", async () => {
    const step = defineJob({
      name: "step",
      async perform(left: number, job) {
        await new Promise((resolve) => setImmediate(resolve));
        if (left > 0) job.enqueue("step", left - 1);
      },
    });
    const queue = new Queue({ store: redis.store(), jobs: [step], clock: clockByHand(start) });
    const roundTrips: number[] = [];
    for (const left of [0, 10]) {
      await queue.enqueue(step, left);
      roundTrips.push((await queue.drain()).roundTrips);
    }
    const [one = 0, eleven = 0] = roundTrips;
    expect(eleven - one).toBe(10);
  });
});
