import { setTimeout } from "node:timers/promises";
import { Queue as BullmqQueue, Worker as BullmqWorker } from "bullmq";
import { QUEUE } from "../../queue.ts";
import { openBeeQueue, saveBeeJobs } from "../../systems/bee-queue.ts";
import { bullmqConnection, bullmqJobs } from "../../systems/bullmq.ts";
import { timesOf } from "../../task.ts";
import { type Bill, billed, type Counting, LONE_JOBS } from "./bill.ts";

/** The jobs enqueued before the worker starts: one, twice, then 100 and 1,000 at once. */
const WAITING = 1 + 1 + 100 + 1_000;
/** After a job, how long a worker takes until it waits for the next one. */
const UNTIL_IT_WAITS_MS = 50;
const UNTIL_IT_IS_IDLE_MS = 500;

/** What to count of a queue with a worker that waits for jobs. */
interface Peer {
  /** Stores jobs that succeed, in one call. */
  enqueue(count: number): Promise<unknown>;
  /** Starts the worker. */
  work(): void;
  /** Resolves when the worker has completed this many jobs. */
  completed(count: number): Promise<void>;
  /** Enqueues a job that fails three times, and resolves when it is dead. */
  fail(): Promise<void>;
  close(): Promise<void>;
}

async function countPeer(peer: Peer, { connections, idleMs }: Counting): Promise<Bill> {
  const count = (action: () => Promise<unknown>) => billed(connections, action);
  // The first job of a new queue may take more.
  await peer.enqueue(1);
  const enqueueOne = await count(() => peer.enqueue(1));
  const enqueueMany = (await count(() => peer.enqueue(100))) / 100;
  const enqueueThousand = (await count(() => peer.enqueue(1_000))) / 1_000;
  const drain = await count(async () => {
    const all = peer.completed(WAITING);
    peer.work();
    await all;
  });
  await setTimeout(UNTIL_IT_IS_IDLE_MS);
  const idle = (await count(() => setTimeout(idleMs))) * (60_000 / idleMs);
  const lone = await count(async () => {
    for (let job = 0; job < LONE_JOBS; job++) {
      const done = peer.completed(1);
      await peer.enqueue(1);
      await done;
      await setTimeout(UNTIL_IT_WAITS_MS);
    }
  });
  const fails = await count(async () => {
    await peer.fail();
    await setTimeout(UNTIL_IT_WAITS_MS);
  });
  await peer.close();
  return { enqueueOne, enqueueMany, enqueueThousand, drain: drain / WAITING, lone: lone / LONE_JOBS, fails, idle };
}

export async function countBullmq(counting: Counting): Promise<Bill> {
  const connection = bullmqConnection(counting.connections.redisPort);
  const queue = new BullmqQueue(QUEUE, { connection });
  const perform = async ({ name }: { readonly name: string }) => {
    if (name === "fails") throw new Error("no luck");
  };
  const worker = new BullmqWorker(QUEUE, perform, { connection, autorun: false });
  await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]);
  const peer: Peer = {
    enqueue: (count) => queue.addBulk(bullmqJobs(count)),
    work: () => void worker.run(),
    completed: (count) => timesOf(worker, "completed", count),
    async fail() {
      const died = new Promise<void>((resolve) => {
        worker.on("failed", (job) => job?.attemptsMade === 3 && resolve());
      });
      await queue.add("fails", {}, { attempts: 3 });
      await died;
    },
    async close() {
      await worker.close();
      await queue.close();
    },
  };
  return countPeer(peer, counting);
}

export async function countBeeQueue(counting: Counting): Promise<Bill> {
  const { redisPort } = counting.connections;
  const producer = await openBeeQueue(redisPort, false);
  const worker = await openBeeQueue(redisPort, true);
  const peer: Peer = {
    enqueue: (count) => saveBeeJobs(producer, count),
    work: () =>
      worker.process(async ({ data }) => {
        if (data.fails) throw new Error("no luck");
      }),
    completed: (count) => timesOf(worker, "succeeded", count),
    async fail() {
      const died = new Promise<void>((resolve) => worker.on("failed", () => resolve()));
      await producer.createJob({ fails: true }).retries(2).backoff("immediate").save();
      await died;
    },
    async close() {
      await worker.close();
      await producer.close();
    },
  };
  return countPeer(peer, counting);
}
