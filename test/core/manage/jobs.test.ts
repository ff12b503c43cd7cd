import { expect, test } from "vitest";
import { defineJob, memoryStore, Queue } from "../../../src/index.ts";
import { faultyStore, testClock } from "../../../src/testing/index.ts";
import { start } from "../../support/clock.ts";

test("rescheduling a job keeps a payload that another call changed meanwhile", async () => {
  const clock = testClock(start);
  const store = faultyStore(memoryStore(), [{ on: "change", call: 1, fault: { delay: "1s" } }], { clock });
  const job = defineJob({ name: "job", perform: (_: string) => {} });
  const queue = new Queue({ store, clock, jobs: [job] });
  const { id } = await queue.enqueue(job, "before", { delay: "5m" });
  const moved = queue.reschedule(id, "10m");
  await clock.advance(100);
  await queue.update(id, { payload: "after" });
  await clock.advance("1s");
  await moved;
  expect(await queue.getJob(id)).toMatchObject({ payload: "after", runAt: new Date(start + 600_000) });
});
