import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { unstable_startWorker as startWorker } from "wrangler";
import { defineJob, Queue } from "../../src/index.ts";
import { installedBuild } from "../package/built.ts";
import { countCommands } from "../support/command-stats.ts";
import { serveFetch } from "../support/http-server.ts";
import { type ReadEvents, readEvents } from "../support/job-events.ts";
import { useRedis } from "../support/stores.ts";
import { dev } from "./wrangler.ts";

// Many viewers of a job in one isolate of workerd, where no request may use what another one has started. The clock of
// the Worker runs fifty times as fast.

const SPEED = 50;
const startedAt = Date.now();
const watchSecret = "a secret of the tests";

const WORKER = `
  import { Queue } from "tidegate";
  import { createWorker } from "tidegate/cloudflare";
  import { upstashStore } from "tidegate/upstash";
  const clock = Object.assign(() => ${startedAt} + (Date.now() - ${startedAt}) * ${SPEED}, {
    sleep: (ms, signal) => new Promise((resolve) => {
      setTimeout(resolve, ms / ${SPEED});
      signal?.addEventListener("abort", resolve);
    }),
  });
  export default createWorker(({ REDIS_URL: url, REDIS_TOKEN: token, WATCH_SECRET: watchSecret }) => ({
    queue: new Queue({ store: upstashStore({ url, token, prefix: "live" }), clock, watchSecret }),
    auth: { admin: ["the-admin-token"] },
    watchLimits: { maxViewers: 40, maxDuration: "1h" },
    drain: { budget: { roundTrips: 1_000 } },
  }));`;

const redis = useRedis();
let folder: string;
let worker: Awaited<ReturnType<typeof startWorker>>;
let front: Awaited<ReturnType<typeof serveFetch>>;
/** Holds the requests of the Worker to Redis back. */
let held: Promise<void> | undefined;
let arrived = () => {};

beforeAll(async () => {
  front = await serveFetch(async (request) => {
    arrived();
    await held;
    const url = new URL(new URL(request.url).pathname, redis.shim.url);
    return fetch(new Request(url, request), { body: await request.arrayBuffer() });
  });
  folder = await mkdtemp(join(await installedBuild(), "job-events-"));
  await writeFile(join(folder, "worker.ts"), WORKER);
  const text = (value: string) => ({ type: "plain_text", value }) as const;
  worker = await startWorker({
    ...{ name: "job-events", entrypoint: join(folder, "worker.ts"), dev, compatibilityDate: "2026-04-21" },
    bindings: {
      REDIS_URL: text(front.url),
      REDIS_TOKEN: text(redis.shim.token),
      WATCH_SECRET: text(watchSecret),
    },
  });
});
afterAll(async () => {
  await worker.dispose();
  await front.stop();
  await rm(folder, { recursive: true });
});

/** The queue of the Worker, from outside. */
function openQueue() {
  const work = defineJob({ name: "work", perform() {} });
  const clock = () => startedAt + (Date.now() - startedAt) * SPEED;
  return { work, queue: new Queue({ store: redis.store("live"), jobs: [work], clock, watchSecret, logger: null }) };
}

async function watch(id: string) {
  const { queue } = openQueue();
  const stop = new AbortController();
  const address = new URL(`/jobs/${id}/events?token=${await queue.watchToken(id, { ttl: "7d" })}`, await worker.url);
  return { stop, response: fetch(address, { signal: stop.signal }) };
}

async function view(id: string) {
  const events = readEvents(await (await watch(id)).response);
  onTestFinished(() => events.leave());
  await vi.waitUntil(() => events.events.length > 0, { timeout: 60_000, interval: 5 });
  return events;
}

const comments = ({ chunks }: { readonly chunks: readonly string[] }) =>
  chunks.filter((each) => each === ":\n\n").length;

test("in one isolate of workerd, ten viewers of a job cost what one costs, and all see it end", async () => {
  const { queue, work } = openQueue();
  await queue.enqueue(work, undefined, { id: "shared", delay: "7d" });
  const viewers = await Promise.all(Array.from({ length: 10 }, () => view("shared")));
  for (const { events } of viewers) expect(events).toEqual([{ state: "scheduled", progress: null }]);
  const { commands } = await countCommands(redis.server.port, () =>
    vi.waitUntil(() => viewers.every((each) => comments(each) >= 4), { timeout: 60_000, interval: 5 }),
  );
  // A minute and more of the clock: a reading every 5 s costs 3 commands.
  expect(commands).toBeGreaterThanOrEqual(15);
  expect(commands).toBeLessThanOrEqual(90);
  await queue.reschedule("shared", "0s");
  await queue.drain();
  await vi.waitUntil(() => viewers.every(({ hasEnded }) => hasEnded), { timeout: 60_000, interval: 5 });
  for (const { events } of viewers) expect(events.at(-1)).toEqual({ state: "completed", progress: null });
});

test("a viewer in workerd does not wait for the reading of another one whose browser has gone", async () => {
  const { queue, work } = openQueue();
  await queue.enqueue(work, undefined, { id: "left", delay: "7d" });
  let letThrough = () => {};
  held = new Promise((resolve) => {
    letThrough = resolve;
  });
  const arrival = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const { stop, response } = await watch("left");
  await arrival;
  stop.abort();
  await expect(response).rejects.toThrow();
  held = undefined;
  expect((await view("left")).events).toEqual([{ state: "scheduled", progress: null }]);
  letThrough();
});

test("viewers in workerd whose browsers have gone make room for others", async () => {
  const { queue, work } = openQueue();
  await queue.enqueue(work, undefined, { id: "full", delay: "7d" });
  const ask = async () => (await watch("full")).response;
  const admitted: ReadEvents[] = [];
  let last = await ask();
  for (; last.status === 200; last = await ask()) admitted.push(readEvents(last));
  expect(last.status).toBe(503);
  // A quarter of all.
  expect(admitted.length).toBeLessThanOrEqual(10);
  await Promise.all([last.text(), ...admitted.map((each) => each.leave())]);
  await vi.waitUntil(
    async () => {
      const { status, body } = await ask();
      await body?.cancel();
      return status === 200;
    },
    { timeout: 60_000, interval: 50 },
  );
});
