import { describe, expect, test } from "vitest";
import { DrainBudget } from "../../src/core/drain/budget.ts";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { drainQueues } from "../../src/core/queue/queues.ts";
import type { Lease } from "../../src/core/store/store.ts";
import {
  type DrainOptions,
  defineJob,
  memoryStore,
  partitioned,
  Queue,
  type Store,
  TidegateError,
} from "../../src/index.ts";
import { cloudflareFree } from "../../src/platforms/cloudflare.ts";
import { partitionOf } from "../../src/stores/partitioned/facts.ts";
import { testClock } from "../../src/testing/index.ts";
import { aroundCalls, aroundStore } from "../support/around-calls.ts";
import { start } from "../support/clock.ts";
import { RespClient } from "../support/resp.ts";
import { useRedis } from "../support/stores.ts";

const noop = defineJob({ name: "noop", perform() {} });
const ids = Array.from({ length: 50 }, (_, index) => `job-${index}`);
const clock = testClock(start);

/** Drains as a new isolate does, which does not know yet what is due and which schedules exist. */
async function coldDrain(store: Store, options?: DrainOptions) {
  await new Queue({ store, jobs: [noop], clock }).enqueueMany([{ job: noop }, { job: noop }]);
  return new Queue({ store, jobs: [noop], clock }).drain({ ...options, linger: 0 });
}

test("the backlog of one key holds up no other job, in whatever partition they are", async () => {
  const others = "BCDEFGHIJK".split("");
  let before = 0;
  const seen = new Map<string, number>();
  const work = defineJob({
    name: "work",
    flowControl: { key: (customer: string) => customer },
    async perform(customer: string) {
      if (customer !== "A") return void seen.set(customer, before);
      before++;
      if (before === 100) await queue.enqueueMany(others.map((payload) => ({ job: work, payload })));
    },
  });
  const queue: Queue = new Queue({ store: partitioned(memoryStore(), 4), jobs: [work], clock });
  await queue.enqueueMany(Array.from({ length: 2_000 }, () => ({ job: work, payload: "A" })));
  const report = await queue.drain({ maxJobs: 5_000, batchSize: 20, budget: { roundTrips: 10_000 } });
  expect(report).toMatchObject({ completed: 2_010 });
  expect([...seen.keys()].sort()).toEqual(others);
  expect(Math.max(...seen.values())).toBeLessThan(300);
});

describe("the budget for a partitioned queue", () => {
  const redis = useRedis();

  test.each<[string, DrainOptions, number]>([
    ["the defaults", {}, 33],
    ["cloudflareFree", cloudflareFree, 8],
  ])("allows as many partitions as the documentation says, and no more, with %s", async (_, options, most) => {
    expect(await coldDrain(partitioned(memoryStore(), most), options)).toMatchObject({ completed: 2 });
    await expect(coldDrain(partitioned(memoryStore(), most + 1), options)).rejects.toMatchObject({
      code: "invalid_request",
      message: `budget.roundTrips must be at least ${most + 8} to drain the queue "default".`,
    });
  });

  test("has no minimum for a drain of jobs that were leased at enqueue", async () => {
    const queue = new Queue({ store: partitioned(memoryStore(), 35), jobs: [noop], clock });
    const { held } = await internalsOf(queue).enqueueHeld([{ job: noop }]);
    expect(await internalsOf(queue).drain({ held, heldOnly: true })).toMatchObject({ completed: 1 });
  });

  test("must allow two commands per partition and 108, or is refused", async () => {
    const bounded = (commands: number) => coldDrain(partitioned(redis.store(), 3), { budget: { commands } });
    expect((await bounded(114)).completed).toBeGreaterThan(0);
    await expect(bounded(113)).rejects.toThrow("budget.commands must be at least 114");
  });

  test("has room to settle in one, fire in another and claim in a third, and for each to turn out to lack the script", async () => {
    const now = start;
    const later = now + 60_000;
    const record = "1:{}";
    const base = { now, settle: [], fire: [], retentionMs: 60_000 };
    // The schedule is in partition 0.
    const [due, held] = [1, 2].map((place) => ids.find((id) => partitionOf(id, 3) === place) as string);
    const client = await RespClient.connect(redis.server.port);
    for (const extra of [0, 1, 2, 3]) {
      const store = partitioned(redis.store(), 3);
      const prepared = store.open("default");
      const job = { isFreshId: true, runAt: now, record };
      await prepared.putSchedule({ key: "daily", record, next: later });
      const [reply] = await prepared.enqueue([{ ...job, id: held as string, leaseEndsAt: later }], now);
      await prepared.enqueue([{ ...job, id: due as string }], now);
      const size = { settles: 1, fires: 1, firedJobs: 1, claims: 1 };
      const { roundTrips, commands } = prepared.local.mostOfExchange(size);
      const limit = { roundTrips: roundTrips + extra, commands: commands + extra };
      const budget = new DrainBudget({ roundTrips: limit.roundTrips + 3, commands: limit.commands + 3 });
      const queue = store.open("default", budget);
      await queue.peek(start);
      await client.send(["SCRIPT", "FLUSH"]);
      const exchanged = await queue.exchange({
        ...base,
        settle: [{ to: "completed", lease: reply?.lease as Lease, record }],
        fire: [
          { key: "daily", occurrence: later, next: undefined, record, jobs: [{ id: "daily@x", runAt: later, record }] },
        ],
        claim: { limit: 1, leaseMs: 60_000, meetsKeys: false },
      });
      expect(exchanged).toMatchObject({ settled: [true], fired: ["fired"], jobs: [{ lease: { id: due } }] });
      expect(exchanged).not.toHaveProperty("failure");
    }
    client.close();
  });

  test("may be used up by earlier queues without an error", async () => {
    const store = memoryStore();
    const queues = [
      new Queue({ name: "urgent", store, jobs: [noop], clock }),
      new Queue({ name: "bulk", store: partitioned(store, 4), jobs: [noop], clock }),
    ];
    for (const queue of queues) await queue.enqueueMany(Array.from({ length: 20 }, () => ({ job: noop })));
    const report = await drainQueues(queues, { batchSize: 4, concurrency: 1, budget: { roundTrips: 13 } });
    expect(report).toMatchObject({ stoppedBy: "budget", backlog: true });
    expect(report.claimed).toBeGreaterThanOrEqual(20);
  });
});

describe("an exchange with partitions one of which does not answer", () => {
  const now = clock();
  const request = { now, settle: [], fire: [], claim: { limit: 10, leaseMs: 60_000 }, retentionMs: 0 };

  /** Two partitions, each with leased and due jobs. The test chooses which of them fail. */
  async function setUp() {
    const inner = memoryStore();
    const broken = new Set<number>();
    const store: Store = {
      open: (queue, meter, partition) =>
        aroundCalls(inner.open(queue, meter, partition), ({ method }, run) =>
          method === "exchange" && broken.has(partition ?? -1) ? Promise.reject(new Error("no answer")) : run(),
        ),
    };
    const opened = partitioned(store, 2).open("default");
    const jobs = Array.from({ length: 40 }, (_, index) => {
      return { id: `job-${index}`, isFreshId: false, runAt: now, record: "1:{}", leaseEndsAt: now + 60_000 };
    });
    const replies = await opened.enqueue(jobs, now);
    const due = jobs.map(({ leaseEndsAt, ...job }) => ({ ...job, id: `due-${job.id}` }));
    await opened.enqueue(due, now);
    const settle = replies.flatMap(({ lease }) => (lease ? [{ to: "completed" as const, lease, record: "1:{}" }] : []));
    return { broken, opened, settle, inner };
  }

  test.each([0, 1])("returns what the others than %i returned, and the result of each outcome", async (failing) => {
    const { broken, opened, settle, inner } = await setUp();
    const [left, other] = [failing, 1 - failing].map((partition) => inner.open("default", undefined, partition));
    const open = (await left?.stats(now))?.running;
    broken.add(failing);
    const reply = await opened.exchange({ ...request, settle });
    expect(reply).toMatchObject({ failure: new Error("no answer") });
    const unknown = settle.filter((_, index) => reply.settled[index] === undefined);
    expect(unknown).toHaveLength(open ?? 0);
    expect((await other?.stats(now))?.running).toBe(reply.jobs.length);
    expect(reply.settled.filter((accepted) => accepted === true).length).toBe(settle.length - unknown.length);
    broken.clear();
    expect((await opened.exchange({ ...request, settle: unknown })).settled).toEqual(unknown.map(() => true));
  });

  test("fails if none answers", async () => {
    const { broken, opened, settle } = await setUp();
    broken.add(0).add(1);
    await expect(opened.exchange({ ...request, settle })).rejects.toThrow("no answer");
  });
});

test("dedupe is refused together with an id, which may be in another partition than the key", async () => {
  const queue = new Queue({ store: partitioned(memoryStore(), 3), jobs: [noop], clock });
  const dedupe = { key: "user-7", ttl: "10m" } as const;
  await expect(queue.enqueue(noop, undefined, { id: "order-7", dedupe })).rejects.toMatchObject({
    code: "invalid_request",
    message: expect.stringContaining("dedupe"),
  });
  expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
});

test("a dedupe key beside a flow control key holds among the jobs of that key, whichever partitions they are in", async () => {
  const queue = new Queue({ store: partitioned(memoryStore(), 3), jobs: [noop], clock });
  const dedupe = { key: "user-7", ttl: "10m" } as const;
  const enqueueAll = () =>
    queue.enqueueMany(
      Array.from({ length: 10 }, (_, index) => ({ job: noop, dedupe, flowControl: { key: `tenant-${index}` } })),
    );
  expect((await enqueueAll()).map(({ status }) => status)).toEqual(Array(10).fill("enqueued"));
  expect((await enqueueAll()).map(({ status }) => status)).toEqual(Array(10).fill("duplicate"));
  expect(await queue.enqueue(noop, undefined, { dedupe })).toMatchObject({ status: "enqueued" });
  for (let index = 0; index < 10; index++)
    expect(await queue.flowControl.get(`tenant-${index}`)).toMatchObject({ waiting: 1 });
});

describe("calls of enqueue in one turn, on a partitioned queue,", () => {
  /** Three partitions that record what is stored in each. The test chooses which of them fail. */
  function setUp() {
    const inner = memoryStore();
    const broken = new Set<number>();
    const stored: number[][] = [[], [], []];
    const store: Store = {
      open: (queue, meter, partition) =>
        aroundCalls(inner.open(queue, meter, partition), async ({ method, parameters: [jobs] }, run) => {
          if (method !== "enqueue" || partition === undefined) return run();
          stored[partition]?.push((jobs as readonly unknown[]).length);
          if (broken.has(partition)) throw new Error("no answer");
          return run();
        }),
    };
    return { broken, stored, queue: new Queue({ store: partitioned(store, 3), jobs: [noop], clock }) };
  }

  test("are stored together in one partition", async () => {
    const { queue, stored } = setUp();
    await Promise.all(Array.from({ length: 100 }, () => queue.enqueue(noop)));
    expect(stored.flat()).toEqual([100]);
  });

  test("with ids of their own are stored by one request per partition", async () => {
    const { queue, stored } = setUp();
    await Promise.all(Array.from({ length: 90 }, (_, index) => queue.enqueue(noop, undefined, { id: `job-${index}` })));
    expect(stored.map(({ length }) => length)).toEqual([1, 1, 1]);
    expect(stored.flat().reduce((sum, count) => sum + count)).toBe(90);
  });

  test("fail alone if partitions cannot store one of them", async () => {
    const { queue } = setUp();
    const [refused, stored] = await Promise.allSettled([
      queue.enqueue(noop, undefined, { id: "a", dedupe: { key: "b", ttl: "1m" } }),
      queue.enqueue(noop, undefined, { id: "a" }),
    ]);
    expect(refused).toMatchObject({ reason: { code: "invalid_request", message: expect.stringContaining("dedupe") } });
    expect(stored).toMatchObject({ value: { status: "enqueued" } });
  });

  test("fail only in the partition that fails", async () => {
    const { queue, broken, stored } = setUp();
    broken.add(1);
    const calls = Array.from({ length: 30 }, (_, index) => queue.enqueue(noop, undefined, { id: `job-${index}` }));
    const results = await Promise.allSettled(calls);
    expect(results.filter(({ status }) => status === "rejected")).toHaveLength(stored[1]?.[0] ?? 0);
    expect((await queue.getStats()).readyCount).toBe(30 - (stored[1]?.[0] ?? 0));
  });
});

test("a cursor from a queue of more partitions is refused", async () => {
  const queue = new Queue({ store: partitioned(memoryStore(), 3), jobs: [noop], clock });
  for (const cursor of ["ready:3/", "ready:3/1;a"])
    await expect(queue.listJobs({ state: "ready", cursor })).rejects.toMatchObject({ code: "invalid_request" });
});

test("a failed background read of other partitions does not affect claimed jobs", async () => {
  const own = testClock(start);
  let isAway = false;
  const inner = aroundStore(memoryStore(), ({ method }, run) =>
    isAway && method === "peek" ? Promise.reject(new TidegateError("store_unavailable", "away")) : run(),
  );
  const takes = defineJob({ name: "takes", perform: (ms: number) => own.sleep(ms) });
  const open = () => new Queue({ store: partitioned(inner, 3), jobs: [takes], clock: own });
  await open().enqueue(takes, 20_000);
  const drained = open().drain({ checkEvery: "5s", timeBudget: "1m" });
  await own.advance("1s");
  for (let job = 0; job < 20; job++) await open().enqueue(takes, 0);
  isAway = true;
  await own.advance("5s");
  isAway = false;
  await own.advance("20s");
  expect(await drained).toMatchObject({ completed: 21, lost: 0, stoppedBy: "empty" });
});
