import { expect, test } from "vitest";
import { defineJob, Queue } from "../../src/index.ts";
import { start } from "../support/clock.ts";
import { useRedis } from "../support/stores.ts";

const redis = useRedis();
const often = defineJob({ name: "often", perform: (_?: string) => {} });
const seldom = defineJob({ name: "seldom", perform: () => {} });

const setUp = () => new Queue({ store: redis.store(), jobs: [often, seldom], clock: () => start });

/** Every fourth job is the seldom one. */
async function enqueue(queue: Queue, count: number, payload = ""): Promise<void> {
  for (let left = count; left > 0; left -= 1_000) {
    const jobs = Array.from({ length: Math.min(left, 1_000) }, (_, index) =>
      index % 4 === 0 ? { job: seldom } : { job: often, payload },
    );
    await queue.enqueueMany(jobs);
  }
}

async function pendingOf(queue: Queue) {
  const { names } = await queue.getFigures({ days: 0, pending: true });
  return { counts: names.map(({ pending }) => pending?.count ?? 0), estimated: names[0]?.pending?.estimated };
}

function expectAbout([often = 0, seldom = 0]: readonly number[], total: number): void {
  expect(Math.abs(often / total - 0.75)).toBeLessThan(0.1);
  expect(Math.abs((often + seldom) / total - 1)).toBeLessThan(0.1);
  expect(seldom).toBeGreaterThan(0);
}

test("the jobs of each name that wait are counted exactly while fewer than 5,000 of them wait", async () => {
  const queue = setUp();
  await enqueue(queue, 4_800);
  expect(await pendingOf(queue)).toEqual({ counts: [3_600, 1_200], estimated: false });
});

test("of 6,000 jobs that wait, 1,000 are read, and the rest is estimated", async () => {
  const queue = setUp();
  await enqueue(queue, 6_000);
  const { counts, estimated } = await pendingOf(queue);
  expect(estimated).toBe(true);
  expectAbout(counts, 6_000);
});

test("records that are large together are not all read", async () => {
  const queue = setUp();
  for (let i = 0; i < 10; i++) await enqueue(queue, 40, "x".repeat(100_000));
  const { counts, estimated } = await pendingOf(queue);
  expect(estimated).toBe(true);
  expectAbout(counts, 400);
});
