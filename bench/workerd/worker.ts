// The measured Worker, like a user's: jobs in Upstash Redis, drained over HTTP.
import { defineJob, Queue } from "../../src/index.ts";
import { createWorker } from "../../src/platforms/cloudflare.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import { QUEUE } from "../queue.ts";

interface Env {
  readonly STORE_URL: string;
  readonly STORE_TOKEN: string;
  readonly DRAIN_TOKEN: string;
}

const empty = defineJob({ name: "empty", perform: () => {} });

export default createWorker<Env>(({ STORE_URL, STORE_TOKEN, DRAIN_TOKEN }) => ({
  queue: new Queue({ name: QUEUE, store: upstashStore({ url: STORE_URL, token: STORE_TOKEN }), jobs: [empty] }),
  auth: { drain: [DRAIN_TOKEN] },
}));
