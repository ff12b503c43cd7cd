import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineJob, InvalidPayloadError, Queue, type QueueOptions } from "../../src/index.ts";
import { drainAll, testClock } from "../../src/testing/index.ts";
import { onEveryStore } from "../support/stores.ts";

const start = Date.parse("2026-03-01T12:00:00Z");

const greet = defineJob({
  name: "greet",
  schema: z.object({ to: z.string() }),
  perform: ({ to }) => ({ greeted: to }),
});
const note = defineJob({ name: "note", perform: (payload: unknown) => payload });
const dies = defineJob({ name: "dies", maxRetries: 0, perform: () => Promise.reject(new Error("no luck")) });

onEveryStore((kind) => {
  function setUp(options: Partial<QueueOptions> = {}) {
    const clock = testClock(start);
    const store = kind.create();
    return { clock, store, queue: new Queue({ store, clock, jobs: [greet, note, dies], ...options }) };
  }

  describe("enqueue", () => {
    test("returns the existing job when the id is taken, whatever has become of it", async () => {
      const { clock, queue } = setUp();
      const options = { id: "welcome/ä 7", delay: "5m" } as const;
      expect(await queue.enqueue(note, 1, options)).toEqual({
        id: options.id,
        status: "enqueued",
        runAt: new Date(start + 300_000),
      });
      expect(await queue.enqueue(note, 2, { id: options.id })).toEqual({
        id: options.id,
        status: "duplicate",
        runAt: new Date(start + 300_000),
      });
      await clock.advance("5m");
      await queue.drain();
      expect(await queue.enqueue(note, 3, { id: options.id })).toEqual({
        id: options.id,
        status: "duplicate",
        runAt: null,
      });
      await queue.enqueue(dies, undefined, { id: "d" });
      await queue.drain();
      expect(await queue.enqueue(dies, undefined, { id: "d" })).toMatchObject({ status: "duplicate", runAt: null });
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 2, totalProcessed: 1, totalFailed: 1 });
    });

    test("dedupe makes one job a window, and always names one that exists", async () => {
      const { clock, queue } = setUp();
      const options = { dedupe: { key: "user-7", ttl: "10m" }, delay: "1m" } as const;
      const first = await queue.enqueue(note, 1, options);
      expect(await queue.enqueue(note, 2, options)).toEqual({ id: first.id, status: "duplicate", runAt: first.runAt });
      await clock.advance("1m");
      await queue.drain();
      expect(await queue.enqueue(note, 3, options)).toEqual({ id: first.id, status: "duplicate", runAt: null });
      await clock.advance("10m");
      const second = await queue.enqueue(note, 4, options);
      expect(second.status).toBe("enqueued");
      await queue.cancel(second.id);
      expect(await queue.enqueue(note, 5, options)).toMatchObject({ status: "enqueued" });
    });

    test("a payload comes back as JSON keeps it, to the letter", async () => {
      const { queue } = setUp();
      const payloads = [
        [],
        {},
        "",
        "123",
        "null",
        0,
        -0.5,
        9_007_199_254_740_991,
        null,
        { __proto__x: 1 },
        JSON.parse('{"__proto__":{"a":1}}'),
        "\u0000\ud800 \u{1f600}",
        [[[]]],
      ];
      const jobs = await queue.enqueueMany(payloads.map((payload) => ({ job: note, payload })));
      const stored = await Promise.all(jobs.map(({ id }) => queue.getJob(id)));
      expect(stored.map((job) => JSON.stringify(job?.payload))).toEqual(
        payloads.map((payload) => JSON.stringify(payload)),
      );
    });

    test("more than 1,000 at once are stored in pieces that tell of their progress", async () => {
      const { queue } = setUp();
      const told: number[] = [];
      const jobs = Array.from({ length: 2_500 }, (_, index) => ({ job: note, payload: index }));
      const results = await queue.enqueueMany(jobs, { onProgress: (done) => told.push(done) });
      expect(told).toEqual([1_000, 2_000, 2_500]);
      expect(new Set(results.map(({ id }) => id)).size).toBe(2_500);
      expect(await queue.getStats()).toMatchObject({ readyCount: 2_500 });
    });

    test("refuses what does not fit the schema, and stores none of a bulk with one such job", async () => {
      const { queue } = setUp();
      const wrong = { to: 7 } as unknown as { to: string };
      const failure = await queue.enqueue(greet, wrong).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(InvalidPayloadError);
      expect(failure).toMatchObject({ code: "invalid_payload", issues: [{ path: ["to"] }] });
      await expect(
        queue.enqueueMany([
          { job: greet, payload: { to: "Ada" } },
          { job: greet, payload: wrong },
        ]),
      ).rejects.toThrow(/^Job 1: /);
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
    });

    const loop: Record<string, unknown> = {};
    loop["self"] = loop;
    test.each([
      ["an empty id", { id: "" }],
      ["an id of 257 characters", { id: "x".repeat(257) }],
      ["an id with a control character", { id: "a\u0000b" }],
      ["an id that begins with a space", { id: " paused" }],
      ["an id that is a lone surrogate", { id: "\ud800" }],
      ["a delay together with a time", { delay: "1s", runAt: start }],
      ["a delay that is none", { delay: "soon" }],
      ["a negative delay", { delay: -1 }],
      ["a time without a zone", { runAt: "2030-01-01T00:00:00" }],
      ["a time after 2108", { runAt: "2110-01-01T00:00:00Z" }],
      ["a date that is none", { runAt: new Date("x") }],
      ["retries without end", { maxRetries: Number.POSITIVE_INFINITY }],
      ["a timeout of nothing", { timeout: 0 }],
      ["a backoff function", { backoff: () => 1 }],
      ["a dedupe window of nothing", { dedupe: { key: "a", ttl: 0 } }],
      ["an option it does not know", { dealy: "1s" }],
    ])("refuses %s by name, and stores nothing", async (_, options) => {
      const { queue } = setUp();
      const failure = await queue.enqueue("note", 1, options as object).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: "invalid_request" });
      expect((failure as Error).message).toContain(Object.keys(options)[0]);
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
    });

    test("refuses payloads above 5 MiB, counted in bytes", async () => {
      const { queue } = setUp();
      for (const payload of ["x".repeat(6_000_000), "€".repeat(2_000_000)]) {
        await expect(queue.enqueue("note", payload)).rejects.toMatchObject({ code: "payload_too_large" });
      }
      await expect(queue.enqueue("note", "€".repeat(1_700_000))).resolves.toMatchObject({ status: "enqueued" });
    });

    test.each([
      ["a BigInt", 1n],
      ["a cycle", loop],
    ])("refuses %s as payload", async (_, payload) => {
      const { queue } = setUp();
      await expect(queue.enqueue("note", payload)).rejects.toMatchObject({ code: "invalid_request" });
      await expect(queue.enqueue("nobody")).rejects.toThrow(
        /No job is named "nobody". This queue knows: greet, note, dies/,
      );
    });
  });

  test("an option that nobody reads is named, and nothing happens", async () => {
    const { queue, store } = setUp();
    await queue.enqueue(dies, undefined, { id: "dead", maxRetries: 0 });
    await queue.drain();
    await queue.enqueue(note, 1, { id: "waits", delay: "5m" });
    const cron = "0 0 9 * * *";
    const misspelt = (option: string, call: (options: object) => Promise<unknown>, rest: object = {}) =>
      expect(call({ ...rest, [option]: 1 })).rejects.toMatchObject({
        code: "invalid_request",
        message: expect.stringContaining(`"${option}" is no option of`),
      });
    const define = async (schedule: object) =>
      defineJob({ name: "x", schedule: { cron, ...schedule }, perform: () => 1 });
    await misspelt("tz", define);
    await misspelt("maxRetrys", async (options) => defineJob({ name: "x", perform: () => 1, ...options }));
    await misspelt("retension", async (options) => new Queue({ store, ...options }));
    await misspelt("dely", (options) => queue.enqueue(note, 1, options));
    await misspelt("delay", (options) => queue.enqueue(note, 1, { cron, ...options }));
    await misspelt("tz", (options) => queue.schedules.upsert("daily", { job: note, payload: 1, cron, ...options }));
    await misspelt("delay", (backoff) => queue.enqueue(note, 1, { backoff }), { type: "fixed" });
    await misspelt("maxjobs", (options) => queue.drain(options));
    await misspelt("trips", (budget) => queue.drain({ budget }));
    await misspelt("maxRetries", (options) => queue.update("waits", options));
    await misspelt("dryrun", (options) => queue.retryFromDeadLetter({ all: true }, options));
    await misspelt("dryrun", (options) => queue.removeFromDeadLetter({ all: true }, options));
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 2, deadLetterCount: 1 });
    expect(await queue.schedules.list()).toEqual([]);
  });

  test("a definition may be wrapped, defined anew, and carry what others read", async () => {
    const { store, clock } = setUp();
    const wrapped = defineJob({ ...dies, schema: undefined, perform: () => "well" });
    const marked = { ...wrapped, team: "mail" };
    const queue = new Queue({ store, clock, jobs: [marked] });
    await queue.enqueue(marked);
    expect(await queue.drain()).toMatchObject({ completed: 1 });
  });

  describe("a queue's jobs", () => {
    test("can be cancelled and moved while they wait, and not while they run or when they have ended", async () => {
      const { clock, queue } = setUp();
      const { id } = await queue.enqueue(note, 1, { delay: "5m" });
      expect(await queue.reschedule(id, "10m")).toMatchObject({
        id,
        state: "scheduled",
        runAt: new Date(start + 600_000),
      });
      expect(await queue.reschedule(id, new Date(start + 60_000))).toMatchObject({ runAt: new Date(start + 60_000) });
      expect(await queue.update(id, { payload: 2 })).toMatchObject({ payload: 2, runAt: new Date(start + 60_000) });
      await queue.cancel(id);
      expect(await queue.getJob(id)).toBeNull();
      await expect(queue.cancel(id)).rejects.toMatchObject({ code: "not_found" });
      const [held] = (await queue.enqueueHeld([{ job: note, payload: 1 }])).held;
      const running = held?.lease.id ?? "";
      await expect(queue.cancel(running)).rejects.toMatchObject({ code: "conflict" });
      await expect(queue.reschedule(running, "soon")).rejects.toMatchObject({ code: "invalid_request" });
      await expect(queue.reschedule(running, 0)).rejects.toMatchObject({ code: "conflict" });
      expect(await queue.getJob(running)).toMatchObject({ state: "running", attempts: 1, runAt: null });
      await clock.advance("2m");
      await queue.drain();
      await expect(queue.cancel(running)).rejects.toMatchObject({ code: "conflict" });
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 2, totalProcessed: 1 });
    });

    test("are listed by state and name, in pages", async () => {
      const { queue } = setUp();
      await queue.enqueueMany(Array.from({ length: 7 }, (_, index) => ({ job: note, payload: index })));
      await queue.enqueueMany([{ job: dies }, { job: greet, payload: { to: "Ada" }, delay: "1h" }]);
      const seen: unknown[] = [];
      let cursor: string | undefined;
      do {
        const page = await queue.listJobs({ state: "ready", name: "note", limit: 3, cursor });
        expect(page.jobs.length).toBeLessThanOrEqual(3);
        seen.push(...page.jobs.map(({ payload }) => payload));
        cursor = page.cursor ?? undefined;
      } while (cursor);
      expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6]);
      await queue.drain();
      expect((await queue.listJobs()).jobs.map(({ state }) => state).sort()).toEqual([
        ...Array(7).fill("completed"),
        "dead",
        "scheduled",
      ]);
      await expect(queue.listJobs({ cursor: "rubbish" })).rejects.toMatchObject({ code: "invalid_request" });
      await expect(queue.listJobs({ cursor: "ready:rubbish" })).rejects.toMatchObject({ code: "invalid_request" });
    });

    test("a completed one is gone after the retention, and none is kept for 0", async () => {
      const { clock, store, queue } = setUp();
      const { id } = await queue.enqueue(greet, { to: "Ada" });
      await queue.drain();
      expect(await queue.getJob(id)).toMatchObject({
        state: "completed",
        result: { greeted: "Ada" },
        completedAt: new Date(start),
      });
      await clock.advance("24h");
      expect(await queue.getJob(id)).toBeNull();
      expect((await queue.listJobs({ state: "completed" })).jobs).toEqual([]);
      const brief = new Queue({ name: "brief", store, clock, jobs: [note], retention: 0 });
      const other = await brief.enqueue(note, 1);
      await brief.drain();
      expect(await brief.getJob(other.id)).toBeNull();
      expect(await brief.getStats()).toMatchObject({ totalProcessed: 1, completedCount: 0 });
    });

    test("clear removes those of a state, and leaves what runs and what recurs", async () => {
      const { queue } = setUp();
      await queue.schedules.upsert("daily", { job: note, cron: "0 0 9 * * *" });
      await queue.enqueueMany(Array.from({ length: 1_000 }, () => ({ job: note })));
      await queue.enqueueMany(Array.from({ length: 900 }, () => ({ job: note })));
      await queue.enqueue(note, 1, { delay: "1h" });
      await queue.enqueueHeld([{ job: note }]);
      expect(await queue.clear({ state: "ready" })).toEqual({ cleared: 1_900 });
      expect(await queue.clear()).toEqual({ cleared: 1 });
      expect(await queue.getStats()).toMatchObject({ pendingCount: 0, runningCount: 1, totalEnqueued: 1_902 });
      expect(await queue.schedules.list()).toHaveLength(1);
    });
  });

  describe("the dead letter", () => {
    test("is listed newest first, retried by id, name or all, and told beforehand by a dry run", async () => {
      const { clock, queue } = setUp();
      const ids: string[] = [];
      for (let i = 0; i < 5; i++) {
        ids.push((await queue.enqueue(dies)).id);
        await queue.drain();
        await clock.advance("1s");
      }
      // In partitions this holds within each of them.
      if (kind.name !== "partitioned") {
        expect((await queue.listDeadLetter({ limit: 2 })).jobs.map(({ id }) => id)).toEqual([ids[4], ids[3]]);
      }
      expect(await queue.retryFromDeadLetter({ all: true }, { dryRun: true })).toEqual({ retried: 5 });
      expect(await queue.getStats()).toMatchObject({ deadLetterCount: 5 });
      expect(await queue.retryFromDeadLetter({ ids: [ids[0] as string, "other"] })).toEqual({ retried: 1 });
      expect(await queue.retryFromDeadLetter({ name: "note" })).toEqual({ retried: 0 });
      expect(await queue.removeFromDeadLetter(ids[1] as string)).toEqual({ removed: 1 });
      expect(await queue.retryFromDeadLetter({ name: "dies" })).toEqual({ retried: 3 });
      await expect(queue.retryFromDeadLetter("other")).rejects.toMatchObject({ code: "not_found" });
      expect(await queue.getStats()).toMatchObject({
        totalEnqueued: 5,
        totalFailed: 5,
        deadLetterCount: 0,
        readyCount: 4,
      });
      await queue.drain();
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 5, totalFailed: 9, deadLetterCount: 4 });
      expect(await queue.clear({ state: "dead" })).toEqual({ cleared: 4 });
    });

    test("a payload that no longer fits its schema lies there with that reason, and lives again with one that does", async () => {
      const { clock, store, queue } = setUp();
      const before = new Queue({ store, clock, jobs: [defineJob({ name: "greet", perform: (_: unknown) => {} })] });
      const { id } = await before.enqueue("greet", { name: "Ada" });
      expect(await queue.drain()).toMatchObject({ deadLettered: 1 });
      expect(await queue.getJob(id)).toMatchObject({
        state: "dead",
        error: { name: "PermanentError", message: expect.stringMatching(/no longer fits.*to/) },
      });
      await expect(queue.retryFromDeadLetter(id, { payload: { name: 1 } })).rejects.toBeInstanceOf(InvalidPayloadError);
      expect(await queue.retryFromDeadLetter(id, { payload: { to: "Ada" } })).toEqual({ retried: 1 });
      await queue.drain();
      expect(await queue.getJob(id)).toMatchObject({ state: "completed", result: { greeted: "Ada" }, attempts: 1 });
    });

    test("hundreds are retried in pieces that tell of their progress", async () => {
      const { queue } = setUp();
      await queue.enqueueMany(Array.from({ length: 350 }, () => ({ job: dies })));
      await drainAll(queue);
      const told: number[] = [];
      expect(await queue.retryFromDeadLetter({ all: true }, { onProgress: (done) => told.push(done) })).toEqual({
        retried: 350,
      });
      expect(told).toEqual([250, 350]);
    });
  });

  test("a name that no worker knows is retried as a failure, so that a rolling deploy loses nothing", async () => {
    const { clock, store } = setUp();
    const newer = new Queue({ store, clock, jobs: [greet] });
    const older = new Queue({ store, clock, jobs: [note] });
    const { id } = await newer.enqueue(greet, { to: "Ada" });
    expect(await older.drain()).toMatchObject({ retried: 1 });
    expect(await older.getJob(id)).toMatchObject({
      errors: [{ message: expect.stringMatching(/No job is named "greet"/) }],
    });
    await clock.advance("60s");
    expect(await newer.drain()).toMatchObject({ completed: 1 });
  });

  test("a record of a newer version waits for the deployment that reads it, with no attempt used", async () => {
    const { clock, store, queue } = setUp();
    const stored = store.open("default");
    await stored.enqueue([{ id: "newer", isFreshId: true, runAt: clock(), record: "2:{}" }], clock());
    for (let met = 1; met <= 5; met++) {
      expect(await queue.drain()).toMatchObject({ claimed: 1, retried: 0, deadLettered: 0, lost: 0 });
      await clock.advance("60s");
    }
    expect(await stored.find("newer", clock())).toMatchObject({ state: "ready", record: "2:{}", claims: 0 });
  });

  test("queues of different names share a store and nothing else", async () => {
    const { clock, store, queue } = setUp();
    const other = new Queue({ name: "other", store, clock, jobs: [note] });
    await queue.enqueue(note, 1, { id: "same" });
    expect(await other.enqueue(note, 2, { id: "same" })).toMatchObject({ status: "enqueued" });
    await other.drain();
    expect(await queue.getJob("same")).toMatchObject({ state: "ready", payload: 1, queue: "default" });
    expect(await other.getJob("same")).toMatchObject({ state: "completed", queue: "other" });
  });
});
