// A process that drains, and is killed by one of its jobs. Its clock runs ahead by a given time.
import { defineJob, Queue } from "../../src/index.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";

const { STORE_URL = "", STORE_TOKEN = "", STORE_PREFIX = "", AHEAD_MS } = process.env;

const queue = new Queue({
  store: upstashStore({ url: STORE_URL, token: STORE_TOKEN, prefix: STORE_PREFIX }),
  clock: () => Date.now() + Number(AHEAD_MS),
  logger: null,
  jobs: [
    defineJob({ name: "harmless", perform: () => {} }),
    defineJob({ name: "poison", perform: () => void process.kill(process.pid, "SIGKILL") }),
  ],
});
await queue.drain({ maxJobs: 1_000 });
