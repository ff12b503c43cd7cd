import { describe, expect, onTestFinished, test, vi } from "vitest";
import { type DrainReport, TidegateError } from "../../src/index.ts";
import { run, setUp } from "./run-worker.ts";

describe("startWorker", () => {
  test("while the store is unreachable retries with growing pauses, and then continues", async () => {
    const { clock, store, seen, note, open } = setUp();
    const queue = open();
    await queue.enqueue(note);
    store.plan("before");
    const waits: number[] = [];
    const onError = vi.fn((_: unknown, retryInMs: number) => void waits.push(retryInMs));
    const worker = run(queue, { onError });
    await clock.advance("5m");
    expect(onError.mock.calls[0]?.[0]).toMatchObject({ code: "store_unavailable" });
    waits.slice(0, 8).forEach((ms, index) => {
      expect(ms).toBeGreaterThanOrEqual(Math.min(500 * 2 ** index, 15_000));
      expect(ms).toBeLessThanOrEqual(Math.min(1_500 * 2 ** index, 30_000));
    });
    expect(waits.length).toBeLessThan(30);
    store.plan();
    await clock.advance("30s");
    expect(seen).toHaveLength(1);
    store.plan([{ call: 1, fault: "before" }]);
    waits.length = 0;
    await clock.advance("15s");
    expect(waits[0]).toBeLessThanOrEqual(1_500);
    expect(await worker.stop()).toMatchObject({ completed: 1 });
  });

  test("reports jobs that ran and could not be settled", async () => {
    const { clock, store, note, open } = setUp();
    const queue = open();
    await queue.enqueue(note);
    store.plan([{ on: "exchange", call: [2, 3], fault: "before" }]);
    const onError = vi.fn();
    run(queue, { onError });
    await clock.advance("1s");
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code: "store_unavailable" }), expect.any(Number));
    await clock.advance("2m");
    expect(await queue.getStats()).toMatchObject({ totalProcessed: 1, runningCount: 0 });
  });

  test("says what the store has thrown while other jobs ran, and passes it along as the cause", async () => {
    const { clock, store, note, slow, running, open } = setUp();
    const queue = open();
    await queue.enqueueMany([{ job: slow }, { job: note }]);
    const full = new TidegateError("store_unavailable", "Redis is full.");
    store.plan(({ method }) => {
      if (method === "exchange" && running.length > 0) throw full;
      return undefined;
    });
    const onError = vi.fn();
    run(queue, { onError });
    await clock.advance("2s");
    store.plan();
    for (const end of running) end();
    expect(onError).toHaveBeenCalledWith(
      expect.objectContaining({
        code: "store_unavailable",
        message: expect.stringMatching(/^Redis is full\. Jobs whose outcomes could not be stored run again/),
        cause: full,
      }),
      expect.any(Number),
    );
  });

  test("says nothing in its own words of what a store threw that is no error of Tidegate", async () => {
    const { clock, store, note, slow, running, open } = setUp();
    const queue = open();
    await queue.enqueueMany([{ job: slow }, { job: note }]);
    const foreign = new Error("redis://user:password@10.0.0.7");
    store.plan(({ method }) => {
      if (method === "exchange" && running.length > 0) throw foreign;
      return undefined;
    });
    const onError = vi.fn();
    run(queue, { onError });
    await clock.advance("2s");
    store.plan();
    for (const end of running) end();
    expect(onError.mock.calls[0]?.[0]).toMatchObject({
      message: expect.stringMatching(/^The store could not be reached while jobs ran\. (?!.*password)/),
      cause: foreign,
    });
  });

  test("logs errors if there is no onError", async () => {
    const { clock, store, open } = setUp();
    const written = vi.spyOn(console, "error").mockImplementation(() => {});
    onTestFinished(() => written.mockRestore());
    store.plan("before");
    run(open());
    await clock.advance(0);
    expect(written.mock.calls.join()).toMatch(
      /^tidegate worker: faultyStore kept this call from the store\. Retrying in [12] s\.$/,
    );
  });

  test("continues if a callback throws", async () => {
    const { clock, seen, note, open } = setUp();
    const queue = open();
    await queue.enqueueMany([{ job: note }, { job: note, delay: "3s" }]);
    const fail = () => {
      throw new Error("no");
    };
    run(queue, { onReport: fail, onError: fail });
    await clock.advance("5s");
    expect(seen).toEqual([0, 3_000]);
  });

  test("reports the drains that did something, and the totals", async () => {
    const { clock, note, open } = setUp();
    const queue = open();
    await queue.enqueueMany([{ job: note }, { job: note, delay: "25s" }]);
    const reports: DrainReport[] = [];
    const worker = run(queue, { onReport: (report) => void reports.push(report) });
    await clock.advance("1m");
    expect(reports.map(({ completed }) => completed)).toEqual([1, 1]);
    expect(worker.totals).toMatchObject({ completed: 2, drains: expect.any(Number) });
  });

  test("reports the progress of a drain, and includes it in the totals", async () => {
    const { clock, note, slow, running, open } = setUp();
    const queue = open();
    await queue.enqueueMany([{ job: note }, { job: slow }]);
    const reported: number[] = [];
    const worker = run(queue, {
      onProgress: ({ completed }) => void reported.push(completed, worker.totals.completed),
    });
    await clock.advance("2s");
    expect(reported).toEqual([0, 0, 1, 1]);
    for (const end of running) end();
  });
});
