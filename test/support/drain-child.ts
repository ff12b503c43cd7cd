// A process that drains until it is killed, or nothing is left. Its clock runs ahead as it is told, so that the leases of
// processes killed before are over.
import { createClient } from "redis";
import { defineJob, Queue } from "../../src/index.ts";
import { upstashStore } from "../../src/stores/upstash/index.ts";

const { STORE_URL = "", STORE_TOKEN = "", STORE_PREFIX = "", REDIS_PORT = "", AHEAD_MS = "0" } = process.env;

const redis = await createClient({ url: `redis://127.0.0.1:${REDIS_PORT}` }).connect();

const note = defineJob({
  name: "note",
  maxRetries: 100,
  async perform(_: undefined, job) {
    await redis.rPush(`${STORE_PREFIX}:performed`, `${job.id} ${job.attempt}`);
  },
});

const queue = new Queue({
  store: upstashStore({ url: STORE_URL, token: STORE_TOKEN, prefix: STORE_PREFIX }),
  jobs: [note],
  clock: () => Date.now() + Number(AHEAD_MS),
});

process.stdout.write("ready\n");
const report = await queue.drain({
  maxJobs: 10_000,
  batchSize: 10,
  budget: { roundTrips: 10_000, commands: 1_000_000 },
});
process.stdout.write(`${JSON.stringify(report)}\n`);
await redis.close();
