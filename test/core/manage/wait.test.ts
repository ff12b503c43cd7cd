import { describe, expect, test } from "vitest";
import { QueueClient } from "../../../src/client/index.ts";
import { waitForEnd } from "../../../src/core/manage/wait.ts";
import { createHandler } from "../../../src/http/handler.ts";
import { defineJob, type JobInfo, memoryStore, Queue } from "../../../src/index.ts";
import { testClock } from "../../../src/testing/index.ts";
import { start } from "../../support/clock.ts";

const greet = defineJob({ name: "greet", perform: () => "hello" });

describe("wait", () => {
  test("returns the job when it has ended, and does not poll before it is due", async () => {
    const clock = testClock(start);
    const queue = new Queue({ store: memoryStore(), jobs: [greet], clock });
    const { id } = await queue.enqueue(greet, undefined, { delay: "20s" });
    const waiting = queue.wait(id, { timeout: "1m" });
    await clock.advance("20s");
    await queue.drain();
    await clock.advance("5s");
    expect(await waiting).toMatchObject({ state: "completed", result: "hello" });
  });

  test("returns the job as it is when the time is over, and null if there is none", async () => {
    const clock = testClock(start);
    const queue = new Queue({ store: memoryStore(), jobs: [greet], clock });
    const { id } = await queue.enqueue(greet);
    const waiting = queue.wait(id, { timeout: "10s" });
    await clock.advance("10s");
    expect(await waiting).toMatchObject({ state: "ready" });
    expect(await queue.wait("none")).toBeNull();
  });

  test("of a client refuses an invalid timeout before the first request", async () => {
    let requests = 0;
    const fetch = () => Promise.reject(new Error(`request ${++requests}`));
    const client = new QueueClient({ url: "http://queue.test", fetch });
    await expect(client.wait("job-1", { timeout: "soon" as "1s" })).rejects.toMatchObject({ code: "invalid_request" });
    expect(requests).toBe(0);
  });

  test("never sleeps longer than a timer can, even for a job that is due in months", async () => {
    const pauses: number[] = [];
    let now = 0;
    const due = { state: "scheduled", runAt: new Date(60 * 86_400_000) } as JobInfo;
    await waitForEnd(
      async () => due,
      60 * 86_400_000,
      () => now,
      async (ms) => {
        pauses.push(ms);
        now += ms;
      },
    );
    expect(Math.max(...pauses)).toBeLessThan(2 ** 31);
    expect(pauses).toHaveLength(3);
  });

  test("polls about a dozen times in 30 seconds", async () => {
    let now = 0;
    let polls = 0;
    const ready = { state: "ready", runAt: new Date(0) } as JobInfo;
    const look = async () => {
      polls++;
      return ready;
    };
    await waitForEnd(
      look,
      30_000,
      () => now,
      async (ms) => {
        now += ms;
      },
    );
    expect(polls).toBeGreaterThanOrEqual(10);
    expect(polls).toBeLessThanOrEqual(13);
    expect(now).toBe(30_000);
  });

  test("works through a handler, with a token of scope enqueue", async () => {
    const queue = new Queue({ store: memoryStore(), jobs: [greet] });
    const handler = createHandler({ queue, auth: { enqueue: ["the-enqueue-token"] } });
    const client = new QueueClient({
      url: "https://example.com",
      token: "the-enqueue-token",
      fetch: (request) => handler.fetch(request),
    });
    const { id } = await client.enqueue(greet);
    await queue.drain();
    expect(await client.wait(id, { timeout: "5s" })).toMatchObject({
      state: "completed",
      completedAt: expect.any(Date),
    });
  });
});
