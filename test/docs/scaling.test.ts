import { expect, test } from "vitest";
import { openQueues, queueOf } from "../../examples/guide/several-queues.ts";
import { defineJob, memoryStore } from "../../src/index.ts";
import { drainQueues } from "../support/drain-queues.ts";

test("customers spread evenly over several queues in two databases, and each keeps its own", async () => {
  const sync = defineJob({ name: "sync", perform: (_: string) => {} });
  const stores = [memoryStore(), memoryStore()];
  const queues = openQueues(stores, [sync]);
  const customers = Array.from({ length: 800 }, (_, number) => `customer-${number}`);
  for (const customer of customers) await queueOf(queues, customer).enqueue(sync, customer);
  const counts = await Promise.all(queues.map(async (queue) => (await queue.getStats()).pendingCount));
  for (const count of counts) expect(Math.abs(count - 100)).toBeLessThan(35);
  const again = openQueues(stores, [sync]);
  expect(customers.map((customer) => queueOf(again, customer).name)).toEqual(
    customers.map((customer) => queueOf(queues, customer).name),
  );
  const bounds = { maxJobs: 1_000, budget: { roundTrips: 1_000 } };
  expect(await drainQueues(queues, bounds)).toMatchObject({ completed: 800, backlog: false });
});
