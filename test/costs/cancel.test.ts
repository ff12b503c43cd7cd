import { expect, test } from "vitest";
import type { Lease } from "../../src/core/store/store.ts";
import { defineJob, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start as now } from "../support/clock.ts";
import { countCommands } from "../support/command-stats.ts";
import { exchange, job } from "../support/store-trials.ts";
import { useRedis } from "../support/stores.ts";

const redis = useRedis();

test("long-running jobs cost 2 each time that their drain checks on them, and nothing without observe", async () => {
  const spent = async (ms: number, observe = true) => {
    const clock = testClock(now);
    const runs = defineJob({ name: "runs", timeout: "2h", perform: () => clock.sleep(ms) });
    const queue = new Queue({ observe, store: clock.watch(redis.store()), clock, jobs: [runs], random: () => 0.5 });
    await queue.enqueueMany([{ job: runs }, { job: runs }, { job: runs }]);
    return countCommands(redis.server.port, async () => {
      const drained = queue.drain();
      await clock.advance(ms);
      expect(await drained).toMatchObject({ completed: 3 });
    });
  };
  await spent(16_000);
  const [quick, long] = [await spent(14_000), await spent(61_000)];
  expect(long.commands - quick.commands).toBe(4 * 2);
  expect((await spent(3_600_000)).commands - quick.commands).toBe(22 * 2);
  expect(await spent(61_000, false)).toEqual(await spent(14_000, false));
});

test("to watch for running jobs that are cancelled costs no command", async () => {
  const settle = async (watches: boolean) => {
    const store = redis.store().open("default");
    const jobs = Array.from({ length: 150 }, (_, index) => job(`job-${index}`, { leaseEndsAt: now + 60_000 }));
    const [lease, ...watch] = (await store.enqueue(jobs, now)).flatMap(({ lease }) => lease ?? []) as [
      Lease,
      ...Lease[],
    ];
    await store.cancel(["job-7"], now, true);
    const outcome = { to: "completed" as const, lease, record: "1:{}" };
    const request = { ...exchange, settle: [outcome], ...(watches && { watch }) };
    return countCommands(redis.server.port, () => store.settle(request));
  };
  await settle(true);
  const [watching, not] = [await settle(true), await settle(false)];
  expect(watching.result).toMatchObject({ settled: [true], gone: ["job-7"] });
  expect(watching.commands).toBe(not.commands);
});
