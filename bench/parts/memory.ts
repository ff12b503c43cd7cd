import { keysOf } from "../../src/stores/redis/keys.ts";
import { exact, type Figure } from "../figures.ts";
import type { Bench, Contestant, Effort } from "../part.ts";
import { QUEUE } from "../queue.ts";

const JOBS = 10_000;
/** Enough that the memory of connections hardly matters. */
const JOBS_IN_A_HURRY = 3_000;
const KEY_LIMIT = 100_000_000;
const SIZES: readonly (readonly [bytes: number, name: string])[] = [
  [100, "100 bytes"],
  [1_000, "1 KB"],
  [10_000, "10 KB"],
];

/** The memory of a waiting and a completed job in Redis, and how many fill a key of 100 MB. */
export async function memory(bench: Bench): Promise<void> {
  for (const [payloadBytes, name] of SIZES) {
    bench.progress(`payloads of ${name}`);
    await waitingAndFinished(bench, payloadBytes, name);
    await keys(bench, payloadBytes, name);
  }
}

function jobsFor({ isQuick }: Effort): number {
  return isQuick ? JOBS_IN_A_HURRY : JOBS;
}

/** Over TCP the records are the same, so Tidegate is measured once. */
const systems = ["tidegate", "bullmq", "bee-queue"] as const satisfies readonly Contestant[];

async function waitingAndFinished({ stage, effort, add }: Bench, payloadBytes: number, name: string): Promise<void> {
  const jobs = jobsFor(effort);
  const waiting: Record<string, Figure> = {};
  const finished: Record<string, Figure> = {};
  for (const system of systems) {
    await stage.clear();
    const before = await stage.memoryBytes();
    const perJob = async () => exact(((await stage.memoryBytes()) - before) / jobs);
    await stage.run({ system, action: "enqueue", jobs, batchSize: 500, payloadBytes });
    waiting[system] = await perJob();
    await stage.run({ system, action: "drain", jobs });
    finished[system] = await perJob();
  }
  const unit = "bytes of Redis";
  add({ what: `a waiting job, payload of ${name}`, unit, figures: waiting });
  add({ what: `a finished job that is kept, payload of ${name}`, unit, figures: finished });
}

async function keys({ stage, effort, add }: Bench, payloadBytes: number, name: string): Promise<void> {
  const jobs = jobsFor(effort);
  const { due, jobs: records } = keysOf("tidegate", QUEUE);
  const addKey = async (title: string, key: string) => {
    const bytes = (await stage.keyBytes(key)) / jobs;
    add({
      what: `key ${title}, payload of ${name}`,
      unit: "bytes a job",
      figures: { tidegate: exact(bytes) },
      remark: `${Math.floor(KEY_LIMIT / bytes / 1_000)} thousand jobs in 100 MB (MEMORY USAGE)`,
    });
  };
  await stage.clear();
  await stage.run({ system: "tidegate", action: "enqueue", jobs, batchSize: 500, payloadBytes });
  await addKey("due", due);
  await addKey("jobs", records);
  await stage.run({ system: "tidegate", action: "drain", jobs });
  await addKey("done", records);
}
