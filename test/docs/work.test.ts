import { describe, expect, test, vi } from "vitest";
import wide from "../../examples/guide/cloudflare/fan-out.ts";
import { greet } from "../../examples/guide/cloudflare/jobs.ts";
import prioritized from "../../examples/guide/cloudflare/priority.ts";
import { resize } from "../../examples/guide/define.ts";
import { openQueue } from "../../examples/guide/queue.ts";
import * as work from "../../examples/guide/work.ts";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { createHandler } from "../../src/http/handler.ts";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { serveFetch } from "../support/http-server.ts";
import { useRedis } from "../support/stores.ts";
import { documentsIn, inBackground, runScript } from "./guide.ts";

const cat = { image: "cat.png", width: 80 };
const cats = (count: number) => Array.from({ length: count }, () => ({ job: resize, payload: cat }));

describe("draining", () => {
  test("runs due jobs, within limits, and reports what it did", async () => {
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    const queue = openQueue(memoryStore());
    await queue.enqueueMany(cats(150));
    expect(await work.drained(queue)).toMatchObject({ completed: 100, stoppedBy: "maxJobs", backlog: true });
    expect(log).toHaveBeenCalledWith("100 done, 0 to be retried; stopped by maxJobs");
    expect(await work.drained(queue)).toMatchObject({ completed: 50, stoppedBy: "empty", backlog: false });
    log.mockRestore();
  });

  test("the defaults match the guide", async () => {
    const queue = openQueue(memoryStore());
    await queue.enqueueMany(cats(150));
    expect(await queue.drain()).toMatchObject({ claimed: 100, stoppedBy: "maxJobs" });
  });

  test("lingers for jobs that fall due in its window, and wakes on time", async () => {
    const clock = testClock(start);
    const queue = new Queue({ store: memoryStore(), jobs: [resize], clock });
    const starts: string[] = [];
    const tick = defineJob({ name: "tick", perform: () => void starts.push(new Date(clock()).toISOString()) });
    const beating = new Queue({ store: memoryStore(), jobs: [tick], clock });
    await beating.enqueue(tick, undefined, { delay: "40s" });
    await beating.enqueue(tick, undefined, { delay: "2m" });
    const report = work.lingered(beating);
    await clock.advance("55s");
    expect(await report).toMatchObject({ completed: 1, nextRunAt: new Date("2026-03-01T12:02:00Z") });
    expect(starts).toEqual(["2026-03-01T12:00:40.000Z"]);
    expect(await work.lingered(queue)).toMatchObject({ claimed: 0, stoppedBy: "empty" });
  });

  test("starts after the response, in your own request handler", async () => {
    const queue = openQueue(memoryStore());
    const { context, settled } = inBackground();
    const answer = await work.afterTheAnswer(queue, context, "ada@example.com");
    expect(answer.status).toBe(202);
    await settled();
    expect(await queue.getStats()).toMatchObject({ totalProcessed: 1 });
  });

  test("is a request that any cron can send", async () => {
    const queue = openQueue(memoryStore());
    await queue.enqueueMany(cats(200));
    const handler = createHandler({ queue, auth: { drain: ["the-drain-token"] } });
    const server = await serveFetch((request) => handler.fetch(request));
    const output = await runScript("work.sh", { TIDEGATE_URL: server.url, TIDEGATE_DRAIN_TOKEN: "the-drain-token" });
    expect(documentsIn(output)).toMatchObject([{ completed: 200, stoppedBy: "empty" }]);
    await server.stop();
  });
});

describe("what a dead invocation leaves", () => {
  test("is due again when its lease expires, as another attempt", async () => {
    const clock = testClock();
    const attempts: number[] = [];
    const job = defineJob({ name: "job", perform: (_: undefined, { attempt }) => void attempts.push(attempt) });
    const queue = new Queue({ store: memoryStore(), jobs: [job], clock });
    await internalsOf(queue).enqueueHeld([{ job }]);
    expect(await queue.drain()).toMatchObject({ claimed: 0 });
    await clock.advance("2m");
    expect(await queue.drain()).toMatchObject({ completed: 1 });
    expect(attempts).toEqual([2]);
  });
});

describe("working in a process", () => {
  test("continues until it is stopped, and starts at once what it enqueues", async () => {
    const store = memoryStore();
    const queue = openQueue(store);
    const stop = new AbortController();
    const { id } = await queue.enqueue(resize, cat);
    const totals = work.workedFor(store, stop.signal);
    expect(await queue.wait(id)).toMatchObject({ state: "completed" });
    stop.abort();
    expect(await totals).toEqual({ completed: 1, retried: 0, deadLettered: 0 });
  });
});

describe("Workers with a backlog", () => {
  const redis = useRedis();
  const { context, settled } = inBackground();

  function environment() {
    const links: string[] = [];
    const env = {
      UPSTASH_REDIS_REST_URL: redis.shim.url,
      UPSTASH_REDIS_REST_TOKEN: redis.shim.token,
      TIDEGATE_DRAIN_TOKEN: "the-drain-token",
      SELF: {
        async fetch(input: RequestInfo | URL, init?: RequestInit) {
          const request = new Request(input, init);
          links.push(request.headers.get("tidegate-relay") ?? "none");
          return wide.fetch(request, env, context);
        },
      },
    };
    const { url, token } = redis.shim;
    return { env, links, store: upstashStore({ url, token }) };
  }

  test("fan out if a tick leaves a backlog", async () => {
    const { env, links, store } = environment();
    const queue = new Queue({ store, jobs: [greet] });
    const greetings = Array.from({ length: 1_000 }, () => ({ job: greet, payload: { who: "Ada" } }));
    for (let piece = 0; piece < 7; piece++) await queue.enqueueMany(greetings);
    await wide.scheduled({}, env, context);
    await settled();
    expect(await queue.getStats()).toMatchObject({ totalProcessed: 7_000, pendingCount: 0 });
    expect(links.filter((link) => link.startsWith("1;"))).toHaveLength(4);
  });

  test("drain the urgent queue first", async () => {
    const { env, store } = environment();
    const urgent = new Queue({ name: "urgent", store });
    const bulk = new Queue({ name: "bulk", store });
    const later = await bulk.enqueue("greet", { who: "Ben" });
    const first = await urgent.enqueue("greet", { who: "Ada" });
    await prioritized.scheduled({}, env, context);
    const [sooner, after] = [await urgent.getJob(first.id), await bulk.getJob(later.id)];
    expect([sooner?.state, after?.state]).toEqual(["completed", "completed"]);
    expect(sooner?.completedAt?.getTime()).toBeLessThanOrEqual(after?.startedAt?.getTime() ?? 0);
  });
});
