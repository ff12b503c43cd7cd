import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { resize } from "../../examples/guide/define.ts";
import * as statistics from "../../examples/guide/statistics.ts";
import { createHandler } from "../../src/http/handler.ts";
import { memoryStore, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { serveFetch } from "../support/http-server.ts";
import { documentsIn, runScript } from "./guide.ts";

const cat = { image: "cat.png", width: 80 };

async function setUp() {
  const clock = testClock();
  const queue = new Queue({ store: memoryStore(), jobs: [resize], clock });
  await queue.enqueueMany([
    { job: resize, payload: cat },
    { job: resize, payload: cat, delay: "1h" },
  ]);
  return { clock, queue };
}

describe("statistics", () => {
  test("each has its words in the guide, and no other", async () => {
    const page = await readFile(join(import.meta.dirname, "../../docs/guide/observe.md"), "utf8");
    const [table = ""] = /\n\| field.*?\n\n/s.exec(page.split("\n## Statistics\n")[1] ?? "") ?? [];
    const named = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    const { queue } = await setUp();
    await queue.pause({ by: "ada", reason: "we deploy" });
    expect(named.sort()).toEqual(Object.keys(await queue.getStats()).sort());
  });

  test("count what a queue contains and has done", async () => {
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    const { queue } = await setUp();
    await queue.drain();
    await statistics.show(queue);
    expect(log.mock.calls.flat()).toEqual([
      "Total enqueued: 2",
      "Total processed: 1",
      "Total failed: 0",
      "Pending: 1",
      "Running: 0",
      "Dead-letter queue: 0",
    ]);
    log.mockRestore();
  });

  test("show how the jobs of each name do, and the busiest hour", async () => {
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    const { queue, clock } = await setUp();
    await queue.drain();
    await clock.advance("1h");
    await statistics.showNames(queue);
    await statistics.showBusiestHour(queue);
    expect(log.mock.calls.flat()).toEqual([
      "resize: 1 done, 0 retried, 0 dead, p95 0 ms",
      "  1 waiting",
      "2026-01-01T00:00:00.000Z: 1 jobs",
    ]);
    log.mockRestore();
  });

  test("show when somebody should take a look", async () => {
    const { queue, clock } = await setUp();
    expect(await statistics.problems(queue)).toEqual([]);
    await clock.advance("6m");
    expect(await statistics.problems(queue)).toEqual([
      "Nothing runs the jobs that are due. Does the cron trigger fire?",
    ]);
    const store = memoryStore();
    await new Queue({ store }).enqueue("resize", {}, { maxRetries: 0 });
    const other = new Queue({ store, jobs: [{ ...resize, perform: () => Promise.reject(new Error("no luck")) }] });
    await other.drain();
    await other.pause();
    expect(await statistics.problems(other)).toEqual(["Dead jobs: 1.", "The queue is paused."]);
  });

  test("are served over HTTP, and health to anyone", async () => {
    const { queue } = await setUp();
    const handler = createHandler({ queue, auth: { read: ["the-read-token"] } });
    const server = await serveFetch((request) => handler.fetch(request));
    const output = await runScript("statistics.sh", {
      TIDEGATE_URL: server.url,
      TIDEGATE_READ_TOKEN: "the-read-token",
    });
    expect(documentsIn(output)).toMatchObject([
      { pendingCount: 2, readyCount: 1, scheduledCount: 1 },
      { status: "ok" },
    ]);
    await server.stop();
  });
});

describe("a queue", () => {
  test("that is paused starts nothing until it is resumed", async () => {
    const { queue } = await setUp();
    await statistics.holdBack(queue, async () => {
      expect(await queue.drain()).toMatchObject({ claimed: 0, stoppedBy: "paused" });
      await queue.enqueue(resize, cat);
    });
    expect(await queue.drain()).toMatchObject({ completed: 2 });
  });

  test("that is cleared loses its waiting jobs", async () => {
    const { queue } = await setUp();
    expect(await statistics.empty(queue)).toBe(2);
    expect(await queue.getStats()).toMatchObject({ pendingCount: 0 });
  });
});
