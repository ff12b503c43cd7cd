import { describe, expect, test } from "vitest";
import { defineJob, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { onEachKindOfStore } from "../support/stores.ts";

onEachKindOfStore((kind) => {
  test("a clock with fractions of a millisecond, such as performance.now(), is read in whole milliseconds", async () => {
    const whole = testClock(start);
    const clock = Object.assign(() => whole() + 0.7, { sleep: whole.sleep });
    const work = defineJob({
      name: "work",
      perform: (payload: string) => (payload === "fail" ? Promise.reject(new Error("no luck")) : payload),
    });
    const queue = new Queue({ store: whole.watch(kind.create()), clock, jobs: [work] });
    await queue.enqueue(work, "later", { id: "later", delay: "5m" });
    await queue.enqueue(work, "fail", { id: "fail", timeout: "10s" });
    await queue.enqueue(work, "done", { id: "done" });
    await queue.schedules.upsert("hourly", { job: work, payload: "hourly", cron: "0 0 * * * *" });
    expect(await queue.drain()).toMatchObject({ completed: 1, retried: 1, nextRunAt: new Date(start + 60_000) });
    expect(await queue.getJob("later")).toMatchObject({ runAt: new Date(start + 300_000), attempts: 0 });
    expect(await queue.getJob("fail")).toMatchObject({ attempts: 1, errors: [{ failedAt: new Date(start) }] });
    await whole.advance("1h");
    await queue.cancel("fail");
    expect(await queue.drain()).toMatchObject({ completed: 2, rearmed: 1, lost: 0 });
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 4, totalProcessed: 3, runningCount: 0 });
  });

  describe("a clock that is set back while a drain runs", () => {
    /** A queue whose clock its job sets back by 20 seconds, and the clock that waits use. */
    function setUp(ms: number) {
      const real = testClock(start);
      let setBackMs = 0;
      const clock = Object.assign(() => real() - setBackMs, { sleep: real.sleep });
      const steps = defineJob({
        name: "steps",
        timeout: "10s",
        perform(_: undefined, job) {
          setBackMs = 20_000;
          return real.sleep(ms, job.signal);
        },
      });
      const queue = new Queue({ store: real.watch(kind.create()), clock, jobs: [steps] });
      return { real, steps, queue };
    }

    test("changes neither the end of its time budget nor the start of its jobs", async () => {
      const { real, steps, queue } = setUp(2_000);
      await queue.enqueueMany(Array(10).fill({ job: steps }));
      const drained = queue.drain({ concurrency: 1, timeBudget: "5s" });
      await real.advance("6s");
      expect(await queue.getStats()).toMatchObject({ totalProcessed: 3, runningCount: 0 });
      expect(await drained).toMatchObject({ completed: 3, stoppedBy: "timeBudget" });
    });

    test("does not make it linger", async () => {
      const { real, steps, queue } = setUp(0);
      await queue.enqueueMany(Array(3).fill({ job: steps }));
      const drained = queue.drain({ concurrency: 1, batchSize: 1 });
      await real.advance(10);
      expect(await drained).toMatchObject({ completed: 3, stoppedBy: "empty", backlog: false });
    });

    test("gives an attempt no more time than its timeout", async () => {
      const { real, steps, queue } = setUp(60_000);
      await queue.enqueue(steps);
      const drained = queue.drain();
      await real.advance("11s");
      expect(await queue.getStats()).toMatchObject({ totalRetried: 1 });
      expect(await drained).toMatchObject({ retried: 1 });
    });
  });
});
