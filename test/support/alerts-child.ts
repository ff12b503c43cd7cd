// A process that drains a queue with alerts until nothing is left, or it is killed.
import { webhook } from "../../src/alerts/index.ts";
import type { ExchangeReply, ExchangeRequest, SettleReply, SettleRequest } from "../../src/core/store/store.ts";
import { defineJob, PermanentError, Queue } from "../../src/index.ts";
import { aroundStore } from "./around-calls.ts";
import { aheadMs, allJobs, openedStore, passes } from "./dying.ts";

const { RECEIVER = "", SECRET = "" } = process.env;
const clock = () => Date.now() + aheadMs;
const store = aroundStore(openedStore, async ({ method, parameters }, run) => {
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
  const { claimed } = await queue.drain(allJobs);
  quiet = claimed > 0 ? 0 : quiet + 1;
}
