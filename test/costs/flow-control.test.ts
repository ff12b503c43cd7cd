import { beforeAll, describe, expect, test } from "vitest";
import type { Outcome, QueueStore } from "../../src/core/store/store.ts";
import { createHandler } from "../../src/http/handler.ts";
import { defineJob, type JobContext, Queue } from "../../src/index.ts";
import { clockByHand, start } from "../support/clock.ts";
import { countCommands } from "../support/command-stats.ts";
import { useRedis } from "../support/stores.ts";

// What flow control adds to the cost table of docs/guide/costs.md, counted by Redis itself.

describe("billed commands of jobs with a key", () => {
  const redis = useRedis();
  const work = defineJob({
    name: "work",
    flowControl: { key: (key: string) => key, concurrency: 1_000 },
    perform: () => {},
  });
  const count = async (action: () => Promise<unknown>) => (await countCommands(redis.server.port, action)).commands;

  function setUp() {
    const store = redis.store();
    const clock = clockByHand(start);
    return { clock, store: store.open("default"), queue: new Queue({ store, jobs: [work], clock }) };
  }

  const many = (jobs: number, keys: number) =>
    Array.from({ length: jobs }, (_, index) => ({ job: work, payload: `key-${index % keys}` }));

  async function claimOf(store: QueueStore, settle: readonly Outcome[] = []) {
    const claim = { limit: 100, leaseMs: 60_000 };
    const { jobs } = await store.exchange({ now: start, settle, fire: [], retentionMs: 60_000, claim });
    return jobs.map(({ lease }): Outcome => ({ to: "completed", lease, record: "1:{}" }));
  }

  // Loads the scripts.
  beforeAll(async () => {
    const { queue } = setUp();
    await queue.enqueueMany(many(2, 1));
    await queue.drain();
    await queue.getStats();
  });

  test("enqueueing one job costs 6, and 7 if the line of its key is long", async () => {
    const { queue } = setUp();
    expect(await count(() => queue.enqueue(work, "key"))).toBe(6);
    await queue.enqueueMany(Array.from({ length: 20 }, () => ({ job: work, payload: "key" })));
    expect(await count(() => queue.enqueue(work, "key"))).toBe(7);
  });

  test("a lone job that a tick finds and runs costs 22, and 30 with two steps", async () => {
    const costs: number[] = [];
    for (const steps of [[], ["a", "b"]]) {
      const perform = async (_: string, job: JobContext) => {
        for (const step of steps) await job.step(step, () => {});
      };
      const jobs = [defineJob({ name: "work", flowControl: { key: (key: string) => key, concurrency: 2 }, perform })];
      const invocation = () => new Queue({ store: redis.store("lone-with-key"), jobs, clock: () => start });
      const whole = async () => {
        await invocation().enqueue("work", "key");
        expect(await invocation().drain()).toMatchObject({ completed: 1 });
      };
      await whole(); // the first job of a name and of a key costs more
      costs.push(await count(whole));
    }
    expect(costs).toEqual([22, 30]);
  });

  test("replacing a job costs 8, and 9 if the line of its key is long", async () => {
    const { queue } = setUp();
    const options = { dedupe: { key: "row", ttl: "1h", replace: true }, delay: "1m" } as const;
    await queue.enqueue(work, "key", options);
    expect(await count(() => queue.enqueue(work, "key", { ...options, delay: "2m" }))).toBe(8);
    await queue.enqueueMany(Array.from({ length: 40 }, () => ({ job: work, payload: "key" })));
    expect(await count(() => queue.enqueue(work, "key", { ...options, delay: "3m" }))).toBeLessThanOrEqual(11);
  });

  test.each([1, 10, 100])("enqueueing 100 jobs of %i keys at once costs at most 7", async (keys) => {
    const { queue } = setUp();
    expect(await count(() => queue.enqueueMany(many(100, keys)))).toBeLessThanOrEqual(7);
  });

  test.each([
    [1, 8],
    [10, 6],
    [100, 6],
  ])("claiming 100 jobs of %i keys costs %i", async (keys, commands) => {
    const { queue, store } = setUp();
    await queue.enqueueMany(many(100, keys));
    expect(await count(() => claimOf(store))).toBe(commands);
  });

  test.each([
    [1, 14],
    [10, 17.5],
    [100, 17.5],
  ])("to settle and claim 100 jobs of %i keys with long lines costs %d at most, on average", async (keys, most) => {
    const { queue, store } = setUp();
    const rounds = 16;
    const left = 40 * keys;
    await queue.enqueueMany(many(100 * (rounds + 1) + left, keys));
    let settle = await claimOf(store);
    const commands = await count(async () => {
      for (let round = 0; round < rounds; round++) settle = await claimOf(store, settle);
    });
    expect(commands / rounds).toBeLessThanOrEqual(most);
  });

  test("making a key with a long line of delayed jobs no longer ordered costs at most 9, and so does each claim after it", async () => {
    const { queue, store } = setUp();
    const flowControl = { ordered: true, concurrency: 1 } as const;
    const delayed = { job: work, payload: "key", flowControl, delay: "1h" } as const;
    await queue.enqueueMany(Array.from({ length: 200 }, () => delayed));
    expect(await count(() => queue.flowControl.set("key", { concurrency: 5 }))).toBeLessThanOrEqual(9);
    expect(await count(() => claimOf(store))).toBeLessThanOrEqual(9);
  });

  test("held-back jobs cost nothing: a tick of a queue whose jobs are all held back costs 1", async () => {
    const { queue } = setUp();
    await queue.flowControl.pause("key");
    await queue.enqueueMany(many(100, 1).map((job) => ({ ...job, payload: "key" })));
    await queue.drain();
    expect(await count(() => queue.drain())).toBe(1);
  });

  test("a scrape of metrics costs 4; with keys 1 more, however many there are", async () => {
    const { queue } = setUp();
    const { fetch } = createHandler({ queue, auth: "none" });
    const scrape = (query = "") => count(async () => fetch(new Request(`https://queue.test/metrics${query}`)));
    await scrape("?keys=true"); // Redis knows the scripts from here on.
    expect([await scrape(), await scrape("?keys=true")]).toEqual([4, 5]);
    for (let i = 0; i < 3; i++)
      await queue.enqueueMany(
        Array.from({ length: 1_000 }, (_, index) => ({ job: work, payload: `key-${i}-${index}` })),
      );
    expect((await scrape("?keys=true")) - (await scrape())).toBe(1);
  });

  test("reading a key costs 1, and changing one at most 5", async () => {
    const { queue } = setUp();
    await queue.enqueue(work, "key");
    expect(await count(() => queue.flowControl.get("key"))).toBe(1);
    expect(await count(() => queue.flowControl.pause("key"))).toBeLessThanOrEqual(5);
    expect(await count(() => queue.flowControl.resume("key"))).toBeLessThanOrEqual(5);
  });
});
