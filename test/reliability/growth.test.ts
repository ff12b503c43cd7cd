import { afterAll, beforeAll, expect, test } from "vitest";
import { defineJob, Queue } from "../../src/index.ts";
import { clockByHand, start } from "../support/clock.ts";
import { keyBreaches } from "../support/invariants.ts";
import { openStage, type Stage } from "../support/stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

test("a queue that is empty again leaves only its metrics and a mark, which do not grow", async () => {
  const prefix = stage.prefix();
  const metrics = `${prefix}:{default}:stats`;
  const clock = clockByHand(start);
  const work = defineJob({
    name: "work",
    maxRetries: 1,
    perform(behaviour: string, job) {
      if (behaviour === "fail" && job.attempt === 1) throw new Error("no luck");
      if (behaviour === "die") throw new Error("no luck, ever");
      return behaviour === "snooze" && job.attempt === 1 && clock.now % 2 === 0 ? job.snooze("1s") : undefined;
    },
  });
  const queue = new Queue({ store: stage.store(prefix), jobs: [work], clock, retention: 0 });

  async function cycle(): Promise<void> {
    const behaviours = ["succeed", "fail", "die", "snooze"];
    await queue.enqueueMany(
      Array.from({ length: 400 }, (_, index) => ({ job: work, payload: behaviours[index % behaviours.length] ?? "" })),
    );
    await queue.enqueueMany(
      Array.from({ length: 100 }, (_, index) => ({
        job: work,
        payload: "succeed",
        dedupe: { key: `${clock.now} ${index}`, ttl: 1 },
      })),
    );
    await queue.schedules.upsert("minutely", { job: work, payload: "succeed", cron: "0 * * * * *" });
    for (let minute = 0; minute < 5; minute++) {
      await queue.drain({ maxJobs: 1_000 });
      clock.now += 60_001;
    }
    await queue.schedules.remove("minutely");
    await queue.enqueueMany([{ job: work, payload: "succeed", delay: "1h" }]);
    await queue.clear();
    await queue.removeFromDeadLetter({ all: true });
    expect(await keyBreaches(stage.redis, prefix)).toEqual([]);
    // Ended windows expire by the clock of Redis.
    await expect.poll(() => stage.redis.send(["EXISTS", `${prefix}:{default}:dedupe`])).toBe(0);
    const left = (await stage.redis.send(["KEYS", `${prefix}:*`])) as string[];
    expect(left.filter((key) => key !== metrics).sort()).toEqual([`${prefix}:{default}:due`, `${metrics}:recent`]);
    expect(await stage.redis.send(["ZRANGE", `${prefix}:{default}:due`, 0, -1])).toEqual([" used"]);
    expect(await stage.redis.send(["STRLEN", metrics])).toBeLessThan(2_000);
    expect(await stage.redis.send(["STRLEN", `${metrics}:recent`])).toBeLessThan(4_000);
  }

  for (let times = 0; times < 6; times++) await cycle();
  expect(await queue.getStats()).toMatchObject({ pendingCount: 0, runningCount: 0, deadLetterCount: 0 });
});

test("metrics do not grow after an invocation whose clock is a year ahead", async () => {
  const prefix = stage.prefix();
  const clock = clockByHand(start);
  const work = defineJob({ name: "work", perform() {} });
  const open = (aheadMs: number) =>
    new Queue({ store: stage.store(prefix), jobs: [work], clock: () => clock.now + aheadMs });
  const [queue, ahead] = [open(0), open(365 * 86_400_000)];
  await ahead.enqueue(work);
  await ahead.drain();
  for (let hour = 0; hour < 48 * 24; hour += 2) {
    clock.now += 2 * 3_600_000;
    await queue.enqueue(work);
    await queue.drain();
  }
  expect(await stage.redis.send(["STRLEN", `${prefix}:{default}:stats`])).toBeLessThan(8_000);
});
