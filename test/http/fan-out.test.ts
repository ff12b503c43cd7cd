import { describe, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { createHandler, type HandlerOptions, relayTo } from "../../src/http/handler.ts";
import { type AnyJob, type Clock, defineJob, type FlowControl, memoryStore, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { clockByHand, start } from "../support/clock.ts";

const drainToken = "the-drain-token";

/** A handler that fans out to itself, and all of whose background work can be awaited. */
function setUp<Time extends Clock = ReturnType<typeof clockByHand>>(
  jobs: number,
  options: Partial<HandlerOptions> = {},
  clock = clockByHand(start) as Clock as Time,
  known: readonly AnyJob[] = [],
) {
  const noop = defineJob({ name: "noop", perform: () => {} });
  const queue = new Queue({ store: memoryStore(), jobs: [noop, ...known], clock });
  const background: Promise<unknown>[] = [];
  const errors: unknown[] = [];
  const seen: string[] = [];
  let running = 0;
  let most = 0;
  const handler = createHandler({
    queue,
    auth: { drain: [drainToken] },
    drain: { maxJobs: 10 },
    waitUntil: (promise) => void background.push(promise),
    onError: (error) => errors.push(error),
    onBacklog: relayTo({
      url: "https://example.com/drain",
      token: drainToken,
      fetch: async (input, init) => {
        seen.push(new Headers(init.headers).get("tidegate-relay") ?? "none");
        most = Math.max(most, ++running);
        const response = await handler.fetch(new Request(input, init));
        running--;
        return response;
      },
    }),
    ...options,
  });
  const call = (method: "GET" | "POST", headers: Record<string, string> = {}) =>
    handler.fetch(
      new Request("https://example.com/drain", {
        method,
        headers: { Authorization: `Bearer ${drainToken}`, ...headers },
      }),
    );
  const settled = async () => {
    for (let at = 0; at < background.length; at++) await background[at];
  };
  const fill = () => queue.enqueueMany(Array.from({ length: jobs }, () => ({ job: noop })));
  return { queue, clock, call, settled, fill, errors, seen, most: () => most };
}

describe("a drain that stops with a backlog", () => {
  test("starts the next invocation, until the backlog is gone", async () => {
    const { queue, call, settled, fill, seen } = setUp(95);
    await fill();
    expect(await (await call("POST")).json()).toMatchObject({ claimed: 10, backlog: true });
    await settled();
    expect(await queue.getStats()).toMatchObject({ totalProcessed: 95, pendingCount: 0 });
    expect(seen).toEqual(Array.from({ length: 9 }, (_, index) => `${index + 1};${start + 60_000}`));
  });

  test("starts fanOut invocations if a cron started it, and each of these starts its successor", async () => {
    const { queue, call, settled, fill, most, seen } = setUp(400, { fanOut: 4 });
    await fill();
    await call("GET");
    await settled();
    expect(await queue.getStats()).toMatchObject({ totalProcessed: 400 });
    expect(seen.filter((link) => link.startsWith("1;"))).toHaveLength(4);
    expect(most()).toBeLessThanOrEqual(4);
  });

  test("starts none without a backlog, and none from a hop that found nothing to claim", async () => {
    const { call, settled, fill, seen, queue } = setUp(10, { fanOut: 4 });
    await call("GET");
    await fill();
    await call("GET");
    await queue.pause();
    await fill();
    await call("GET");
    await settled();
    expect(seen).toEqual([]);
    const hasty = setUp(10, { fanOut: 4, drain: { timeBudget: 0 } });
    await hasty.fill();
    expect(await (await hasty.call("GET")).json()).toMatchObject({ claimed: 0, backlog: true });
    await hasty.settled();
    expect(hasty.seen).toEqual([]);
  });

  const keyed = (flowControl: FlowControl<unknown>) => defineJob({ name: "keyed", flowControl, perform: () => {} });
  const held = (job: AnyJob, count = 95) => Array.from({ length: count }, () => ({ job }));

  test.each([4, 10, 12])("starts none for jobs that the rate of their key holds back: %i a minute", async (rate) => {
    const job = keyed({ key: "api", rate, period: "1m" });
    const { queue, call, settled, seen } = setUp(0, { fanOut: 4 }, clockByHand(start), [job]);
    await queue.enqueueMany(held(job));
    const backlog = rate > 10;
    expect(await (await call("GET")).json()).toMatchObject({ claimed: Math.min(rate, 10), backlog });
    await settled();
    expect(await queue.getStats()).toMatchObject({ totalProcessed: rate, readyCount: 95 - rate });
    expect(seen.length).toBeLessThanOrEqual(backlog ? 8 : 0);
    const again = seen.length;
    for (const method of ["GET", "POST", "GET"] as const)
      expect(await (await call(method)).json()).toMatchObject({ claimed: 0, backlog: false, stoppedBy: "empty" });
    await settled();
    expect(seen).toHaveLength(again);
  });

  test("starts none for a key that is paused, or whose places dead invocations hold", async () => {
    const job = keyed({ key: "api", concurrency: 2 });
    const { queue, call, settled, seen } = setUp(0, { fanOut: 4 }, clockByHand(start), [job]);
    await queue.enqueueMany(held(job));
    await internalsOf(queue).enqueueHeld(held(job, 2));
    await queue.flowControl.pause("api");
    expect(await (await call("GET")).json()).toMatchObject({ claimed: 0, backlog: false, nextRunAt: null });
    await queue.flowControl.resume("api");
    const killed = setUp(0, { fanOut: 4 }, clockByHand(start), [job]);
    expect((await internalsOf(killed.queue).enqueueHeld(held(job, 2))).held).toHaveLength(2);
    await killed.queue.enqueueMany(held(job));
    for (const method of ["GET", "POST"] as const)
      expect(await (await killed.call(method)).json()).toMatchObject({ claimed: 0, backlog: false });
    await killed.settled();
    await settled();
    expect([...seen, ...killed.seen]).toEqual([]);
  });

  test("goes on through a key that takes one job at a time, until it is done", async () => {
    const job = keyed({ key: "account", ordered: true });
    const { queue, call, settled, seen } = setUp(0, {}, clockByHand(start), [job]);
    await queue.enqueueMany(held(job));
    await call("GET");
    await settled();
    expect(await queue.getStats()).toMatchObject({ totalProcessed: 95, pendingCount: 0 });
    expect(seen.length).toBeLessThanOrEqual(10);
  });

  test("a chain ends after its time and its length, and at an invalid header", async () => {
    const { clock, call, settled, fill, seen } = setUp(100);
    await fill();
    for (const link of [`100;${start + 60_000}`, `5;${start}`, "rubbish", "", "1;2;3", `-1;${start + 60_000}`]) {
      expect((await call("POST", { "Tidegate-Relay": link })).status).toBe(202);
      await settled();
    }
    expect(seen).toEqual([]);
    clock.now += 1;
    await call("POST", { "Tidegate-Relay": `99;${start + 60_000}` });
    await settled();
    expect(seen).toEqual([`100;${start + 60_000}`]);
  });

  test("a target that drops the headers cannot cause a storm: each invocation starts at most one", async () => {
    let started = 0;
    const set = setUp(200, {
      fanOut: 50,
      onBacklog: async () => {
        started++;
        await set.call("POST");
      },
    });
    await set.fill();
    await set.call("POST");
    await set.settled();
    expect(started).toBe(19);
  });

  test("a target that fails is reported to onError once, and not called again", async () => {
    let asked = 0;
    const onBacklog = relayTo({
      url: "https://example.com/drain",
      token: "secret-token",
      fetch: async () => {
        asked++;
        return new Response("<html>", { status: 502 });
      },
    });
    const { call, settled, fill, errors } = setUp(100, { fanOut: 3, onBacklog });
    await fill();
    expect((await call("GET")).status).toBe(200);
    await settled();
    expect(asked).toBe(3);
    expect(errors.map(String)).toEqual(Array(3).fill("Error: The next invocation was refused with status 502."));
  });

  test("a target that never answers holds up a drain for at most 10 s, and is reported to onError", async () => {
    const clock = testClock(start);
    const { queue, call, fill, errors } = setUp(100, { fanOut: 2, onBacklog: () => new Promise(() => {}) }, clock);
    await fill();
    expect((await call("GET")).status).toBe(200);
    await clock.advance("9s");
    expect(errors).toEqual([]);
    await clock.advance("1s");
    expect(errors.map(String)).toEqual(Array(2).fill(expect.stringMatching(/has not responded within 10 s/)));
    expect(await queue.getStats()).toMatchObject({ totalProcessed: 10 });
  });

  test("relayTo follows no redirect, which would pass its token on", async () => {
    const redirects: unknown[] = [];
    const fetch = async (_: string, { redirect }: RequestInit) => {
      redirects.push(redirect);
      return new Response(null, { status: 307, headers: { Location: "https://other.test" } });
    };
    const relay = relayTo({ url: "https://example.com/drain", token: drainToken, fetch });
    await expect(relay({})).rejects.toThrow("refused with status 307");
    expect(redirects).toEqual(["manual"]);
  });

  test("relayTo cancels the response unread, since an open one would keep its connection", async () => {
    let cancelled = 0;
    const fetch = async () => new Response(new ReadableStream({ cancel: () => void cancelled++ }));
    await relayTo({ url: "https://example.com/drain", token: drainToken, fetch })({});
    expect(cancelled).toBe(1);
  });

  test("a hop starts no job that may outlast its invocation, and a tick finds that job first in line", async () => {
    const clock = testClock(start);
    const long = defineJob({ name: "long", timeout: "5m", maxRetries: 0, perform: () => clock.sleep("40s") });
    const quick = defineJob({ name: "quick", perform() {} });
    const { queue, call, settled } = setUp(0, { drain: { maxJobs: 20 } }, clock, [long, quick]);
    await queue.enqueueMany(Array(20).fill({ job: quick }));
    await queue.enqueueMany([...Array(2).fill({ job: long }), ...Array(40).fill({ job: quick })]);
    await call("GET");
    await clock.advance("1s");
    await settled();
    expect(await queue.getStats()).toMatchObject({ runningCount: 0, totalRetried: 0, totalFailed: 0, readyCount: 2 });
    const { jobs } = await queue.listJobs({ state: "ready" });
    expect(jobs.map(({ name, attempts }) => [name, attempts])).toEqual(Array(2).fill(["long", 0]));
    const tick = call("GET");
    await clock.advance("41s");
    expect(await (await tick).json()).toMatchObject({ completed: 2 });
  });

  test("a chain ends if every job that a hop finds may outlast it", async () => {
    const clock = testClock(start);
    const long = defineJob({ name: "long", timeout: "5m", perform: () => clock.sleep("40s") });
    const quick = defineJob({ name: "quick", perform() {} });
    const { queue, call, settled, seen } = setUp(0, { fanOut: 3, drain: { maxJobs: 10 } }, clock, [long, quick]);
    await queue.enqueueMany([...Array(10).fill({ job: quick }), ...Array(30).fill({ job: long })]);
    await call("GET");
    await clock.advance("1s");
    await settled();
    expect(seen).toHaveLength(3);
    expect(await queue.getStats()).toMatchObject({ readyCount: 30, runningCount: 0, totalProcessed: 10 });
  });

  test("fanOut is refused outside 1 to 50", () => {
    for (const fanOut of [0, 51, 1.5])
      expect(() => setUp(0, { fanOut })).toThrow(/fanOut must be a whole number from 1 to 50/);
  });
});
