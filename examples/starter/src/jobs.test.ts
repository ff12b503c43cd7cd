import { memoryStore, Queue } from "tidegate";
import { drainAll, performJob, testClock } from "tidegate/testing";
import { expect, test } from "vitest";
import { dailyReport, sendWelcome } from "./jobs.ts";

test("an address without an @ is not tried again", async () => {
  const outcome = await performJob(sendWelcome, { to: "ada" });
  expect(outcome).toMatchObject({ status: "dead", error: { message: "The address has no @." } });
});

test("a week has seven reports", async () => {
  const clock = testClock();
  const queue = new Queue({ store: memoryStore(), jobs: [dailyReport], clock });
  const { completed } = await drainAll(queue, { clock, until: "7d" });
  expect(completed).toBe(7);
});
