// A process that drains a queue with alerts until nothing is left, or it is killed: by others at any moment, or by
// itself at a named point. Its clock runs ahead by a given time, so that the leases of earlier killed processes have
// expired.
import { webhook } from "../../src/alerts/index.ts";
import type { ExchangeReply, ExchangeRequest, SettleReply, SettleRequest } from "../../src/core/store/store.ts";
import { defineJob, PermanentError, Queue } from "../../src/index.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import { aroundStore } from "./around-calls.ts";

const { STORE_URL = "", STORE_TOKEN = "", STORE_PREFIX = "", RECEIVER = "", SECRET = "" } = process.env;
const { AHEAD_MS, DIE_AT, DIE_ON } = process.env;
const clock = () => Date.now() + Number(AHEAD_MS);
let passed = 0;

/** Dies here if this is the chosen point. */
async function passes(point: string): Promise<void> {
  if (point !== DIE_AT || ++passed !== Number(DIE_ON)) return;
  process.kill(process.pid, "SIGKILL");
  await new Promise(() => {});
}

const opened = upstashStore({ url: STORE_URL, token: STORE_TOKEN, prefix: STORE_PREFIX });
const store = aroundStore(opened, async ({ method, parameters }, run) => {
  if (method !== "exchange" && method !== "settle") return run();
  const { settle } = parameters[0] as SettleRequest & Partial<ExchangeRequest>;
  if (settle.length > 0) await passes("settling");
  const reply = (await run()) as SettleReply & Partial<ExchangeReply>;
  if (settle.length > 0) await passes("settled");
  if (reply.jobs && reply.jobs.length > 0) await passes("claimed");
  return reply;
});

const alert = webhook(RECEIVER, {
  secret: SECRET,
  async fetch(input, init) {
    await passes("sending");
    const response = await fetch(input, init);
    await passes("sent");
    return response;
  },
});

const fails = defineJob({
  name: "fails",
  // A killed process takes an attempt of each job that it has claimed.
  maxRetries: 400,
  perform({ error }: { error: string }) {
    throw new PermanentError(error);
  },
});

const queue = new Queue({ store, clock, jobs: [fails], alerts: [alert], logger: null });
process.stdout.write("ready\n");
let quiet = 0;
while (quiet < 2) {
  const { claimed } = await queue.drain({
    maxJobs: 10_000,
    batchSize: 8,
    concurrency: 4,
    budget: { roundTrips: 10_000, commands: 1e6 },
  });
  quiet = claimed > 0 ? 0 : quiet + 1;
}
