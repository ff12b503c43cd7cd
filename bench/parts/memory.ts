import { keysOf } from "../../src/stores/upstash/keys.ts";
import type { Bench } from "../part.ts";
import { QUEUE, type Task } from "../task.ts";

const JOBS = 10_000;
const KEY_LIMIT = 100_000_000;
const SIZES: readonly (readonly [bytes: number, name: string])[] = [
  [100, "100 bytes"],
  [1_000, "1 KB"],
  [10_000, "10 KB"],
];

/** What a waiting and a finished job take in Redis, and how many fill a key of 100 MB. */
export async function memory({ stage, progress, add }: Bench): Promise<void> {
  const keys = keysOf("tidegate", QUEUE);
  for (const [payloadBytes, name] of SIZES) {
    progress(`payloads of ${name}`);
    const grown = async (system: Task["system"]) => {
      await stage.clear();
      const before = await stage.memoryBytes();
      await stage.run({ system, action: "enqueue", jobs: JOBS, batchSize: 500, payloadBytes });
      return ((await stage.memoryBytes()) - before) / JOBS;
    };
    const bullmq = await grown("bullmq");
    add({
      what: `a waiting job, payload of ${name}`,
      unit: "bytes of Redis",
      tidegate: await grown("tidegate"),
      bullmq,
    });
    const [due, jobs] = [await stage.keyBytes(keys.due), await stage.keyBytes(keys.jobs)];
    await stage.run({ system: "tidegate", action: "drain", jobs: JOBS });
    const done = await stage.keyBytes(keys.done);
    for (const [key, bytes] of [
      ["due", due],
      ["jobs", jobs],
      ["done", done],
    ] as const) {
      add({
        what: `key ${key}, payload of ${name}`,
        unit: "bytes a job",
        tidegate: bytes / JOBS,
        remark: `${Math.floor(((KEY_LIMIT / bytes) * JOBS) / 1_000)} thousand jobs in 100 MB (MEMORY USAGE)`,
      });
    }
  }
}
