import { expect, test } from "vitest";
import { defineJob, JobCancelledError, type JobContext, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { onEachKindOfStore } from "../support/stores.ts";
import { note } from "./open-queue.ts";

onEachKindOfStore((kind) => {
  /** A queue with a job that runs until its signal aborts, and why it did. */
  function setUp(whileRunning: (job: JobContext) => Promise<unknown> = async () => {}) {
    const clock = testClock(start);
    const reasons: unknown[] = [];
    let begun: (id: string) => void = () => {};
    const started = new Promise<string>((resolve) => {
      begun = resolve;
    });
    const runs = defineJob({
      name: "runs",
      timeout: "1h",
      async perform(_: unknown, job) {
        const aborted = new Promise<void>((resolve) => job.signal.addEventListener("abort", () => resolve()));
        begun(job.id);
        await whileRunning(job);
        await aborted;
        reasons.push(job.signal.reason);
      },
    });
    const store = clock.watch(kind.create());
    const queue = new Queue({ store, clock, jobs: [runs, note], logger: null });
    return { clock, queue, store, runs, reasons, started };
  }

  test("a running job that is cancelled is gone, aborts when its drain settles another job, and its outcome is lost", async () => {
    const { clock, queue, runs, reasons, started } = setUp();
    await queue.enqueueMany([{ job: runs }, { job: note, payload: 1, delay: "2s" }]);
    const drained = queue.drain();
    const id = await started;
    await expect(queue.cancel(id)).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringMatching(/running: true/),
    });
    await queue.cancel(id, { running: true });
    expect(await queue.getJob(id)).toBeNull();
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 2, runningCount: expect.any(Number) });
    await clock.advance("2s");
    await clock.advance("2s");
    expect(await drained).toMatchObject({ completed: 1, lost: 1, retried: 0, deadLettered: 0 });
    expect(reasons).toEqual([expect.any(JobCancelledError)]);
    await expect(queue.cancel(id, { running: true })).rejects.toMatchObject({ code: "not_found" });
    expect(await queue.getStats()).toMatchObject({
      totalEnqueued: 2,
      totalProcessed: 1,
      runningCount: 0,
      totalFailed: 0,
    });
  });

  test("it aborts when it reports progress or extends its lease", async () => {
    let cancel: (id: string) => Promise<void> = async () => {};
    const { queue, runs, reasons } = setUp(async (job) => {
      await cancel(job.id);
      await job.progress(1).catch(() => {});
    });
    cancel = (id) => queue.cancel(id, { running: true });
    await queue.enqueue(runs);
    expect(await queue.drain()).toMatchObject({ completed: 0, lost: 1 });
    expect(reasons).toEqual([expect.any(JobCancelledError)]);
  });

  test("it aborts within 15 s if it runs alone and sends nothing", async () => {
    const { clock, queue, runs, reasons, started } = setUp();
    await queue.enqueue(runs);
    const drained = queue.drain();
    const id = await started;
    await clock.advance("40s");
    await queue.cancel(id, { running: true });
    expect(reasons).toEqual([]);
    await clock.advance("15s");
    expect(reasons).toEqual([expect.any(JobCancelledError)]);
    expect(await drained).toMatchObject({ lost: 1 });
  });

  test("it aborts within seconds though it has reported progress more often than the budget has round trips", async () => {
    let clock = testClock();
    let reported = 0;
    const set = setUp(async (job) => {
      for (; reported < 60 && !job.signal.aborted; reported++) {
        await job.progress(reported).catch(() => {});
        await clock.sleep("1s");
      }
    });
    clock = set.clock;
    await set.queue.enqueue(set.runs, undefined, { timeout: "2m" });
    const drained = set.queue.drain();
    const id = await set.started;
    await clock.advance("49s");
    const { progress } = (await set.queue.getJob(id)) ?? {};
    expect(progress).toBeGreaterThan(40);
    await set.queue.cancel(id, { running: true });
    await clock.advance("9s");
    expect(set.reasons).toEqual([expect.any(JobCancelledError)]);
    const { roundTrips } = await drained;
    expect(roundTrips).toBeLessThanOrEqual(40);
  });

  test("its flow control key has a place again", async () => {
    const { clock, queue, store, runs, started } = setUp();
    const flowControl = { key: "one", concurrency: 1 };
    await queue.enqueueMany([
      { job: runs, flowControl },
      { job: note, payload: 1, flowControl },
    ]);
    const drained = queue.drain();
    await queue.cancel(await started, { running: true });
    expect(await queue.flowControl.get("one")).toMatchObject({ running: 0, waiting: 1 });
    expect(await new Queue({ store: store, clock, jobs: [note] }).drain()).toMatchObject({ completed: 1 });
    await clock.advance("1h");
    expect(await drained).toMatchObject({ lost: 1 });
  });

  test("waiting jobs are cancelled as ever, and ended ones are refused", async () => {
    const { queue } = setUp();
    const { id } = await queue.enqueue(note, 1);
    await queue.cancel(id, { running: true });
    expect(await queue.getJob(id)).toBeNull();
    const done = await queue.enqueue(note, 2);
    await queue.drain();
    await expect(queue.cancel(done.id, { running: true })).rejects.toMatchObject({ code: "conflict" });
    await expect(queue.cancel(done.id, { running: "yes" as never })).rejects.toMatchObject({ code: "invalid_request" });
  });
});
