import { beforeAll, describe, expect, test } from "vitest";
import { defineJob, type EnqueueOptions, type JobContext, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { countCommands } from "../support/command-stats.ts";
import { useRedis } from "../support/stores.ts";

const hour = 3_600_000;

describe("billed commands of steps", () => {
  const redis = useRedis();

  /** What a job costs from its enqueue to its end, with all drains, and what signals cost. */
  async function setUp(perform: (job: JobContext, index: number) => unknown) {
    const clock = testClock(start);
    const job = defineJob({ name: "job", perform: (index: number, context) => perform(context, index) });
    const queue = new Queue({ store: redis.store(), clock, jobs: [job], random: () => 0.5, logger: null });
    const count = async (action: () => Promise<unknown>) => (await countCommands(redis.server.port, action)).commands;
    const enqueue = (jobs = 1) =>
      queue.enqueueMany(Array.from({ length: jobs }, (_, index) => ({ job, payload: index })));
    const drain = () => queue.drain({ concurrency: 100 });
    return { clock, queue, count, enqueue, drain };
  }

  const ofLone = async (perform: (job: JobContext, index: number) => unknown) => {
    const { enqueue, drain, count } = await setUp(perform);
    await enqueue();
    return count(drain);
  };

  // Loads the scripts.
  beforeAll(async () => {
    const { queue, enqueue, drain } = await setUp(async (context) => {
      await context.step("a", () => 1);
      await context.waitFor("load", { timeout: "1h" });
    });
    await enqueue();
    await drain();
    await queue.signal("load");
    await drain();
  });

  test("a step costs 4, and a job without steps what it did", async () => {
    const without = await ofLone(() => {});
    const one = await ofLone((job) => job.step("a", () => 1));
    const ten = await ofLone(async (job) => {
      for (let index = 0; index < 10; index++) await job.step(`step-${index}`, () => index);
    });
    expect([one - without, ten - without]).toEqual([4, 40]);
  });

  test("a step of a job whose time is half over costs no more, though it moves the lease further", async () => {
    const { clock, enqueue, drain, count } = await setUp(async (job) => {
      await job.step("a", () => clock.sleep?.(28_000));
    });
    await enqueue();
    const without = await ofLone(() => {});
    const spent = count(async () => {
      const drained = drain();
      await clock.advance(28_000);
      await drained;
    });
    // After 15 s, each job is checked for 2.
    expect((await spent) - 2 - without).toBe(4);
  });

  test("steps that end together share a request: 0.3 a step for 100 jobs with 10 steps each", async () => {
    const { enqueue, drain, count } = await setUp(async (job) => {
      for (let index = 0; index < 10; index++) await job.step(`step-${index}`, () => index);
    });
    await enqueue(100);
    const without = await setUp(() => {});
    await without.enqueue(100);
    const spent = (await count(drain)) - (await count(without.drain));
    expect(spent / 1_000).toBeLessThanOrEqual(0.3);
  });

  test("a sleep costs 11, with a flow control key it costs 16; a wait costs 12, with a key it costs 17", async () => {
    /** What a job costs that pauses, in invocations that know nothing of each other. */
    const costOf = async (pause: (job: JobContext) => Promise<unknown>, options: EnqueueOptions) => {
      const clock = testClock(start);
      const job = defineJob({ name: "job", perform: async (_: undefined, context) => void (await pause(context)) });
      const store = redis.store();
      const invocation = () => new Queue({ store, clock, jobs: [job], random: () => 0.5, logger: null });
      const drain = async () => {
        const { result, commands } = await countCommands(redis.server.port, () => invocation().drain());
        return result.claimed === 0 ? 0 : commands;
      };
      await invocation().enqueue(job, undefined, options);
      const there = await drain();
      await invocation().signal("a");
      await clock.advance(hour);
      return there + (await drain());
    };
    const costs: number[] = [];
    for (const options of [{}, { flowControl: { key: "a", concurrency: 1 } }]) {
      const without = await costOf(async () => {}, options);
      costs.push((await costOf((job) => job.sleep("1h"), options)) - without);
      costs.push((await costOf((job) => job.waitFor("a", { timeout: "7d" }), options)) - without);
    }
    expect(costs).toEqual([11, 12, 16, 17]);
  });

  test("a signal costs 8, whether it wakes one job or 100, and 4 if it is kept", async () => {
    const { queue, enqueue, drain, count } = await setUp((job, index) =>
      job.waitFor(index === 0 ? "one" : "many", { timeout: "7d" }),
    );
    await enqueue(101);
    await drain();
    expect(await count(() => queue.signal("one"))).toBe(8);
    expect(await count(() => queue.signal("many"))).toBe(8);
    expect(await count(() => queue.signal("nobody"))).toBe(4);
  });
});
