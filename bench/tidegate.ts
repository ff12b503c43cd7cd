import { type Duration, defineJob, partitioned, Queue, type Store } from "../src/index.ts";
import { upstashStore } from "../src/stores/upstash/index.ts";
import { type FullTask, inBatches, payloadOf, QUEUE, sum, type TaskReport, timed } from "./task.ts";

const empty = defineJob({ name: "empty", perform: (_: unknown) => {} });
export const fails = defineJob({
  name: "fails",
  maxRetries: 2,
  backoff: { base: 0 },
  perform: (_: unknown) => Promise.reject(new Error("no luck")),
});

export function tidegateQueue(store: Store, retention: Duration = "24h"): Queue {
  return new Queue({ name: QUEUE, store, jobs: [empty, fails], retention });
}

/** Bounds that nothing measured here reaches. */
export const unbounded = {
  timeBudget: "10m",
  budget: { roundTrips: 1_000_000_000, commands: 1_000_000_000 },
} as const;

export function emptyJobs(count: number, payloadBytes = 100) {
  const payload = payloadOf(payloadBytes);
  return Array.from({ length: count }, () => ({ job: empty, payload }));
}

/** Enqueues or drains over HTTP. */
export function runTidegate(task: FullTask, connection: { readonly url: string; readonly token: string }) {
  const { jobs, batchSize, concurrency, partitions, payloadBytes, retention } = task;
  const store = upstashStore(connection);
  const queue = tidegateQueue(partitions > 1 ? partitioned(store, partitions) : store, retention);
  return timed(async (): Promise<TaskReport["jobs"]> => {
    if (task.action === "enqueue") {
      return inBatches(task, (count) => queue.enqueueMany(emptyJobs(count, payloadBytes)));
    }
    const options = { ...unbounded, maxJobs: jobs, batchSize, concurrency };
    const reports = await Promise.all(Array.from({ length: task.drains }, () => queue.drain(options)));
    const lossy = reports.find(({ completed, claimed }) => completed !== claimed);
    if (lossy) throw new Error(`A drain lost jobs: ${JSON.stringify(lossy)}`);
    return sum(reports.map(({ completed }) => completed));
  });
}
