import { expect, test } from "vitest";
import { defineJob, type FlowControlOptions, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { countCommands } from "../support/command-stats.ts";
import { useRedis } from "../support/stores.ts";

// What a drain of 1,000 jobs costs that take 0 to 20 ms each, by their flow control keys, counted by Redis itself.

const redis = useRedis();
const JOBS = 1_000;

/** @param keys how many keys the jobs have. */
async function drainOf(keys: number, limits: Omit<FlowControlOptions, "key">, concurrency: number) {
  const clock = testClock(start);
  const running = new Map<string, number>();
  /** Those that end at once share a timer: the clock stops at each. */
  const ends = new Map<number, Promise<void>>();
  const sleepFor = (ms: number) => {
    const at = clock.now + ms;
    const sleep = ends.get(at) ?? clock.sleep(ms);
    ends.set(at, sleep);
    return sleep;
  };
  let mostOfKey = 0;
  const work = defineJob({
    name: "work",
    async perform({ key, takes }: { readonly key: string; readonly takes: number }) {
      const now = (running.get(key) ?? 0) + 1;
      running.set(key, now);
      mostOfKey = Math.max(mostOfKey, now);
      await sleepFor(takes);
      running.set(key, (running.get(key) ?? 0) - 1);
    },
  });
  const queue = new Queue({ store: clock.watch(redis.store()), clock, jobs: [work] });
  // The first drain loads the scripts.
  await queue.enqueue(work, { key: "none", takes: 0 });
  const first = queue.drain();
  await clock.advance("1s");
  await first;
  const jobs = Array.from({ length: JOBS }, (_, index) => {
    const key = `key-${index % keys}`;
    const payload = { key, takes: (index * 7) % 21 };
    return { job: work, payload, ...(keys > 0 && { flowControl: { key, ...limits } }) };
  });
  await queue.enqueueMany(jobs);
  const budget = { roundTrips: 10_000, commands: 100_000 };
  let roundTrips = 0;
  const { commands } = await countCommands(redis.server.port, async () => {
    const drain = queue.drain({ maxJobs: JOBS, concurrency, budget });
    await clock.advance("4s");
    const report = await drain;
    expect(report.completed).toBe(JOBS);
    roundTrips = report.roundTrips;
  });
  return { commands, roundTrips, mostOfKey };
}

test.each([
  { about: "without keys", keys: 0, limits: {}, concurrency: 1_000, commands: 64, roundTrips: 11, most: JOBS },
  {
    about: "of 10 keys, 100 at once each",
    keys: 10,
    limits: { concurrency: 100 },
    concurrency: 1_000,
    commands: 180,
    roundTrips: 15,
    most: 100,
  },
  {
    about: "of 10 keys, 2 at once each",
    keys: 10,
    limits: { concurrency: 2 },
    concurrency: 100,
    commands: 400,
    roundTrips: 40,
    most: 2,
  },
  {
    about: "of 10 ordered keys",
    keys: 10,
    limits: { ordered: true },
    concurrency: 10,
    commands: 300,
    roundTrips: 30,
    most: 1,
  },
])("1,000 jobs $about cost at most $commands commands and $roundTrips round trips", async (one) => {
  const { keys, limits, concurrency, commands, roundTrips, most } = one;
  const cost = await drainOf(keys, limits, concurrency);
  expect(cost.commands).toBeLessThanOrEqual(commands);
  expect(cost.roundTrips).toBeLessThanOrEqual(roundTrips);
  if (keys > 0) expect(cost.mostOfKey).toBeLessThanOrEqual(most);
});
