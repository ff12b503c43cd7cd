import { expect, test } from "vitest";
import { defineJob, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { onEveryStore } from "../support/stores.ts";

const start = Date.parse("2026-03-01T12:00:00Z");

onEveryStore((kind) => {
  test("a clock that gives fractions of a millisecond, as performance.now() does, is read in whole ones", async () => {
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
});
