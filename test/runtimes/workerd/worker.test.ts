import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { defineJob, memoryStore, Queue, type QueueOptions, type Store } from "tidegate";
import { type CloudflareOptions, createWorker, relayTo } from "tidegate/cloudflare";
import { upstashStore } from "tidegate/upstash";
import { describe, expect, inject, test } from "vitest";
import { clockByHand, start } from "../../support/clock.ts";

const token = "a-long-secret";

const greet = defineJob({ name: "greet", perform: ({ name }: { name: string }) => ({ greeted: name }) });
const fails = defineJob({
  name: "fails",
  maxRetries: 1,
  perform(_: unknown) {
    throw new Error("no luck");
  },
});
const beat = defineJob({ name: "beat", schedule: { cron: "*/15 * * * * *" }, perform() {} });

let prefixes = 0;
const stores: Record<string, () => Store> = {
  memoryStore,
  upstashStore: () => upstashStore({ ...inject("upstash"), prefix: `workerd-${prefixes++}` }),
};

/** A Worker around one queue, and the events that reach it. */
function setUp(store: Store, parts: { queue?: Partial<QueueOptions>; worker?: Partial<CloudflareOptions> } = {}) {
  const queue = new Queue({ store, jobs: [greet, fails], ...parts.queue });
  const worker = createWorker(() => ({ queue, auth: { admin: [token] }, ...parts.worker }));
  const env = {};
  const request = async (method: string, path: string, body?: unknown) => {
    const context = createExecutionContext();
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const response = await worker.fetch(new Request(`http://worker.test${path}`, init), env, context);
    await waitOnExecutionContext(context);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const tick = () => worker.scheduled({ cron: "* * * * *" }, env, createExecutionContext());
  return { queue, worker, request, tick };
}

describe.each(Object.entries(stores))("a Worker on %s", (_, createStore) => {
  test("performs a job in the background of the request that enqueued it", async () => {
    const { request } = setUp(createStore());
    const { status, body } = await request("POST", "/jobs", { name: "greet", payload: { name: "Ada" } });
    expect(status).toBe(201);
    const job = await request("GET", `/jobs/${body["id"]}`);
    expect(job.body).toMatchObject({ state: "completed", attempts: 1, result: { greeted: "Ada" } });
  });

  test("retries and dead-letters jobs, and runs retried dead jobs, on its cron trigger", async () => {
    const clock = clockByHand(start);
    const { request, tick } = setUp(createStore(), { queue: { clock } });
    const { body } = await request("POST", "/jobs", { name: "fails" });
    clock.now += 60_000;
    await tick();
    const dead = await request("GET", "/dead-letter");
    expect(dead.body["jobs"]).toMatchObject([{ id: body["id"], attempts: 2, error: { message: "no luck" } }]);
    expect((await request("POST", `/dead-letter/${body["id"]}/retry`, {})).body).toMatchObject({ state: "ready" });
    await tick();
    expect((await request("GET", "/stats")).body).toMatchObject({ totalFailed: 1, totalRetried: 2, scheduledCount: 1 });
  });

  test("fans out a backlog if its cron trigger reaches a limit", async () => {
    const contexts: ReturnType<typeof createExecutionContext>[] = [];
    const set = setUp(createStore(), {
      worker: {
        drain: { maxJobs: 10 },
        fanOut: 2,
        onBacklog: relayTo({
          url: "http://worker.test/drain",
          token,
          fetch: (input, init) => {
            const context = createExecutionContext();
            contexts.push(context);
            return set.worker.fetch(new Request(input, init), {}, context);
          },
        }),
      },
    });
    await set.queue.enqueueMany(Array.from({ length: 95 }, () => ({ job: greet, payload: { name: "Ada" } })));
    await set.tick();
    // Grows during the iteration: each invocation may start another.
    for (const context of contexts) await waitOnExecutionContext(context);
    expect((await set.request("GET", "/stats")).body).toMatchObject({ totalProcessed: 95, readyCount: 0 });
    expect(contexts.length).toBeGreaterThanOrEqual(9);
  });

  test("fires each occurrence of a schedule once, however many triggers race for it", async () => {
    const clock = clockByHand(start);
    const { queue, tick } = setUp(createStore(), { queue: { clock, jobs: [beat] } });
    await tick();
    for (const slot of [1, 2]) {
      clock.now = start + slot * 15_000;
      await Promise.all([tick(), tick(), tick()]);
    }
    const { jobs } = await queue.listJobs({ state: "completed" });
    expect(jobs.map(({ id }) => id).sort()).toEqual(["beat@2026-03-01T12:00:15.000Z", "beat@2026-03-01T12:00:30.000Z"]);
  });

  test("lingers on its cron trigger for jobs that fall due inside the window", async () => {
    const { queue, tick } = setUp(createStore(), { worker: { scheduled: { linger: "5s" } } });
    const { id, runAt } = await queue.enqueue(greet, { name: "Ada" }, { delay: "300ms" });
    await tick();
    const { state, startedAt } = (await queue.getJob(id)) ?? {};
    expect(state).toBe("completed");
    expect((startedAt?.getTime() ?? 0) - (runAt?.getTime() ?? 0)).toBeGreaterThanOrEqual(0);
  });

  test("refuses a wrong token", async () => {
    const { worker } = setUp(createStore());
    const request = new Request("http://worker.test/stats", { headers: { Authorization: "Bearer wrong" } });
    expect((await worker.fetch(request, {}, createExecutionContext())).status).toBe(401);
  });
});

test("code runs in workerd", () => {
  expect(navigator.userAgent).toBe("Cloudflare-Workers");
});
