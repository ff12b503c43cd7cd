import { expect, test } from "vitest";
import { defineJob, Queue, type Store } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { countCommands } from "../support/command-stats.ts";
import { useRedis } from "../support/stores.ts";

// How far the commands that a queue reports of itself are from those that Redis has counted.

const redis = useRedis();
const send = defineJob({ name: "send_email", perform(_: { to?: string }) {} });

function setUp() {
  const clock = testClock(start);
  const store = redis.store();
  const open = (by: Store = store) => new Queue({ store: by, jobs: [send], clock, logger: null });
  return { clock, store, open };
}

const many = (count: number) => Array.from({ length: count }, () => ({ job: send, payload: {} }));

/** Has two isolates enqueue and drain. Returns what Redis has counted beside, and what the queue says. */
async function spend(count: number) {
  const { open } = setUp();
  await open().drain();
  const { commands } = await countCommands(redis.server.port, async () => {
    for (const isolate of [open(), open()]) {
      await isolate.enqueueMany(many(count));
      expect(await isolate.drain({ maxJobs: 1_000 })).toMatchObject({ completed: count });
    }
  });
  const { commandsToday } = await open().getStats();
  return { commands, commandsToday };
}

test.each([1, 50, 400])("of two isolates with %i jobs each, all but the last checks are reported", async (count) => {
  const { commands, commandsToday } = await spend(count);
  expect(commandsToday).toBeLessThanOrEqual(commands);
  expect(commands - commandsToday).toBeLessThanOrEqual(2 * 4);
});

test("what was reported once is not reported again, and what an idle drain spends is reported with the next job", async () => {
  const { open, clock } = setUp();
  const queue = open();
  const { commands } = await countCommands(redis.server.port, async () => {
    for (let round = 0; round < 20; round++) {
      await queue.drain();
      await queue.enqueue(send, {});
      await queue.drain();
      await clock.advance("1m");
    }
  });
  const { commandsToday } = await queue.getStats();
  expect(commandsToday).toBeLessThanOrEqual(commands);
  expect(commands - commandsToday).toBeLessThanOrEqual(4);
});

test("a day begins at midnight UTC", async () => {
  const { open, clock } = setUp();
  const queue = open();
  await queue.enqueueMany(many(10));
  await queue.drain();
  const { commandsToday } = await queue.getStats();
  expect(commandsToday).toBeGreaterThan(5);
  await clock.advance("1d");
  expect((await queue.getStats()).commandsToday).toBe(0);
  await queue.enqueueMany(many(10));
  await queue.drain();
  const next = (await queue.getStats()).commandsToday;
  expect(next).toBeGreaterThan(5);
  expect(next).toBeLessThanOrEqual(commandsToday + 4);
});
