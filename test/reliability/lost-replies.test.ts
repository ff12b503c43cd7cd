import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { defineJob, Queue, TidegateError } from "../../src/index.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import { clockByHand, start } from "../support/clock.ts";
import { type Fault, type FaultProxy, startFaultProxy } from "../support/faults.ts";
import { useRedis } from "../support/stores.ts";

// A proxy between the adapter and Redis does what networks do.

describe("if the network fails", () => {
  const redis = useRedis();
  let proxy: FaultProxy;
  let prefix = 0;
  const performed: string[] = [];
  const note = defineJob({
    name: "note",
    maxRetries: 0,
    perform: (_: undefined, job) => void performed.push(`${job.id} ${job.attempt}`),
  });

  beforeAll(async () => {
    proxy = await startFaultProxy(redis.shim.url);
    // Loads the scripts: below, answers are lost, not the scripts themselves.
    const { queue } = setUp();
    await queue.enqueue(note);
    await queue.drain();
  });
  afterAll(() => proxy.stop());
  beforeEach(() => {
    proxy.always(undefined);
    performed.length = 0;
  });

  function setUp() {
    const clock = clockByHand(start);
    const store = upstashStore({ url: proxy.url, token: redis.shim.token, prefix: `faults-${prefix++}` });
    return { queue: new Queue({ store, jobs: [note], clock }), store, clock };
  }

  const passing: readonly Fault[] = ["drop-request", "drop-reply", "half-body", "html", "error-500", "duplicate"];

  test.each(passing)("an enqueue stores its job once, and says so, through %j", async (fault) => {
    const { queue } = setUp();
    await queue.getStats();
    proxy.next(fault);
    expect(await queue.enqueue(note, undefined, { id: "order-7" })).toMatchObject({
      id: "order-7",
      status: "enqueued",
    });
    proxy.next(fault);
    expect(await queue.enqueue(note)).toMatchObject({ status: "enqueued" });
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 2, readyCount: 2 });
    expect(await queue.enqueue(note, undefined, { id: "order-7" })).toMatchObject({ status: "duplicate" });
  });

  test.each(passing)(
    "a drain gets its claims and settles its outcomes through %j, with no attempt lost",
    async (fault) => {
      const { queue } = setUp();
      const { id } = await queue.enqueue(note);
      let sent = 0;
      proxy.decide(() => (sent++ % 2 === 0 ? fault : undefined));
      const report = await queue.drain();
      proxy.decide(undefined);
      expect(report).toMatchObject({ claimed: 1, completed: 1, lost: 0 });
      expect(performed).toEqual([`${id} 1`]);
      expect(await queue.getStats()).toMatchObject({
        totalProcessed: 1,
        runningCount: 0,
        pendingCount: 0,
        deadLetterCount: 0,
      });
    },
  );

  test.each(passing)("a job enqueues one with its outcome, once, through %j", async (fault) => {
    const next = defineJob({ name: "next", flowControl: { key: "k", concurrency: 1 }, perform: () => {} });
    const first = defineJob({ name: "first", maxRetries: 0, perform: (_: undefined, job) => job.enqueue(next) });
    const { store, clock } = setUp();
    const queue = new Queue({ store, jobs: [first, next], clock });
    await queue.enqueue(first);
    let sent = 0;
    proxy.decide(() => (sent++ % 2 === 0 ? fault : undefined));
    expect(await queue.drain()).toMatchObject({ claimed: 2, completed: 2, lost: 0 });
    proxy.decide(undefined);
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 2, totalProcessed: 2, pendingCount: 0 });
  });

  test.each(passing)("a job enqueues a family with its outcome, once, through %j", async (fault) => {
    const row = defineJob({ name: "row", perform: () => {} });
    const keyed = defineJob({ name: "keyed", flowControl: { key: "k", concurrency: 1 }, perform: () => {} });
    const report = defineJob({
      name: "report",
      flowControl: { key: "k" },
      perform: (_: undefined, job) => job.children,
    });
    const first = defineJob({
      name: "first",
      maxRetries: 0,
      perform: (_: undefined, job) =>
        job.enqueue(report, undefined, {
          children: [{ job: row }, { job: keyed }, { job: row, children: [{ job: row }] }],
        }),
    });
    const { store, clock } = setUp();
    const queue = new Queue({ store, jobs: [first, row, keyed, report], clock });
    await queue.enqueue(first);
    let sent = 0;
    proxy.decide(() => (sent++ % 2 === 0 ? fault : undefined));
    expect(await queue.drain()).toMatchObject({ claimed: 6, completed: 6, lost: 0 });
    proxy.decide(undefined);
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 6, totalProcessed: 6, pendingCount: 0 });
    const [{ result } = {}] = (await queue.listJobs({ state: "completed", name: "report" })).jobs;
    expect(result).toEqual({ total: 3, pending: 0, completed: 3, dead: 0, dropped: 0 });
  });

  test("a settled job is not taken for lost if completed jobs are not kept", async () => {
    const { store, clock } = setUp();
    const queue = new Queue({ store, jobs: [note], clock, retention: 0 });
    await queue.enqueue(note);
    let sent = 0;
    proxy.decide(() => (sent++ % 2 === 0 ? "drop-reply" : undefined));
    expect(await queue.drain()).toMatchObject({ completed: 1, lost: 0 });
    proxy.decide(undefined);
  });

  test("a claim whose answer is lost twice is returned by the third send, and leaves no orphaned lease", async () => {
    const { queue, store, clock } = setUp();
    await queue.enqueueMany([{ job: note }, { job: note }, { job: note }]);
    proxy.next("drop-reply", "drop-reply");
    const request = { now: clock.now, settle: [], fire: [], claim: { limit: 2, leaseMs: 60_000 }, retentionMs: 0 };
    const { jobs } = await store.open("default").exchange(request);
    expect(jobs).toHaveLength(2);
    expect(await queue.getStats()).toMatchObject({ runningCount: 2, readyCount: 1 });
    // Each answer has its own leases, so that only the last of those that may have arrived can settle.
    expect(jobs.map(({ lease }) => lease.endsAt)).toEqual([clock.now + 60_002, clock.now + 60_002]);
  });

  test("an eager job is leased once even if the answer to its lease is lost", async () => {
    const { queue } = setUp();
    await queue.getStats();
    proxy.next("drop-reply");
    const { results, held } = await internalsOf(queue).enqueueHeld([{ job: note }]);
    expect(results).toMatchObject([{ status: "enqueued" }]);
    expect(held).toHaveLength(1);
    expect(await internalsOf(queue).drain({ held })).toMatchObject({ completed: 1 });
    expect(performed).toHaveLength(1);
  });

  test("a job whose enqueue arrives twice is enqueued and starts, whichever answer comes back", async () => {
    const { queue } = setUp();
    await queue.getStats();
    proxy.next("duplicate-first");
    expect(await queue.enqueue(note, undefined, { delay: "1h" })).toMatchObject({ status: "enqueued" });
    proxy.next("duplicate-first");
    const { results, held } = await internalsOf(queue).enqueueHeld([{ job: note }]);
    expect(results).toMatchObject([{ status: "enqueued" }]);
    expect(await internalsOf(queue).drain({ held })).toMatchObject({ completed: 1 });
    expect(performed).toHaveLength(1);
  });

  test.each([
    ["has completed", note],
    ["is to be retried", defineJob({ name: "fails", perform: () => Promise.reject(new Error("no luck")) })],
    ["is dead", defineJob({ name: "dies", maxRetries: 0, perform: () => Promise.reject(new Error("no luck")) })],
  ])("an enqueue whose answer is lost returns its first answer, even if the job %s by then", async (_, job) => {
    const clock = clockByHand(start);
    const prefixed = `faults-${prefix++}`;
    const { token, url } = redis.shim;
    const client = new Queue({ store: upstashStore({ url: proxy.url, token, prefix: prefixed }), clock, jobs: [job] });
    const worker = new Queue({ store: upstashStore({ url, token, prefix: prefixed }), clock, jobs: [job] });
    await client.getStats();
    proxy.next({ meanwhile: () => worker.drain() });
    expect(await client.enqueue(job, undefined, { id: "order-7" })).toMatchObject({
      id: "order-7",
      status: "enqueued",
      runAt: new Date(start),
    });
    expect(await client.enqueue(job, undefined, { id: "order-7" })).toMatchObject({ status: "duplicate" });
    expect((await client.getStats()).totalEnqueued).toBe(1);
  });

  test("jobs that a resend returns again count against the size of its answer", async () => {
    const { store, clock } = setUp();
    const part = store.open("default");
    const jobs = Array.from({ length: 12 }, (_, index) => ({
      id: `large-${index}`,
      isFreshId: true,
      runAt: start,
      record: `1:"${"x".repeat(1024 * 1024)}"`,
    }));
    for (const job of jobs) await part.enqueue([job], start);
    proxy.next("drop-reply", "drop-reply");
    const request = { now: clock.now, settle: [], fire: [], claim: { limit: 12, leaseMs: 60_000 }, retentionMs: 0 };
    expect((await part.exchange(request)).jobs.length).toBeLessThanOrEqual(4);
    expect(await part.stats(clock.now)).toMatchObject({ running: 3, ready: 9 });
  });

  test("a retry of a dead job whose answer was lost is counted", async () => {
    const { queue } = setUp();
    const dies = defineJob({ name: "dies", maxRetries: 0, perform: () => Promise.reject(new Error("no luck")) });
    const store = upstashStore({ url: proxy.url, token: redis.shim.token, prefix: `faults-${prefix++}` });
    const other = new Queue({ store, jobs: [dies], clock: queue.clock });
    const { id } = await other.enqueue(dies);
    await other.drain();
    let first = true;
    proxy.decide(({ body }) => {
      if (!first || !body.includes("errors")) return undefined;
      first = false;
      return "drop-reply";
    });
    expect(await other.retryFromDeadLetter(id)).toEqual({ retried: 1 });
    proxy.decide(undefined);
    expect(await other.getStats()).toMatchObject({ readyCount: 1, deadLetterCount: 0, totalEnqueued: 1 });
  });

  const lasting: readonly (readonly [Fault, RegExp])[] = [
    ["drop-request", /did not reply/],
    ["html", /did not reply/],
    ["error-500", /./],
    ["quota", /quota/],
    ["full", /full/],
  ];

  test.each(lasting)(
    "a store that keeps answering %j is unavailable, with a hint and without payload or token",
    async (fault, hint) => {
      const { queue } = setUp();
      const secret = "payload-secret";
      proxy.always(fault);
      const failure = await queue.enqueue("note", { secret }).catch((error: unknown) => error);
      proxy.always(undefined);
      expect(failure).toBeInstanceOf(TidegateError);
      expect(failure).toMatchObject({ code: "store_unavailable", message: expect.stringMatching(hint) });
      const shown = JSON.stringify([String(failure), (failure as Error).stack, (failure as Error).cause ?? null]);
      expect(shown).not.toContain(secret);
      expect(shown).not.toContain(redis.shim.token);
      expect(shown).not.toContain(new URL(proxy.url).host);
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
    },
  );

  test.each([
    ["drop-request", 3],
    ["quota", 1],
    ["full", 1],
  ] as const)("a request that always meets %j is sent %i times", async (fault, times) => {
    const { queue } = setUp();
    await queue.getStats();
    const before = proxy.requests;
    proxy.always(fault);
    await expect(queue.getStats()).rejects.toMatchObject({ code: "store_unavailable" });
    proxy.always(undefined);
    expect(proxy.requests - before).toBe(times);
  });

  test("a dead job stays dead even if a duplicate delivery of its enqueue stores the job again", async () => {
    const { store, clock } = setUp();
    const dies = defineJob({ name: "dies", maxRetries: 0, perform: () => Promise.reject(new Error("no luck")) });
    const queue = new Queue({ store, jobs: [dies], clock, logger: null });
    const { id } = await queue.enqueue(dies);
    await queue.drain();
    const record = '1:{"name":"dies","enqueuedAt":0}';
    await store.open("default").enqueue([{ id, isFreshId: true, runAt: clock.now, record }], clock.now);
    expect(await queue.retryFromDeadLetter(id)).toEqual({ retried: 0 });
    expect(await queue.getStats()).toMatchObject({ deadLetterCount: 1, readyCount: 1 });
  });

  test("a drain whose store becomes unreachable while jobs run settles them once it is back", async () => {
    const { queue } = setUp();
    const gone = defineJob({
      name: "gone",
      perform: () => {
        let refused = 0;
        proxy.decide(() => (refused++ < 3 ? "drop-request" : undefined));
      },
    });
    const other = new Queue({
      store: upstashStore({ url: proxy.url, token: redis.shim.token, prefix: `faults-${prefix++}` }),
      jobs: [gone],
      clock: queue.clock,
    });
    await other.enqueue(gone);
    expect(await other.drain()).toMatchObject({ completed: 1, stoppedBy: "aborted" });
    proxy.decide(undefined);
  });
});
