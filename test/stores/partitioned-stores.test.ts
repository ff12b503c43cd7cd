import { afterEach, describe, expect, test } from "vitest";
import { defineJob, memoryStore, partitioned, Queue, type Store } from "../../src/index.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import { aroundStore } from "../support/around-calls.ts";
import { clockByHand, start } from "../support/clock.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { type RestShim, startRestShim } from "../support/rest-shim.ts";

const noop = defineJob({ name: "noop", perform() {} });
const clock = clockByHand(start);
const open = (store: Store) => new Queue({ store, jobs: [noop], clock, logger: null });
const layoutOf = (store: Store) => store.open("default").partitions();
/** Enough that some are in each partition. */
const twenty = Array.from({ length: 20 }, (_, index) => ({ job: noop, id: `job-${index}` }));

describe("a partitioned queue on several stores", () => {
  test("has partition p in store number p modulo the number of stores", async () => {
    const stores = [memoryStore(), memoryStore(), memoryStore()];
    await open(partitioned(stores, 7)).enqueueMany(twenty);
    for (const [number, store] of stores.entries())
      for (let partition = 0; partition < 7; partition++) {
        const { ready } = await store.open("default", undefined, partition).stats(start);
        expect(ready > 0, `partition ${partition} in store ${number}`).toBe(partition % 3 === number);
      }
  });

  test.each<[string, (one: Store, other: Store, third: Store) => Store, RegExp]>([
    [
      "without one of them",
      (one) => partitioned(one, 4),
      /4 partitions of 2 stores, but it was opened with 4 partitions\./,
    ],
    [
      "with one more",
      (...all) => partitioned(all, 4),
      /4 partitions of 2 stores, but it was opened with 4 partitions of 3 stores/,
    ],
    ["with one more in front", (one, other, third) => partitioned([third, one, other], 4), /4 partitions of 2 stores/],
    [
      "in another order",
      (one, other) => partitioned([other, one], 4),
      /stores of the queue "default" are in another order/,
    ],
    [
      "in another number of partitions",
      (one, other) => partitioned([one, other], 5),
      /opened with 5 partitions of 2 stores/,
    ],
    ["as a whole in the first", (one) => one, /opened without partitioned\(\)/],
    ["as a whole in the second", (_, other) => other, /opened without partitioned\(\)/],
  ])("refuses every enqueue of a queue that opens it %s, and is created nowhere else", async (_, wrongly, message) => {
    const [one, other, third] = [memoryStore(), memoryStore(), memoryStore()];
    await open(partitioned([one, other], 4)).enqueueMany(twenty);
    for (const { job, id } of twenty)
      await expect(open(wrongly(one, other, third)).enqueue(job, undefined, { id: `new-${id}` })).rejects.toMatchObject(
        {
          code: "invalid_request",
          message: expect.stringMatching(message),
        },
      );
    expect(await layoutOf(third)).toBe("nothing");
    expect(await open(partitioned([one, other], 4)).getStats()).toMatchObject({ totalEnqueued: 20 });
  });

  test("is not created if one of the stores has unpartitioned jobs of it", async () => {
    const [one, other] = [memoryStore(), memoryStore()];
    await open(one).enqueue(noop);
    for (const { job, id } of twenty)
      await expect(open(partitioned([other, one], 4)).enqueue(job, undefined, { id })).rejects.toMatchObject({
        message: expect.stringContaining("keeps jobs or schedules that are not in partitions"),
      });
    expect(await layoutOf(other)).toBe("nothing");
  });

  test("is not created while one of the stores does not answer", async () => {
    const one = memoryStore();
    const { lost, store } = losable(memoryStore());
    lost.value = true;
    const begun = open(partitioned([one, store], 4)).enqueueMany(twenty);
    await expect(begun).rejects.toMatchObject({ code: "store_unavailable" });
    expect(await layoutOf(one)).toBe("nothing");
  });

  test("is created once by racing enqueues of the first job", async () => {
    const stores = [memoryStore(), memoryStore()];
    await Promise.all(Array.from({ length: 5 }, () => open(partitioned(stores, 4)).enqueue(noop)));
    expect(await Promise.all(stores.map(layoutOf))).toEqual([
      { partitions: 4, stores: 2, store: 0 },
      { partitions: 4, stores: 2, store: 1 },
    ]);
    expect(await open(partitioned(stores, 4)).getStats()).toMatchObject({ totalEnqueued: 5 });
  });

  test.each<[string, () => Store]>([
    ["no store", () => partitioned([], 2)],
    ["one store twice", () => [memoryStore()].map((store) => partitioned([store, store], 2))[0] as Store],
    ["more stores than partitions", () => partitioned([memoryStore(), memoryStore()], 1)],
    ["what is no store", () => partitioned([memoryStore(), {} as Store], 2)],
  ])("cannot be created with %s", (_, make) => {
    expect(make).toThrow(expect.objectContaining({ code: "invalid_request" }));
  });
});

const opened: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const { stop } of opened.splice(0).reverse()) await stop();
});

async function startDatabase(): Promise<{ readonly server: RedisServer; readonly store: Store }> {
  const server = await startRedis({ persist: true });
  const shim: RestShim = await startRestShim({ redisPort: server.port });
  opened.push(server, shim);
  return { server, store: upstashStore({ url: shim.url, token: shim.token }) };
}

describe("with one of two databases lost", () => {
  /** Partitions 0 and 2, and the schedules, are in the first database; 1 and 3 are in the second. */
  async function setUp() {
    const databases = [await startDatabase(), await startDatabase()] as const;
    const stores = databases.map(({ store }) => store);
    const clock = clockByHand(start);
    const performed: string[] = [];
    const warnings: string[] = [];
    const note = defineJob({
      name: "note",
      perform: (_: unknown, job) => void performed.push(`${job.id} ${job.attempt}`),
    });
    const beat = defineJob({
      name: "beat",
      schedule: { cron: "0 * * * * *" },
      perform: () => void performed.push("beat"),
    });
    const logger = { warn: (line: string) => warnings.push(line), error: () => {} };
    /** As a new process does, without any knowledge of the queue. */
    const newQueue = () => new Queue({ store: partitioned(stores, 4), jobs: [note, beat], clock, logger });
    const ready = async (database: number) => {
      const parts = [database, database + 2].map((part) =>
        (stores[database] as Store).open("default", undefined, part),
      );
      return (await Promise.all(parts.map((part) => part.stats(clock.now)))).reduce(
        (sum, stats) => sum + stats.ready,
        0,
      );
    };
    const enqueueTwenty = (queue: Queue) => queue.enqueueMany(twenty.map(({ id }) => ({ job: note, id })));
    return { databases, clock, performed, warnings, note, newQueue, ready, enqueueTwenty };
  }

  test("a drain performs the other's jobs, says so, and performs the rest when the lost one is back", async () => {
    const { databases, performed, warnings, newQueue, ready, enqueueTwenty } = await setUp();
    await enqueueTwenty(newQueue());
    const here = await ready(0);
    await databases[1].server.kill();
    const report = await newQueue().drain();
    expect(report).toMatchObject({ completed: here, lost: 0, stoppedBy: "empty", backlog: false });
    expect(warnings).toEqual([
      expect.stringMatching(/^tidegate: The queue "default" is drained without the partitions that do not reply\./),
    ]);
    await databases[1].server.restart();
    expect(await newQueue().drain()).toMatchObject({ completed: 20 - here, backlog: false });
    expect(performed.sort()).toEqual(twenty.map(({ id }) => `${id} 1`).sort());
  });

  test("a drain that knows of a due job, and does not peek, performs it even if the lost one is asked first", async () => {
    const { databases, performed, warnings, newQueue, note, enqueueTwenty } = await setUp();
    const queue = newQueue();
    await enqueueTwenty(queue);
    await queue.drain({ maxJobs: 1, batchSize: 1 });
    await databases[1].server.kill();
    for (let tries = 0; tries < 3; tries++) await queue.enqueue(note).catch(() => {});
    expect(warnings).toEqual([]);
    const before = performed.length;
    const report = await queue.drain({ budget: { roundTrips: 400, commands: 20_000 } });
    expect(report).toMatchObject({ lost: 0, backlog: false });
    expect(performed.length).toBe(before + report.completed);
    expect(report.completed).toBeGreaterThan(0);
    expect(warnings[0]).toMatch(
      /^tidegate: The queue "default" is drained without the partitions that do not reply\. Redis/,
    );
  });

  test("a process that stays claims from it again at most half a minute after it is back", async () => {
    const { databases, clock, performed, newQueue, note, enqueueTwenty } = await setUp();
    const queue = newQueue();
    await enqueueTwenty(queue);
    await databases[1].server.kill();
    await queue.drain();
    await databases[1].server.restart();
    clock.now += 30_000;
    await queue.enqueue(note, undefined, { id: "wakes" }).catch(() => queue.enqueue(note));
    await queue.drain();
    expect(performed.length).toBe(21);
  });

  test("new jobs go to the other database after the first failure, for half a minute", async () => {
    const { databases, clock, newQueue, note, ready } = await setUp();
    const queue = newQueue();
    await queue.drain();
    await databases[1].server.kill();
    let failures = 0;
    for (let job = 0; job < 20; job++) await queue.enqueue(note).catch(() => failures++);
    expect(failures).toBeLessThanOrEqual(1);
    expect(await ready(0)).toBe(20 - failures);
    await databases[1].server.restart();
    clock.now += 30_000;
    for (let job = 0; job < 20; job++) await queue.enqueue(note);
    expect(await ready(1)).toBeGreaterThan(0);
  });

  test("calls for its jobs, and for all jobs, fail with store_unavailable", async () => {
    const { databases, newQueue, enqueueTwenty } = await setUp();
    const queue = newQueue();
    await enqueueTwenty(queue);
    await databases[1].server.kill();
    const unavailable = { code: "store_unavailable" };
    const reads = await Promise.allSettled(twenty.map(({ id }) => queue.getJob(id)));
    expect(new Set(reads.map(({ status }) => status))).toEqual(new Set(["fulfilled", "rejected"]));
    for (const read of reads) if (read.status === "rejected") expect(read.reason).toMatchObject(unavailable);
    await expect(enqueueTwenty(queue)).rejects.toMatchObject(unavailable);
    for (const call of [() => queue.getStats(), () => queue.ping(), () => queue.pause()])
      await expect(call()).rejects.toMatchObject(unavailable);
    expect(await queue.drain()).toMatchObject({ stoppedBy: "paused", claimed: 0 });
    await databases[1].server.restart();
    await queue.resume();
    expect(await queue.drain()).toMatchObject({ completed: 20 });
  });

  test("schedules fire if the first database is there, and catch up if it was not", async () => {
    const { databases, clock, performed, newQueue } = await setUp();
    await newQueue().drain();
    await databases[1].server.kill();
    clock.now += 60_000;
    expect(await newQueue().drain()).toMatchObject({ rearmed: 1, completed: 1 });
    await databases[1].server.restart();
    await databases[0].server.kill();
    clock.now += 60_000;
    expect(await newQueue().drain()).toMatchObject({ rearmed: 0, completed: 0 });
    await databases[0].server.restart();
    expect(await newQueue().drain()).toMatchObject({ rearmed: 1, completed: 1 });
    expect(performed).toEqual(["beat", "beat"]);
  });

  test("a drain fails if both are lost", async () => {
    const { databases, newQueue, enqueueTwenty } = await setUp();
    await enqueueTwenty(newQueue());
    for (const { server } of databases) await server.kill();
    await expect(newQueue().drain()).rejects.toMatchObject({ code: "store_unavailable" });
  });
});

test("a drain needs a budget of n + 6 + 2 k round trips for n partitions of k stores, or is refused", async () => {
  const [stores, partitions] = [3, 6];
  const drain = (roundTrips: number) =>
    open(partitioned(Array.from({ length: stores }, memoryStore), partitions)).drain({ budget: { roundTrips } });
  const least = partitions + 6 + 2 * stores;
  expect(await drain(least)).toMatchObject({ stoppedBy: "empty" });
  await expect(drain(least - 1)).rejects.toMatchObject({
    message: `budget.roundTrips must be at least ${least} to drain the queue "default".`,
  });
});

test("a store that never answers delays a drain of the others for at most one second", async () => {
  const { lost, store } = losable(memoryStore());
  const stores = [memoryStore(), store];
  await open(partitioned(stores, 4)).enqueueMany(twenty);
  const { ready } = await open(partitioned(stores, 4))
    .getStats()
    .then(({ readyCount }) => ({ ready: readyCount }));
  lost.value = "silent";
  const { completed } = await open(partitioned(stores, 4)).drain();
  expect(completed).toBeGreaterThan(0);
  expect(completed).toBeLessThan(ready);
});

/** A store that can become unreachable: then its calls fail, or never return. */
function losable(inner: Store) {
  const lost: { value: boolean | "silent" } = { value: false };
  const store = aroundStore(inner, (_, run) => {
    if (lost.value === "silent") return new Promise(() => {});
    return lost.value ? Promise.reject(Object.assign(new Error("away"), { code: "store_unavailable" })) : run();
  });
  return { lost, store };
}
