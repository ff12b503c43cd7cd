import { describe, expect, test } from "vitest";
import { encode, report, uploaded } from "../../examples/guide/trigger/after.ts";
import { memoryStore, Queue } from "../../src/index.ts";
import { performJob, testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";

describe("moving from Trigger.dev", () => {
  test("a task becomes a job, with its key, its delay and its result", async () => {
    const clock = testClock(start);
    const queue = new Queue({ store: memoryStore(), jobs: [encode, report], clock });
    expect(await uploaded(queue)).toBe("encode-cat");
    await uploaded(queue);
    expect(await queue.drain()).toMatchObject({ claimed: 0, nextRunAt: new Date(start + 300_000) });
    await clock.advance("5m");
    expect(await queue.drain()).toMatchObject({ completed: 1 });
    expect(await queue.getJob("encode-cat")).toMatchObject({
      result: { address: "https://videos.example.com/cat.mp4" },
    });
    expect(await queue.schedules.list()).toMatchObject([{ key: "report", timeZone: "Europe/Paris" }]);
  });

  test("progress is that of the video, and another file is dead at once", async () => {
    expect(await performJob(encode, { video: "cat.mp4", customer: "acme" })).toMatchObject({
      status: "completed",
      progress: [{ percent: 50 }],
    });
    expect(await performJob(encode, { video: "cat.txt", customer: "acme" })).toMatchObject({ status: "dead" });
  });

  test("the limit counts for each customer", async () => {
    const queue = new Queue({ store: memoryStore(), jobs: [encode], clock: testClock(start) });
    await queue.enqueue(encode, { video: "cat.mp4", customer: "acme" });
    expect(await queue.flowControl.get("encode-acme")).toMatchObject({ concurrency: 2, waiting: 1 });
  });
});
