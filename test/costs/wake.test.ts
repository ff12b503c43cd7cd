import { beforeAll, describe, expect, test } from "vitest";
import { createHandler } from "../../src/http/handler.ts";
import { defineJob, Queue } from "../../src/index.ts";
import { clockByHand, start } from "../support/clock.ts";
import { countCommands } from "../support/command-stats.ts";
import { useRedis } from "../support/stores.ts";

// What docs/guide/running.md says of commands, counted by Redis itself.

const noop = defineJob({ name: "noop", perform: () => {} });

describe("billed commands of a queue that is woken", () => {
  const redis = useRedis();

  /** A queue, and the drains that it asks for: `wakeUp` lets time pass until the earliest, and drains elsewhere. */
  function setUp() {
    const clock = clockByHand(start);
    const asked: number[] = [];
    const store = redis.store();
    const open = () => new Queue({ store, clock, jobs: [noop], logger: null, wake: (at) => void asked.push(at) });
    const [queue, woken] = [open(), open()];
    const count = async (action: () => Promise<unknown>) => (await countCommands(redis.server.port, action)).commands;
    const wakeUp = async () => {
      asked.sort();
      clock.now = Math.max(clock.now, asked.shift() ?? 0);
      return woken.drain();
    };
    return { queue, clock, asked, count, wakeUp };
  }

  // Loads the scripts, and the queue knows its job type.
  beforeAll(async () => {
    const { queue, wakeUp } = setUp();
    await queue.enqueue(noop);
    await wakeUp();
  });

  test("an idle day costs nothing, and 24 with a net that ticks each hour: 720 in a month", async () => {
    const { queue, clock, asked, count } = setUp();
    const day = async () => {
      for (let hour = 0; hour < 24; hour++) {
        clock.now += 3_600_000;
        await queue.drain();
      }
    };
    expect(await count(day)).toBe(24);
    // Without the net, nobody would have drained at all.
    expect(asked).toEqual([]);
  });

  test("a job costs no more than one that a tick finds: its drain asks for no other", async () => {
    const { queue, asked, count, wakeUp } = setUp();
    await queue.enqueue(noop);
    await wakeUp();
    const commands = await count(async () => {
      await queue.enqueue(noop, undefined, { delay: "1h" });
      await wakeUp();
    });
    expect(commands).toBe(15);
    expect(asked).toEqual([]);
  });

  test("jobs that start right after their requests cost one more for each length of a lease, however many", async () => {
    const { queue, asked, count, wakeUp } = setUp();
    const background: Promise<unknown>[] = [];
    const waitUntil = (work: Promise<unknown>) => void background.push(work);
    const handler = createHandler({ queue, auth: "none", waitUntil });
    const headers = { "Content-Type": "application/json" };
    for (let jobs = 0; jobs < 20; jobs++) {
      const body = JSON.stringify({ name: "noop" });
      await handler.fetch(new Request("http://queue.test/jobs", { method: "POST", headers, body }));
      await Promise.all(background.splice(0));
    }
    expect(asked).toHaveLength(1);
    expect(await count(wakeUp)).toBe(1);
    expect(asked).toEqual([]);
  });
});
