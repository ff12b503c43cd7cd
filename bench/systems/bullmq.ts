import { Queue, Worker } from "bullmq";
import { Probes } from "../probes.ts";
import { QUEUE } from "../queue.ts";
import { type Connections, type FullTask, inBatches, payloadOf, type System, timed, timesOf } from "../task.ts";

// BullMQ with its defaults: over TCP, with ioredis, finished jobs kept.

export interface BullmqConnection {
  readonly host: string;
  readonly port: number;
}

export function bullmqConnection(port: number): BullmqConnection {
  return { host: "127.0.0.1", port };
}

export function bullmqJobs(count: number, { payloadBytes = 100, delayMs = 0 } = {}) {
  const data = payloadOf(payloadBytes);
  return Array.from({ length: count }, () => ({
    name: "empty",
    data,
    ...(delayMs > 0 && { opts: { delay: delayMs } }),
  }));
}

export function bullmq({ redisPort }: Connections): System {
  const connection = bullmqConnection(redisPort);
  return {
    enqueue: (task) => enqueue(task, connection),
    drain: (task) => drain(task, connection),
    latency: (task) => latency(task, connection),
  };
}

async function enqueue(task: FullTask, connection: BullmqConnection) {
  const queue = new Queue(QUEUE, { connection });
  await queue.waitUntilReady();
  const report = await timed(() => inBatches(task, (count) => queue.addBulk(bullmqJobs(count, task))));
  await queue.close();
  return report;
}

async function drain({ jobs, concurrency }: FullTask, connection: BullmqConnection) {
  const worker = new Worker(QUEUE, async () => {}, { connection, concurrency, autorun: false });
  await worker.waitUntilReady();
  const report = await timed(async () => {
    const all = timesOf(worker, "completed", jobs);
    worker.run();
    await all;
    return jobs;
  });
  await worker.close();
  return report;
}

async function latency(task: FullTask, connection: BullmqConnection) {
  const probes = new Probes();
  const queue = new Queue(QUEUE, { connection });
  const options = { connection, concurrency: task.concurrency };
  const worker = new Worker(QUEUE, async ({ data }) => probes.started(data), options);
  await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]);
  const report = await probes.run(task, (probe) => queue.add("probe", probe));
  await worker.close();
  await queue.close();
  return report;
}
