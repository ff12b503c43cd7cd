import { expect, test } from "vitest";
import { encodeRecord } from "../../src/core/job/record.ts";
import { groupName } from "../../src/core/store/failures.ts";
import type { Outcome } from "../../src/core/store/store.ts";
import { defineJob, Queue, type Store } from "../../src/index.ts";
import { start as now } from "../support/clock.ts";
import { countCommands } from "../support/command-stats.ts";
import { useRedis } from "../support/stores.ts";

const redis = useRedis();

/** Dead jobs, a second apart, in this many groups of the same size. */
async function bury(store: Store, jobs: number, groups: number): Promise<void> {
  const queue = store.open("default");
  for (let first = 0; first < jobs; first += 1_000) {
    const ids = Array.from({ length: Math.min(1_000, jobs - first) }, (_, index) => `job-${first + index}`);
    const record = encodeRecord({ name: "fails", enqueuedAt: now });
    const held = ids.map((id) => ({ id, isFreshId: true, runAt: now, record, leaseEndsAt: now + 60_000 }));
    const settle = (await queue.enqueue(held, now)).flatMap(({ lease }, index): Outcome[] => {
      const number = first + index;
      const error = { name: "Error", message: `of group ${number % groups}`, attempt: 1, at: now };
      const end = { at: now, startedAt: now, attempts: 1, error };
      const group = groupName((number % groups) * 1_000_003);
      const died = { to: "dead", at: now - (jobs - number) * 1_000, group } as const;
      return lease ? [{ ...died, lease, record: encodeRecord({ name: "fails", enqueuedAt: now, end }) }] : [];
    });
    await queue.settle({ now, settle, retentionMs: 0, observe: true });
  }
}

async function failuresOf(store: Store) {
  const queue = new Queue({ store, clock: () => now });
  await queue.getFailures(); // Redis knows the script from here on.
  return countCommands(redis.server.port, () => queue.getFailures());
}

test("getFailures of 30 groups with 10,000 dead jobs costs 24 commands, and counts every job", async () => {
  const store = redis.store();
  await bury(store, 10_000, 30);
  const { result, commands } = await failuresOf(store);
  expect(result.failures).toHaveLength(30);
  expect(result.failures.map(({ count }) => count).reduce((sum, count) => sum + count)).toBe(10_000);
  // The last 10,000 seconds: 2 hours and 47 minutes.
  expect(result.failures[0]?.trend.slice(-4)).toEqual([0, 94, 120, 120]);
  expect(commands).toBe(24);
});

test("getFailures of 20 small groups costs 5 commands, of 30 costs 6, and of a queue in which nothing is dead costs 3", async () => {
  const store = redis.store();
  expect((await failuresOf(store)).commands).toBe(3);
  await bury(store, 200, 20);
  expect((await failuresOf(store)).commands).toBe(5);
  const larger = redis.store();
  await bury(larger, 300, 30);
  expect((await failuresOf(larger)).commands).toBe(6);
});

test("getFailures of 3 large groups costs 2 commands a group and 5 for all, and counts the last 500 jobs of each by the hour", async () => {
  const store = redis.store();
  await bury(store, 9_000, 3);
  const { result, commands } = await failuresOf(store);
  expect(result.failures).toMatchObject([{ count: 3_000 }, { count: 3_000 }, { count: 3_000 }]);
  // The last 500 of one in three that died each second.
  const unknown = Array.from({ length: 23 }, () => null);
  for (const { trend } of result.failures.slice(1)) expect(trend).toEqual([...unknown, 500]);
  expect(commands).toBe(5 + 2 * 3);
});

test("a page of a group costs 5 commands, wherever it is, and at most 15 more if the job at its end has left", async () => {
  const store = redis.store();
  await bury(store, 10_000, 1);
  const queue = new Queue({ store, clock: () => now });
  const group = groupName(0);
  const page = async (cursor: string | null = null) => {
    const read = () => queue.listDeadLetter({ group, limit: 10, ...(cursor && { cursor }) });
    return countCommands(redis.server.port, read);
  };
  await page();
  const first = await page();
  expect(first.commands).toBe(5);
  const deep = `dead:${now - 7_000_000}:job-3000`;
  expect((await page(deep)).commands).toBe(6);
  await queue.removeFromDeadLetter("job-3000");
  const after = await page(deep);
  expect(after.result.jobs[0]?.id).toBe("job-2999");
  expect(after.commands).toBeLessThanOrEqual(6 + 15);
});

test("a death costs no command more for its group, and the retry of a group costs what a retry by ids costs", async () => {
  const fails = defineJob({ name: "fails", maxRetries: 0, perform: () => Promise.reject(new Error("no luck")) });
  const count = async (observe: boolean) => {
    const queue = new Queue({ store: redis.store(), jobs: [fails], clock: () => now, logger: null, observe });
    await queue.enqueue(fails); // Its name is known from here on.
    await queue.drain();
    await queue.enqueueMany(Array.from({ length: 50 }, () => ({ job: fails })));
    const drained = await countCommands(redis.server.port, () => queue.drain());
    const ids = (await queue.listDeadLetter()).jobs.map(({ id }) => id);
    await queue.retryFromDeadLetter(ids[0] as string);
    const retried = await countCommands(redis.server.port, () => queue.retryFromDeadLetter({ ids }));
    return [drained.commands, retried.commands];
  };
  expect(await count(true)).toEqual(await count(false));
});
