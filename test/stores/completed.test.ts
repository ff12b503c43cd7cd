import { afterAll, beforeAll, expect, test } from "vitest";
import { defineJob, Queue } from "../../src/index.ts";
import { keysOf } from "../../src/stores/redis/keys.ts";
import { clockByHand, start } from "../support/clock.ts";
import { openStage, type Stage } from "../support/stage.ts";

// The records of live and completed jobs share a hash. One that has expired leaves the order of completed jobs later.

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

test("clearing completed jobs leaves a live job alone that has the id of one that has expired", async () => {
  const prefix = stage.prefix();
  const clock = clockByHand(start);
  const ran: number[] = [];
  const job = defineJob({ name: "job", perform: (number: number) => void ran.push(number) });
  const queue = new Queue({ store: stage.store(prefix), jobs: [job], clock, retention: "1h" });
  await queue.enqueue(job, 1, { id: "again" });
  await queue.drain();
  clock.now += 3_600_000;
  // Redis would expire it by its own clock.
  await stage.redis.send(["HDEL", keysOf(prefix, "default").jobs, "again"]);
  expect(await queue.enqueue(job, 2, { id: "again" })).toMatchObject({ status: "enqueued" });
  expect((await queue.listJobs({ state: "completed" })).jobs).toEqual([]);
  expect(await queue.clear({ state: "completed" })).toEqual({ cleared: 0 });
  expect(await queue.drain()).toMatchObject({ completed: 1 });
  expect(ran).toEqual([1, 2]);
});
