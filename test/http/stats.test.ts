import { expect, test } from "vitest";
import { start } from "../support/clock.ts";
import { setUp } from "./memory-handler.ts";

const now = new Date(start).toISOString();

test("GET /stats returns counts, with times as ISO 8601", async () => {
  const { call, queue, clock } = setUp();
  await queue.enqueueMany([{ job: "fails" }, { job: "fails", delay: "1h" }]);
  clock.now += 1_000;
  expect(await call("GET", "/stats")).toMatchObject({
    status: 200,
    body: {
      totalEnqueued: 2,
      totalProcessed: 0,
      totalFailed: 0,
      totalRetried: 0,
      totalExpired: 0,
      pendingCount: 2,
      scheduledCount: 1,
      readyCount: 1,
      runningCount: 0,
      deadLetterCount: 0,
      completedCount: 0,
      nextRunAt: now,
      oldestReadyAgeMs: 1_000,
      paused: false,
    },
  });
});
