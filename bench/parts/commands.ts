import { setTimeout } from "node:timers/promises";
import { Queue as BullmqQueue, Worker as BullmqWorker } from "bullmq";
import { upstashStore } from "../../src/stores/upstash/index.ts";
import { countCommands } from "../../test/support/command-stats.ts";
import { type BullmqConnection, bullmqConnection, bullmqJobs, completions } from "../bullmq.ts";
import type { Bench } from "../part.ts";
import { QUEUE, type Task } from "../task.ts";
import { emptyJobs, fails, tidegateQueue, unbounded } from "../tidegate.ts";

const LONE_JOBS = 10;
/** So many that Redis's own statistics, which travel too, do not count. */
const TRAFFIC_JOBS = 10_000;
const IDLE_MS = 10_000;
/** After a job, how long a worker of BullMQ takes until it waits for the next one. */
const UNTIL_IT_WAITS_MS = 50;

/** Billed commands, row by row of the cost table, each system in turn; and the traffic, which is billed too when it is much. */
export async function commands(bench: Bench): Promise<void> {
  await billed(bench);
  bench.add({
    what: "enqueued and drained in batches of 100, to and from Redis",
    unit: "bytes a job",
    tidegate: await traffic(bench, "tidegate"),
    bullmq: await traffic(bench, "bullmq"),
  });
}

async function traffic({ stage, progress }: Bench, system: Task["system"]): Promise<number> {
  progress(`traffic, ${system}`);
  await stage.clear();
  let bytes = 0;
  for (const action of ["enqueue", "drain"] as const) {
    await stage.run({ system, action, jobs: TRAFFIC_JOBS });
    // A run sets the counters of Redis to zero when it begins.
    bytes += await stage.trafficBytes();
  }
  return bytes / TRAFFIC_JOBS;
}

async function billed(bench: Bench): Promise<void> {
  bench.progress("Tidegate");
  const ours = await countTidegate(bench);
  bench.progress("BullMQ");
  const theirs = await countBullmq(bench);
  const row = (what: string, name: keyof typeof ours, remark?: string) =>
    bench.add({
      what,
      unit: "commands",
      tidegate: ours[name],
      bullmq: theirs[name],
      ...(remark !== undefined && { remark }),
    });
  row("enqueue one job", "enqueueOne");
  row("enqueue 100 at once, per job", "enqueueMany");
  row("enqueue 1,000 at once, per job", "enqueueThousand");
  row(
    "drain a backlog of 1,000, per job",
    "drain",
    "Tidegate in batches of 100; BullMQ with its default concurrency, 1",
  );
  row("a lone job, enqueue to done", "lone", "Tidegate eager; BullMQ by a worker that waits for it");
  row("a job that fails three times and dies", "fails");
  row("an idle minute", "idle", "Tidegate: one tick; BullMQ: one worker, counted for 10 s");
}

async function countTidegate({ stage }: Bench) {
  await stage.clear();
  const queue = tidegateQueue(upstashStore(stage.rest));
  const [lone] = emptyJobs(1);
  const count = async (action: () => Promise<unknown>) => (await countCommands(stage.server.port, action)).commands;
  // Loads the scripts, as the first call of a new database does.
  await queue.enqueueMany(emptyJobs(1));
  if (lone) await queue.enqueueMany([{ ...lone, delay: "1ms" }]);
  await setTimeout(5);
  await queue.drain(unbounded);

  const enqueueOne = await count(() => queue.enqueueMany(emptyJobs(1)));
  const enqueueMany = (await count(() => queue.enqueueMany(emptyJobs(100)))) / 100;
  await queue.enqueueMany(emptyJobs(899));
  const drain = (await count(() => queue.drain({ ...unbounded, maxJobs: 1_000 }))) / 1_000;
  const enqueueThousand = (await count(() => queue.enqueueMany(emptyJobs(1_000)))) / 1_000;
  await queue.drain({ ...unbounded, maxJobs: 1_000 });
  const eager = async () => {
    for (let job = 0; job < LONE_JOBS; job++) {
      await queue.drain({ held: (await queue.enqueueHeld(emptyJobs(1))).held });
    }
  };
  const ends = await count(eager);
  const dies = await count(async () => {
    await queue.enqueue(fails, {});
    const { deadLettered } = await queue.drain();
    if (deadLettered !== 1) throw new Error("The failing job did not die.");
  });
  return {
    enqueueOne,
    enqueueMany,
    enqueueThousand,
    drain,
    lone: ends / LONE_JOBS,
    fails: dies,
    idle: await count(() => queue.drain()),
  };
}

async function countBullmq({ stage }: Bench) {
  await stage.clear();
  const connection = bullmqConnection(stage.server.port);
  const queue = new BullmqQueue(QUEUE, { connection });
  await queue.waitUntilReady();
  await queue.addBulk(bullmqJobs(1));
  const count = async (action: () => Promise<unknown>) => (await countCommands(stage.server.port, action)).commands;

  const enqueueOne = await count(() => queue.addBulk(bullmqJobs(1)));
  const enqueueMany = (await count(() => queue.addBulk(bullmqJobs(100)))) / 100;
  const enqueueThousand = (await count(() => queue.addBulk(bullmqJobs(1_000)))) / 1_000;
  const waiting = 1 + 1 + 100 + 1_000;
  const worker = await openWorker(connection);
  const drain = await count(async () => {
    const all = completions(worker, waiting);
    worker.run();
    await all;
  });
  // Until it waits for the next job.
  await setTimeout(500);
  const idle = (await count(() => setTimeout(IDLE_MS))) * (60_000 / IDLE_MS);
  const ends = await count(() => loneJobs(queue, worker));
  const dies = await count(() => failingJob(queue, worker));
  await worker.close();
  await queue.close();
  return {
    enqueueOne,
    enqueueMany,
    enqueueThousand,
    drain: drain / waiting,
    lone: ends / LONE_JOBS,
    fails: dies,
    idle,
  };
}

async function openWorker(connection: BullmqConnection): Promise<BullmqWorker> {
  const perform = async ({ name }: { readonly name: string }) => {
    if (name === "fails") throw new Error("no luck");
  };
  const worker = new BullmqWorker(QUEUE, perform, { connection, autorun: false });
  await worker.waitUntilReady();
  return worker;
}

async function loneJobs(queue: BullmqQueue, worker: BullmqWorker): Promise<void> {
  for (let job = 0; job < LONE_JOBS; job++) {
    const done = completions(worker, 1);
    await queue.addBulk(bullmqJobs(1));
    await done;
    await setTimeout(UNTIL_IT_WAITS_MS);
  }
}

async function failingJob(queue: BullmqQueue, worker: BullmqWorker): Promise<void> {
  const died = new Promise<void>((resolve) => {
    worker.on("failed", (job) => job?.attemptsMade === 3 && resolve());
  });
  await queue.add("fails", {}, { attempts: 3 });
  await died;
  await setTimeout(UNTIL_IT_WAITS_MS);
}
