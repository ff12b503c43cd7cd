import BeeQueue from "bee-queue";
import { Probes } from "../probes.ts";
import { QUEUE } from "../queue.ts";
import { type Connections, type FullTask, inBatches, payloadOf, type System, timed, timesOf } from "../task.ts";

// Bee-Queue: the second peer, because it is maintained (2.0.0 in 2026), made for short jobs at high rates, and needs
// nothing but Redis. With its defaults: over TCP, with node-redis, finished jobs kept. Only delayed jobs need an
// option.

/** @param isWorker whether it runs jobs, and needs a connection to wait for them. */
export function openBeeQueue(redisPort: number, isWorker: boolean): Promise<BeeQueue> {
  const redis = { host: "127.0.0.1", port: redisPort };
  return new BeeQueue(QUEUE, { redis, isWorker, activateDelayedJobs: isWorker }).ready();
}

/** Stores jobs in one call. @throws {Error} if one was not stored. */
export async function saveBeeJobs(queue: BeeQueue, count: number, { payloadBytes = 100, delayMs = 0 } = {}) {
  const payload = payloadOf(payloadBytes);
  const runAt = Date.now() + delayMs;
  const jobs = Array.from({ length: count }, () => {
    const job = queue.createJob(payload);
    return delayMs > 0 ? job.delayUntil(runAt) : job;
  });
  const failed = await queue.saveAll(jobs);
  if (failed.size > 0) throw new Error(`Bee-Queue did not store ${failed.size} jobs.`);
}

export function beeQueue({ redisPort }: Connections): System {
  return {
    enqueue: (task) => enqueue(task, redisPort),
    drain: (task) => drain(task, redisPort),
    latency: (task) => latency(task, redisPort),
  };
}

async function enqueue(task: FullTask, redisPort: number) {
  const queue = await openBeeQueue(redisPort, false);
  const report = await timed(() => inBatches(task, (count) => saveBeeJobs(queue, count, task)));
  await queue.close();
  return report;
}

async function drain({ jobs, concurrency }: FullTask, redisPort: number) {
  const queue = await openBeeQueue(redisPort, true);
  const report = await timed(async () => {
    const all = timesOf(queue, "succeeded", jobs);
    queue.process(concurrency, async () => {});
    await all;
    return jobs;
  });
  await queue.close();
  return report;
}

async function latency(task: FullTask, redisPort: number) {
  const probes = new Probes();
  const producer = await openBeeQueue(redisPort, false);
  const queue = await openBeeQueue(redisPort, true);
  queue.process(task.concurrency, async ({ data }) => probes.started(data));
  const report = await probes.run(task, (probe) => producer.createJob(probe).save());
  await queue.close();
  await producer.close();
  return report;
}
