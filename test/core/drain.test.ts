import { describe, expect, test } from "vitest";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { faultyStore, testClock } from "../../src/testing/index.ts";

const start = Date.parse("2026-03-01T12:00:00Z");

function setUp() {
  const clock = testClock(start);
  const inner = memoryStore();
  const store = faultyStore(inner);
  /** A job that takes its payload in ms. */
  const takes = defineJob({ name: "takes", timeout: "5m", perform: (ms: number) => clock.sleep(ms) });
  return { clock, inner, store, takes, queue: new Queue({ store, clock, jobs: [takes] }) };
}

describe("a drain", () => {
  test("hands in what ran when all is done, where the store was away in between", async () => {
    const { clock, store, takes, queue } = setUp();
    await queue.enqueueMany([100, 10_000].map((payload) => ({ job: takes, payload })));
    const drained = queue.drain();
    await clock.advance(500);
    store.plan("before");
    await clock.advance("4s");
    store.plan();
    await clock.advance("6s");
    expect(await drained).toMatchObject({ completed: 2, lost: 0, stoppedBy: "aborted" });
  });

  test("claims for all free slots at once, however slow the jobs before were", async () => {
    const { store, clock } = setUp();
    let together: Promise<void> | undefined;
    const slow = defineJob({
      name: "slow",
      perform() {
        together ??= clock.sleep(20_000).finally(() => {
          together = undefined;
        });
        return together;
      },
    });
    const queue = new Queue({ store, clock, jobs: [slow] });
    await queue.enqueueMany(Array.from({ length: 20 }, () => ({ job: slow })));
    const drained = queue.drain({ concurrency: 10, batchSize: 10, timeBudget: "2m" });
    await clock.advance("41s");
    expect(await drained).toMatchObject({ completed: 20, roundTrips: 3 });
  });

  test("gives a job whose timeout no claim foresaw a lease that outlives it", async () => {
    const { clock, inner, takes, queue } = setUp();
    const { id } = await queue.enqueue(takes, 1_000, { timeout: "1h" });
    const drained = queue.drain();
    await clock.advance(500);
    const lease = await inner.open(queue.name).find(id, clock.now);
    expect(lease).toMatchObject({ state: "running", at: start + 3_600_000 + 5_000 });
    await clock.advance("1s");
    expect(await drained).toMatchObject({ completed: 1 });
  });
});
