// A process that serves QStash's interface and delivers its messages, until it is told to finish or is killed.
import { setTimeout as wait } from "node:timers/promises";
import { createHandler } from "../../src/http/handler.ts";
import { Queue } from "../../src/index.ts";
import { createQStash } from "../../src/qstash/index.ts";
import { aroundStore } from "./around-calls.ts";
import type { DeliveryPoint } from "./delivery-points.ts";
import { aheadMs, allJobs, openedStore, passes } from "./dying.ts";
import { serveFetch } from "./http-server.ts";

const { QSTASH_TOKEN = "", CURRENT_KEY = "", NEXT_KEY = "", TARGET = "", LEASE_IS_OVER_MS } = process.env;
let ahead = aheadMs;
/** How often the last process moves its clock: more than a series needs. */
const MOST_MOVES = 300;
let moves = 0;

const around: Readonly<Record<string, readonly [DeliveryPoint, DeliveryPoint]>> = {
  enqueue: ["storing", "stored"],
  settle: ["settling", "settled"],
  changeDocuments: ["changing", "changed"],
};

const store = aroundStore(openedStore, async ({ method, parameters }, run) => {
  const settles = method === "exchange" && (parameters[0] as { readonly settle: readonly unknown[] }).settle.length > 0;
  const points = around[settles ? "settle" : method];
  if (points) await passes(points[0]);
  const reply = await run();
  if (points) await passes(points[1]);
  if (method === "exchange" && (reply as { readonly jobs: readonly unknown[] }).jobs.length > 0)
    await passes("claimed");
  return reply;
});

const qstash = createQStash({
  tokens: [QSTASH_TOKEN],
  signingKeys: { current: CURRENT_KEY, next: NEXT_KEY },
  targets: [TARGET],
  fetch: async (...request) => {
    await passes("delivering");
    const response = await fetch(...request);
    await passes("delivered");
    return response;
  },
});
const queue = new Queue({ store, clock: () => Date.now() + ahead, jobs: qstash.jobs, logger: null });

/** Requests that are being answered, and the drains that they have started. */
const open = new Set<Promise<unknown>>();
function track<Result>(work: Promise<Result>): Promise<Result> {
  open.add(work);
  work.catch(() => {}).finally(() => open.delete(work));
  return work;
}

let isFinishing = false;
process.on("SIGTERM", () => {
  isFinishing = true;
});
const app = createHandler({
  queue,
  auth: { admin: ["the-admin-token"] },
  qstash,
  waitUntil: (work) => void track(work),
  // Redis crashes at times.
  onError: () => {},
});
const server = await serveFetch((request) => track(Promise.resolve(app.fetch(request))));
process.stdout.write(`ready ${server.url}\n`);

for (let isIdle = false; !isIdle || !isFinishing || (await hasMore()); ) {
  const before = open.size;
  // While Redis is down, a drain fails.
  const { claimed } = await queue.drain(allJobs).catch(() => ({ claimed: -1 }));
  isIdle = claimed === 0 && before + open.size === 0;
  if (claimed <= 0) await wait(5);
}
await server.stop();

/** Whether the last process of a series has more to do. Then its clock moves to the next job, or past a lease. */
async function hasMore(): Promise<boolean> {
  if (LEASE_IS_OVER_MS === undefined || ++moves > MOST_MOVES) return false;
  const { pendingCount, runningCount, nextRunAt } = await queue.getStats();
  if (pendingCount + runningCount === 0) return false;
  const untilNext = Number(nextRunAt ?? 0) - queue.clock();
  // A process that was killed may have left the deadline of a wait that an event has ended.
  ahead += runningCount > 0 ? Number(LEASE_IS_OVER_MS) : Math.max(0, untilNext);
  return true;
}
