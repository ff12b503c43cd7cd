import { expect, test } from "vitest";
import { defineJob, memoryStore, Queue } from "../../../src/index.ts";

test("a search for a rare name stops after 1,000 jobs, with a cursor to continue from", async () => {
  const common = defineJob({ name: "common", perform() {} });
  const rare = defineJob({ name: "rare", perform() {} });
  const queue = new Queue({ store: memoryStore(), jobs: [common, rare] });
  await queue.enqueueMany(Array.from({ length: 1_050 }, () => ({ job: common })));
  await queue.enqueue(rare);
  const first = await queue.listJobs({ name: "rare" });
  expect(first).toEqual({ jobs: [], cursor: expect.any(String) });
  const second = await queue.listJobs({ name: "rare", cursor: first.cursor ?? "" });
  expect(second.jobs).toMatchObject([{ name: "rare" }]);
});
