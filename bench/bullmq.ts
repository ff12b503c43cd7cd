import { Queue, Worker } from "bullmq";
import { type FullTask, inBatches, payloadOf, QUEUE, timed } from "./task.ts";

// BullMQ 6.7 as it comes: over TCP, with ioredis, finished jobs kept.

export interface BullmqConnection {
  readonly host: string;
  readonly port: number;
}

export function bullmqConnection(port: number): BullmqConnection {
  return { host: "127.0.0.1", port };
}

export function bullmqJobs(count: number, payloadBytes = 100) {
  const data = payloadOf(payloadBytes);
  return Array.from({ length: count }, () => ({ name: "empty", data }));
}

export async function runBullmq(task: FullTask, connection: BullmqConnection) {
  return task.action === "enqueue" ? enqueue(task, connection) : drain(task, connection);
}

async function enqueue(task: FullTask, connection: BullmqConnection) {
  const queue = new Queue(QUEUE, { connection });
  await queue.waitUntilReady();
  const report = await timed(() => inBatches(task, (count) => queue.addBulk(bullmqJobs(count, task.payloadBytes))));
  await queue.close();
  return report;
}

async function drain({ jobs, concurrency }: FullTask, connection: BullmqConnection) {
  const worker = new Worker(QUEUE, async () => {}, { connection, concurrency, autorun: false });
  await worker.waitUntilReady();
  const report = await timed(async () => {
    const all = completions(worker, jobs);
    worker.run();
    await all;
    return jobs;
  });
  await worker.close();
  return report;
}

/** Resolves when a worker has completed so many jobs. */
export function completions(worker: Worker, jobs: number): Promise<void> {
  return new Promise((resolve) => {
    let left = jobs;
    const count = () => {
      left -= 1;
      if (left > 0) return;
      worker.off("completed", count);
      resolve();
    };
    worker.on("completed", count);
  });
}
