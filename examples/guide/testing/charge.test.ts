import { memoryStore, Queue } from "tidegate";
import { drainAll, performJob, testClock } from "tidegate/testing";
import { expect, test } from "vitest";
import { charge, sendMail, ship } from "../jobs-enqueue-jobs.ts";

const order = { order: "7", email: "ada@example.com" };

// #region enqueues
test("ships an order that is charged", async () => {
  const { enqueued } = await performJob(charge, order);
  expect(enqueued).toMatchObject([{ name: "ship", payload: { order: "7" } }]);
});

test("sends two emails, one of them a week later", async () => {
  const clock = testClock("2026-03-01T12:00:00Z");
  const queue = new Queue({ store: memoryStore(), jobs: [charge, ship, sendMail], clock });
  await queue.enqueue(charge, order);
  expect(await drainAll(queue, { clock })).toMatchObject({ completed: 4 });
  expect(new Date(clock.now).toISOString()).toBe("2026-03-08T12:00:00.000Z");
});
// #endregion
