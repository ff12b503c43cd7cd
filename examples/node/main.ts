// A process that works on a queue in your own Redis until it is stopped.
import process from "node:process";
import { createClient } from "redis";
import { defineJob, Queue } from "tidegate";
import { startWorker } from "tidegate/node";
import { redisStore } from "tidegate/redis";

const importRows = defineJob({
  name: "import_rows",
  async perform({ file }: { file: string }, job) {
    console.log(`${file}: attempt ${job.attempt}`);
  },
});

const redis = await createClient({ url: process.env["REDIS_URL"] ?? "redis://127.0.0.1:6379" }).connect();
const queue = new Queue({ name: "imports", store: redisStore(redis), jobs: [importRows] });

// Your own Redis does not bill polls, so jobs of other processes can start within a second.
const worker = startWorker(queue, { workers: 20, checkEvery: "1s", handleSignals: true });
await queue.enqueue(importRows, { file: "january.csv" });

// Ctrl-C, or the platform's signal at a deployment: running jobs finish, the rest are released.
const { completed } = await worker.done;
console.log(`Stopped after ${completed} jobs.`);
await redis.close();
