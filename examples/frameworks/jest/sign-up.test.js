import { defineJob, memoryStore, Queue } from "tidegate";
import { createHandler } from "tidegate/http";
import { drainAll, expectEnqueued, testClock } from "tidegate/testing";

const welcome = defineJob({ name: "welcome", perform: ({ to }) => `Welcome, ${to}` });

test("welcomes an hour later", async () => {
  const clock = testClock("2026-03-01T12:00:00Z");
  const queue = new Queue({ store: memoryStore(), jobs: [welcome], clock, logger: null });
  await queue.enqueue(welcome, { to: "ada@example.com" }, { delay: "1h" });
  await expectEnqueued(queue, welcome, { delay: "1h" });
  expect(await drainAll(queue, { clock })).toMatchObject({ completed: 1 });
  expect((await createHandler({ queue, auth: "none" }).request("/health")).status).toBe(200);
});
