import { expect, test } from "vitest";
import { type DrainReport, defineJob, memoryStore, Queue } from "../../../src/index.ts";
import { type FaultPlan, faultyStore } from "../../../src/testing/index.ts";

const note = defineJob({ name: "note", perform: () => {} });

/** What a drain with two jobs spends under this plan, if it throws. */
async function failing(plan: FaultPlan) {
  const store = faultyStore(memoryStore());
  const queue = new Queue({ store, jobs: [note], logger: null });
  await queue.enqueueMany([{ job: note }, { job: note }]);
  const before = queue.spending;
  const sent = store.calls.length;
  store.plan(plan);
  const reports: DrainReport[] = [];
  const drained = queue.drain({ batchSize: 1, concurrency: 1, onProgress: (report) => void reports.push(report) });
  await expect(drained).rejects.toMatchObject({ code: "store_unavailable" });
  const { spending } = queue;
  return {
    roundTrips: spending.roundTrips - before.roundTrips,
    calls: store.calls.length - sent,
    spending,
    reports,
  };
}

test("what a drain spends before it throws counts, and so do the jobs that it completed", async () => {
  const { roundTrips, calls, spending, reports } = await failing([{ on: "exchange", call: [3, 4], fault: "before" }]);
  expect(roundTrips).toBe(calls);
  expect(spending).toMatchObject({ completed: 1, idleDrains: 0 });
  expect(reports.at(-1)).toMatchObject({ roundTrips, completed: 1, lost: 1 });
});

test("a peek that fails counts, and makes no idle drain", async () => {
  const store = faultyStore(memoryStore(), "before");
  const queue = new Queue({ store, jobs: [note], logger: null });
  await expect(queue.drain()).rejects.toMatchObject({ code: "store_unavailable" });
  expect(queue.spending).toMatchObject({ roundTrips: 1, idleDrains: 0 });
});
