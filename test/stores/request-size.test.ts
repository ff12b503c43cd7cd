import { describe, expect, test } from "vitest";
import { defineJob, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { useRedis } from "../support/stores.ts";

const redis = useRedis();

describe("one request of at most 10 MB", () => {
  function setUp(result: string) {
    const clock = testClock(start);
    const translate = defineJob({ name: "translate", perform: (_?: string) => result });
    const queue = new Queue({ store: clock.watch(redis.store()), clock, jobs: [translate] });
    const jobs = Array.from({ length: 100 }, () => ({ job: translate }));
    return { clock, translate, queue, jobs };
  }

  test("has room for outcomes of jobs that end together, in any writing system", async () => {
    const { queue, jobs } = setUp("語".repeat(40_000));
    await queue.enqueueMany(jobs);
    expect(await queue.drain({ batchSize: 100, concurrency: 100 })).toMatchObject({ completed: 100, lost: 0 });
  });

  test("has room for outcomes and firing schedules, even if they grow as they are encoded", async () => {
    const { clock, translate, queue, jobs } = setUp("\\".repeat(20_500));
    const recurring = { job: translate, payload: "語".repeat(60_000), cron: "* * * * * *" };
    for (const key of "abcdefgh") await queue.schedules.upsert(key, recurring);
    await queue.enqueueMany(jobs);
    await clock.advance("1s");
    expect(await queue.drain({ batchSize: 108, concurrency: 108, maxJobs: 108 })).toMatchObject({
      completed: 108,
      lost: 0,
    });
  });

  test("has room for a job whose payload and result grow as they are encoded, without the result", async () => {
    const clock = testClock(start);
    const echo = defineJob({ name: "echo", perform: (payload: string) => payload });
    const queue = new Queue({ store: clock.watch(redis.store()), clock, jobs: [echo] });
    const { id } = await queue.enqueue(echo, "\\".repeat(1_600_000));
    expect(await queue.drain()).toMatchObject({ completed: 1, lost: 0 });
    expect(await queue.getJob(id)).toMatchObject({ state: "completed", result: null });
  });
});
