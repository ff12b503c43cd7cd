import { describe, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { defineJob, type JobContext, Queue, type QueueOptions } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { onEachKindOfStore } from "../support/stores.ts";

onEachKindOfStore((kind) => {
  function setUp(options: Partial<QueueOptions> = {}) {
    const clock = testClock(start);
    const queue = new Queue({ store: clock.watch(kind.create()), clock, random: () => 0.5, ...options });
    /** A job that takes its payload in ms, unless it is aborted. */
    const takes = defineJob({
      name: "takes",
      timeout: "30s",
      perform: (ms: number, job) => clock.sleep(ms, job.signal).then(() => ({ tookMs: clock() - start })),
    });
    return {
      clock,
      takes,
      queue: options.jobs
        ? queue
        : new Queue({ store: clock.watch(kind.create()), clock, random: () => 0.5, jobs: [takes] }),
    };
  }

  /** Runs a drain while the clock advances. */
  async function drainFor(
    set: ReturnType<typeof setUp>,
    by: Parameters<typeof set.clock.advance>[0],
    options: Parameters<Queue["drain"]>[0],
  ) {
    const drained = set.queue.drain(options);
    await set.clock.advance(by);
    return drained;
  }

  describe("the limits of a drain", () => {
    test("maxJobs ends it with a backlog", async () => {
      const set = setUp();
      await set.queue.enqueueMany(Array.from({ length: 5 }, () => ({ job: set.takes, payload: 0 })));
      expect(await drainFor(set, 0, { maxJobs: 3 })).toMatchObject({
        claimed: 3,
        completed: 3,
        stoppedBy: "maxJobs",
        backlog: true,
      });
      expect(await drainFor(set, 0, { maxJobs: 3 })).toMatchObject({
        claimed: 2,
        completed: 2,
        stoppedBy: "empty",
        backlog: false,
      });
    });

    test("concurrency limits the jobs that run at once, and a slow job holds up no other", async () => {
      const set = setUp();
      await set.queue.enqueueMany([9_000, 1_000, 1_000, 1_000, 1_000].map((payload) => ({ job: set.takes, payload })));
      const report = await drainFor(set, "10s", { concurrency: 2 });
      expect(report).toMatchObject({ completed: 5 });
      const { jobs } = await set.queue.listJobs({ state: "completed" });
      const took = jobs.map((job) => (job.result as { tookMs: number }).tookMs).sort((a, b) => a - b);
      expect(took).toEqual([1_000, 2_000, 3_000, 4_000, 9_000]);
    });

    test("jobs that cannot start within the time budget are left, with no attempt used", async () => {
      const set = setUp();
      await set.queue.enqueueMany([4_000, 4_000, 4_000].map((payload) => ({ job: set.takes, payload })));
      const report = await drainFor(set, "10s", { concurrency: 1, timeBudget: "5s" });
      expect(report).toMatchObject({ claimed: 2, completed: 2, released: 0, stoppedBy: "timeBudget", backlog: true });
      const { jobs } = await set.queue.listJobs({ state: "ready" });
      expect(jobs).toMatchObject([{ attempts: 0, errors: [] }]);
      expect(await set.queue.getStats()).toMatchObject({ totalRetried: 0, readyCount: 1, runningCount: 0 });
    });

    test("claimed jobs are released the moment the time budget ends, not when the running job ends", async () => {
      const set = setUp();
      await set.queue.enqueueMany([500, 20_000, 1_000].map((payload) => ({ job: set.takes, payload })));
      const drained = set.queue.drain({ concurrency: 1, timeBudget: "1s" });
      await set.clock.advance("900ms");
      expect(await set.queue.getStats()).toMatchObject({ readyCount: 0, runningCount: 2 });
      await set.clock.advance("200ms");
      expect(await set.queue.getStats()).toMatchObject({ readyCount: 1, runningCount: 1 });
      await set.clock.advance("20s");
      expect(await drained).toMatchObject({ completed: 2, released: 1 });
    });

    test("a job that has waited two seconds for a slot is released with no attempt used, however long the running jobs take", async () => {
      const set = setUp();
      const payloads = [...Array(10).fill(10), ...Array(12).fill(25_000)];
      await set.queue.enqueueMany(payloads.map((payload) => ({ job: set.takes, payload })));
      const drained = set.queue.drain({ concurrency: 10 });
      await set.clock.advance("1900ms");
      expect(await set.queue.getStats()).toMatchObject({ readyCount: 0, runningCount: 12 });
      await set.clock.advance("200ms");
      expect(await set.queue.getStats()).toMatchObject({ readyCount: 2, runningCount: 10 });
      expect((await set.queue.listJobs({ state: "ready" })).jobs).toMatchObject([{ attempts: 0 }, { attempts: 0 }]);
      await set.clock.advance("60s");
      expect(await drained).toMatchObject({ completed: 20, released: 2, stoppedBy: "timeBudget" });
    });

    test("jobs that still run after the grace are aborted, and the attempt counts as failed", async () => {
      const set = setUp();
      const { id } = await set.queue.enqueue(set.takes, 20_000);
      const report = await drainFor(set, "9s", { timeBudget: "5s", grace: "3s" });
      expect(report).toMatchObject({ retried: 1, stoppedBy: "timeBudget" });
      expect(await set.queue.getJob(id)).toMatchObject({ attempts: 1, errors: [{ name: "TimeoutError" }] });
    });

    test("a handler that outlives its timeout is aborted through its signal and counts as failed", async () => {
      const reasons: unknown[] = [];
      const clock = testClock(start);
      const hangs = defineJob({
        name: "hangs",
        timeout: "10s",
        perform: (_: undefined, job) => {
          job.signal.addEventListener("abort", () => reasons.push(job.signal.reason.name));
          return new Promise(() => {});
        },
      });
      const queue = new Queue({ store: clock.watch(kind.create()), clock, jobs: [hangs] });
      const { id } = await queue.enqueue(hangs);
      const drained = queue.drain();
      await clock.advance("11s");
      expect(await drained).toMatchObject({ retried: 1 });
      expect(reasons).toEqual(["TimeoutError"]);
      expect(await queue.getJob(id)).toMatchObject({
        errors: [{ name: "TimeoutError", attempt: 1, failedAt: new Date(start + 10_000) }],
      });
    });

    test("an aborted drain releases at once what has not started, and lets running jobs finish", async () => {
      const set = setUp();
      const abort = new AbortController();
      await set.queue.enqueueMany([500, 4_000, 4_000].map((payload) => ({ job: set.takes, payload })));
      const drained = set.queue.drain({ concurrency: 1, signal: abort.signal });
      await set.clock.advance("1s");
      abort.abort();
      await set.clock.advance(0);
      expect(await set.queue.getStats()).toMatchObject({ readyCount: 1, runningCount: 1 });
      await set.clock.advance("5s");
      expect(await drained).toMatchObject({ completed: 2, released: 1, stoppedBy: "aborted" });
    });

    test("a paused queue starts nothing, and a drain releases its jobs if the queue is paused meanwhile", async () => {
      const set = setUp();
      await set.queue.pause();
      await set.queue.enqueueMany([500, 4_000, 4_000, 4_000].map((payload) => ({ job: set.takes, payload })));
      expect(await drainFor(set, 0, {})).toMatchObject({ claimed: 0, stoppedBy: "paused", backlog: true });
      const delayed = { job: set.takes, payload: 0 };
      const { held, results } = await internalsOf(set.queue).enqueueHeld([delayed]);
      expect(held).toEqual([]);
      await set.queue.cancel(results[0]?.id ?? "");
      await set.queue.resume();
      const drained = set.queue.drain({ concurrency: 1 });
      await set.clock.advance("1s");
      await set.queue.pause();
      // It learns of the pause when it releases the jobs that have waited too long.
      await set.clock.advance("8s");
      expect(await drained).toMatchObject({ claimed: 4, completed: 2, released: 2, stoppedBy: "paused" });
    });

    test("a budget of round trips is kept, and what was claimed is settled within it", async () => {
      const set = setUp();
      await set.queue.enqueueMany(Array.from({ length: 50 }, () => ({ job: set.takes, payload: 0 })));
      const roundTrips = 4;
      const report = await drainFor(set, 0, { batchSize: 5, budget: { roundTrips, commands: 100_000 } });
      expect(report.stoppedBy).toBe("budget");
      expect(report.roundTrips).toBeLessThanOrEqual(roundTrips);
      expect(report.claimed).toBeGreaterThan(0);
      expect(report.completed).toBe(report.claimed);
      expect(report.backlog).toBe(true);
    });

    test("a budget of commands ends the claims", async () => {
      const set = setUp();
      await set.queue.enqueueMany(Array.from({ length: 50 }, () => ({ job: set.takes, payload: 0 })));
      const report = await drainFor(set, 0, { batchSize: 2, budget: { roundTrips: 1_000, commands: 130 } });
      expect(report.commands).toBeLessThan(130 + 30);
      expect(report.completed).toBe(report.claimed);
      if (kind.name === "upstash") expect(report).toMatchObject({ stoppedBy: "budget", backlog: true });
    });
  });

  describe("lingering", () => {
    test("runs what falls due inside the window on time, without polling", async () => {
      const set = setUp();
      await set.queue.enqueue(set.takes, 0, { delay: "5s" });
      await set.queue.enqueue(set.takes, 0, { delay: "40s" });
      await set.queue.enqueue(set.takes, 0, { delay: "70s" });
      const report = await drainFor(set, "60s", { linger: "55s" });
      expect(report).toMatchObject({ completed: 2, stoppedBy: "empty", nextRunAt: new Date(start + 70_000) });
      const { jobs } = await set.queue.listJobs({ state: "completed" });
      const took = jobs.map((job) => (job.result as { tookMs: number }).tookMs).sort((a, b) => a - b);
      expect(took).toEqual([5_000, 40_000]);
    });

    test("runs what the job of an occurrence enqueues with a delay", async () => {
      const clock = testClock(start);
      const later = defineJob({ name: "later", perform: () => clock() - start });
      const beat = defineJob({
        name: "beat",
        async perform() {
          await queue.enqueue(later, undefined, { delay: "5s" });
        },
      });
      const queue: Queue = new Queue({ store: clock.watch(kind.create()), jobs: [beat, later], clock });
      await queue.schedules.upsert("hourly", { job: beat, cron: "0 * * * *" });
      await clock.advance("1h");
      const drained = queue.drain({ linger: "55s" });
      await clock.advance("60s");
      expect(await drained).toMatchObject({ rearmed: 1, completed: 2 });
      const { jobs } = await queue.listJobs({ state: "completed", name: "later" });
      expect(jobs).toMatchObject([{ result: 3_605_000 }]);
    });

    test("ends at once if nothing falls due inside the window", async () => {
      const set = setUp();
      await set.queue.enqueue(set.takes, 0, { delay: "70s" });
      expect(await set.queue.drain({ linger: "55s" })).toMatchObject({
        claimed: 0,
        nextRunAt: new Date(start + 70_000),
      });
    });

    test("two overlapping drains share the work, and a schedule of every 15 seconds fires at its occurrences", async () => {
      const clock = testClock(start);
      const ran: string[] = [];
      const beat = defineJob({
        name: "beat",
        schedule: { cron: "*/15 * * * * *" },
        perform: (_: undefined, job) => void ran.push(`${job.id} ${clock() - start}`),
      });
      const store = clock.watch(kind.create());
      const open = () => new Queue({ store, jobs: [beat], clock });
      const drained = [open().drain({ linger: "55s" }), open().drain({ linger: "55s" })];
      await clock.advance("60s");
      const reports = await Promise.all(drained);
      expect(ran).toEqual([15, 30, 45].map((second) => `beat@2026-03-01T12:00:${second}.000Z ${second * 1000}`));
      expect(reports.reduce((sum, report) => sum + report.completed, 0)).toBe(3);
    });
  });

  describe("a job's context", () => {
    test("extend postpones the timeout and the end of the lease", async () => {
      const clock = testClock(start);
      const long = defineJob({
        name: "long",
        timeout: "10s",
        async perform(_: undefined, job) {
          for (let step = 0; step < 20; step++) {
            await clock.sleep(8_000, job.signal);
            await job.extend();
          }
          return clock() - start;
        },
      });
      const store = clock.watch(kind.create());
      const queue = new Queue({ store, jobs: [long], clock });
      const { id } = await queue.enqueue(long);
      const drained = queue.drain();
      await clock.advance("100s");
      expect(await new Queue({ store, jobs: [long], clock }).drain()).toMatchObject({ claimed: 0 });
      await clock.advance("100s");
      expect(await drained).toMatchObject({ completed: 1, lost: 0 });
      expect(await queue.getJob(id)).toMatchObject({ state: "completed", result: 160_000 });
    });

    test("a job enqueued with a longer timeout than the claim expected still gets a lease that covers it", async () => {
      const set = setUp();
      await set.queue.enqueue(set.takes, 200_000, { timeout: "5m" });
      expect(await drainFor(set, "201s", {})).toMatchObject({ completed: 1, released: 0, lost: 0 });
    });

    test("progress is visible while the job runs", async () => {
      const clock = testClock(start);
      const steps = defineJob({
        name: "steps",
        async perform(_: undefined, job: JobContext) {
          await job.progress({ done: 1, of: 2 });
          await clock.sleep(5_000);
        },
      });
      const queue = new Queue({ store: clock.watch(kind.create()), jobs: [steps], clock });
      const { id } = await queue.enqueue(steps);
      const drained = queue.drain();
      await clock.advance("1s");
      expect(await queue.getJob(id)).toMatchObject({ state: "running", progress: { done: 1, of: 2 } });
      await clock.advance("5s");
      await drained;
      expect(await queue.getJob(id)).toMatchObject({ state: "completed" });
    });

    test("extend and progress abort a job that has lost its lease", async () => {
      const clock = testClock(start);
      const refusals: unknown[] = [];
      let first: JobContext | undefined;
      const note = defineJob({
        name: "note",
        perform(_: undefined, job) {
          if (job.attempt > 1) return undefined;
          first = job;
          return new Promise(() => {});
        },
      });
      const store = clock.watch(kind.create());
      const queue = new Queue({ store, jobs: [note], clock });
      await queue.enqueue(note);
      const held = (await internalsOf(queue).enqueueHeld([{ job: note }])).held;
      const drained = internalsOf(queue).drain({ held }, { concurrency: 1, maxJobs: 1 });
      await clock.advance(1);
      // Another invocation with a fast clock.
      await store.open("default").exchange({
        now: start + 200_000,
        settle: [],
        fire: [],
        claim: { limit: 10, leaseMs: 60_000 },
        retentionMs: 0,
      });
      await first?.extend().catch((error: unknown) => refusals.push(error));
      await first?.progress(1).catch((error: unknown) => refusals.push(error));
      expect(refusals).toMatchObject([{ code: "conflict" }, { code: "conflict" }]);
      expect(first?.signal.aborted).toBe(true);
      await clock.advance("60s");
      expect(await drained).toMatchObject({ lost: 1, completed: 0 });
    });
  });
});
