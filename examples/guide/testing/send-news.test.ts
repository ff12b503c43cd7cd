// #region held-back
import { memoryStore, Queue } from "tidegate";
import { expectEnqueued, expectNotEnqueued, testClock } from "tidegate/testing";
import { test } from "vitest";
import { sendNews } from "../flow-control.ts";

function setUp() {
  const clock = testClock("2026-03-01T12:00:00Z");
  return { clock, queue: new Queue({ store: memoryStore(), jobs: [sendNews], clock }) };
}

test("sends a hundred emails per minute", async () => {
  const { queue, clock } = setUp();
  const readers = Array.from({ length: 120 }, (_, index) => `reader-${index}@example.com`);
  await queue.enqueueMany(readers.map((to) => ({ job: sendNews, payload: { to } })));
  await queue.drain({ maxJobs: 1_000 });
  const until = new Date("2026-03-01T12:01:00Z");
  await expectEnqueued(queue, sendNews, { heldBack: { key: "mail-provider", reason: "rate", until }, count: 20 });
  await clock.advance("1m");
  await queue.drain();
  await expectNotEnqueued(queue, sendNews);
});
// #endregion
