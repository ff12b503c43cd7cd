import { setTimeout } from "node:timers/promises";
import { Redis } from "ioredis";
import { createHandler } from "../../src/http/handler.ts";
import { type AnyJob, type Duration, defineJob, Queue, type Store } from "../../src/index.ts";
import { startWorker } from "../../src/platforms/node.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import { redisStore } from "../../src/stores/redis-tcp/index.ts";
import { BusyMeter } from "../busy.ts";
import { type Probe, Probes } from "../probes.ts";
import { QUEUE } from "../queue.ts";
import { type Connections, type FullTask, inBatches, payloadOf, type System, sum, timed } from "../task.ts";

const empty = defineJob({ name: "empty", perform: async (_: unknown) => {} });
export const fails = defineJob({
  name: "fails",
  maxRetries: 2,
  backoff: { base: 0 },
  perform: (_: unknown) => Promise.reject(new Error("no luck")),
});

interface QueueSettings {
  readonly retention?: Duration;
  readonly observe?: boolean;
  readonly jobs?: readonly AnyJob[];
  /** What runs the jobs that have nothing to do. Default: nothing. */
  readonly work?: AnyJob;
}

export function tidegateQueue(
  store: Store,
  { retention = "24h", observe = true, jobs = [], work = empty }: QueueSettings = {},
): Queue {
  return new Queue({ name: QUEUE, store, jobs: [work, fails, ...jobs], retention, observe, logger: null });
}

/** Limits that no measurement here reaches. */
export const unbounded = {
  timeBudget: "10m",
  budget: { roundTrips: 1_000_000_000, commands: 1_000_000_000 },
} as const;

export function emptyJobs(
  count: number,
  { payloadBytes = 100, delayMs = 0, isKeyed = false, limitedKeys = 0, slotsOfKey = 1 } = {},
) {
  const payload = payloadOf(payloadBytes);
  const options = { ...(delayMs > 0 && { delay: delayMs }), ...(isKeyed && { flowControl: { key: "large" } }) };
  const limited = (index: number) => ({ flowControl: { key: `key-${index % limitedKeys}`, concurrency: slotsOfKey } });
  return Array.from({ length: count }, (_, index) => ({
    ...{ job: empty, payload, ...options },
    ...(limitedKeys > 0 && limited(index)),
  }));
}

/** A store, and how to close it. */
interface OpenStore {
  readonly store: Store;
  close(): Promise<unknown>;
}

function overHttp({ rest }: Connections): OpenStore {
  return { store: upstashStore(rest), close: async () => {} };
}

/** With the client that BullMQ uses too. */
export function overTcp({ redisPort }: Connections): OpenStore {
  const client = new Redis(redisPort, "127.0.0.1");
  return { store: redisStore(client), close: () => client.quit() };
}

/** Over HTTP: jobs are enqueued through the handler, which runs them in the background after its response. */
export function tidegate(connections: Connections): System {
  const open = () => overHttp(connections);
  return { ...batches(open), latency: (task) => eagerLatency(task, open()) };
}

/**
 * Over TCP, with a long-running worker.
 *
 * @param elsewhere whether jobs are enqueued through another queue object, so that the worker must poll for them.
 */
export function tidegateTcp(connections: Connections, { elsewhere }: { readonly elsewhere: boolean }): System {
  const open = () => overTcp(connections);
  return { ...batches(open), latency: (task) => workerLatency(task, open(), elsewhere) };
}

function batches(open: () => OpenStore): Pick<System, "enqueue" | "drain"> {
  const withQueue = async <T>(task: FullTask, run: (queue: Queue) => Promise<T>, work?: AnyJob): Promise<T> => {
    const { store, close } = open();
    const { retention, observe } = task;
    const settings = { retention, observe, ...(work && { work }) };
    const report = await run(tidegateQueue(store, settings));
    await close();
    return report;
  };
  return {
    enqueue: (task) =>
      withQueue(task, (queue) => timed(() => inBatches(task, (count) => queue.enqueueMany(emptyJobs(count, task))))),
    drain: async (task) => {
      if (task.jobMs === 0) return withQueue(task, (queue) => timed(() => drain(queue, task)));
      const meter = new BusyMeter();
      const work = defineJob({ name: empty.name, perform: (_: unknown) => meter.time(() => setTimeout(task.jobMs)) });
      const report = await withQueue(task, (queue) => timed(() => drain(queue, task)), work);
      const slots = task.concurrency * task.drains;
      return { ...report, busy: { whole: meter.share(slots), steady: meter.share(slots, ...STEADY) } };
    },
  };
}

/** The middle of a drain, when it neither begins nor runs out of jobs. */
const STEADY = [0.25, 0.75] as const;

async function drain(queue: Queue, { jobs, batchSize, concurrency, drains }: FullTask): Promise<number> {
  const options = { ...unbounded, maxJobs: jobs, batchSize, concurrency };
  const reports = await Promise.all(Array.from({ length: drains }, () => queue.drain(options)));
  const lossy = reports.find(({ completed, released, claimed }) => completed + released !== claimed);
  if (lossy) throw new Error(`A drain lost jobs: ${JSON.stringify(lossy)}`);
  return sum(reports.map(({ completed }) => completed));
}

function probeJob(probes: Probes) {
  return defineJob({ name: "probe", perform: (probe: Probe) => probes.started(probe) });
}

async function eagerLatency(task: FullTask, { store, close }: OpenStore) {
  const probes = new Probes();
  const queue = tidegateQueue(store, { jobs: [probeJob(probes)] });
  const underWay = new Set<Promise<unknown>>();
  const handler = createHandler({ queue, auth: "none", waitUntil: (work) => void underWay.add(work) });
  const report = await probes.run(task, async (payload) => {
    const body = JSON.stringify({ name: "probe", payload });
    const headers = { "Content-Type": "application/json" };
    const response = await handler.request("http://localhost/jobs", { method: "POST", headers, body });
    if (response.status !== 201) throw new Error(`The handler answered ${response.status}.`);
  });
  await Promise.all(underWay);
  await close();
  return report;
}

const ELSEWHERE_CHECK_MS = 100;

async function workerLatency(task: FullTask, { store, close }: OpenStore, elsewhere: boolean) {
  const probes = new Probes(elsewhere ? ELSEWHERE_CHECK_MS : undefined);
  const probe = probeJob(probes);
  const queue = tidegateQueue(store, { jobs: [probe] });
  const producer = elsewhere ? tidegateQueue(store, { jobs: [probe] }) : queue;
  const worker = startWorker(queue, {
    workers: task.concurrency,
    ...(elsewhere && { checkEvery: ELSEWHERE_CHECK_MS }),
  });
  const report = await probes.run(task, (payload) =>
    producer.enqueue(probe, payload, task.isKeyed ? { flowControl: { key: "small" } } : {}),
  );
  await worker.stop();
  await close();
  return report;
}
