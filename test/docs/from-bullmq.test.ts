import { beforeEach, describe, expect, test } from "vitest";
import * as bullmqAfter from "../../examples/guide/bullmq/after.ts";
import * as bullmqBefore from "../../examples/guide/bullmq/before.ts";
import { outbox } from "../../examples/guide/services.ts";
import { memoryStore, Queue } from "../../src/index.ts";
import { drainAll, testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { useRedis } from "../support/stores.ts";
import { inBackground } from "./guide.ts";

const hello = { to: "ada@example.com", subject: "Hello", key: "hello-ada" };

beforeEach(() => {
  outbox.length = 0;
});

describe("moving from BullMQ", () => {
  const redis = useRedis();

  test("before: a long-running worker performs the job", async () => {
    const connection = { host: "127.0.0.1", port: redis.server.port, maxRetriesPerRequest: null };
    const queue = bullmqBefore.openQueue(connection);
    await bullmqBefore.add(queue);
    await bullmqBefore.recur(queue);
    expect(await queue.getJobSchedulers()).toMatchObject([
      { key: "daily", pattern: "0 0 9 * * *", tz: "Europe/Paris" },
    ]);
    const worker = bullmqBefore.startWorker(connection);
    const failed = new Promise((resolve) => worker.once("failed", resolve));
    const completed = new Promise((resolve) => worker.once("completed", resolve));
    await queue.add("send_email", { to: "nobody", subject: "Hello" }, { attempts: 4 });
    await failed;
    expect(await queue.getFailed()).toMatchObject([{ attemptsMade: 1, failedReason: "This is no address." }]);
    await (await queue.getJob("hello-ada"))?.promote();
    await completed;
    expect(outbox).toEqual([hello]);
    await worker.close();
    await bullmqBefore.redrive(queue);
    expect(await queue.getFailed()).toEqual([]);
    await queue.close();
  });

  test("before: drain deletes the jobs that wait, and with true the delayed ones too", async () => {
    const connection = { host: "127.0.0.1", port: redis.server.port, maxRetriesPerRequest: null };
    const queue = bullmqBefore.openQueue(connection);
    await queue.obliterate();
    await queue.add("send_email", { to: "ada@example.com", subject: "Now" });
    await bullmqBefore.add(queue);
    await queue.drain();
    expect(await queue.getJobCounts("waiting", "delayed")).toMatchObject({ waiting: 0, delayed: 1 });
    await queue.drain(true);
    expect(await queue.getJobCounts("waiting", "delayed")).toMatchObject({ waiting: 0, delayed: 0 });
    expect(await queue.getJob("hello-ada")).toBeUndefined();
    await queue.close();
  });

  test("after: clear deletes the jobs that wait", async () => {
    const queue = new Queue({ name: "mail", store: memoryStore(), jobs: [bullmqAfter.sendEmail] });
    await bullmqAfter.add(queue);
    expect(await queue.clear({ state: "pending" })).toMatchObject({ cleared: 1 });
    expect(await queue.getJob("hello-ada")).toBeNull();
  });

  test("after: a drain performs the job", async () => {
    const clock = testClock(start);
    const queue = new Queue({ name: "mail", store: memoryStore(), jobs: [bullmqAfter.sendEmail], clock });
    await bullmqAfter.add(queue);
    await bullmqAfter.recur(queue);
    await queue.enqueue(bullmqAfter.sendEmail, { to: "nobody", subject: "Hello" }, { id: "wrong" });
    await drainAll(queue, { clock, until: "2026-03-02T08:00:00Z" });
    expect(outbox).toMatchObject([hello, { to: "team@example.com" }]);
    expect(await queue.getJob("wrong")).toMatchObject({ attempts: 1, error: { message: "This is no address." } });
    await bullmqAfter.redrive(queue);
    expect(await queue.getStats()).toMatchObject({ deadLetterCount: 0, readyCount: 1 });
  });

  test("after: a Worker uses the same queue", async () => {
    const env = {
      UPSTASH_REDIS_REST_URL: redis.shim.url,
      UPSTASH_REDIS_REST_TOKEN: redis.shim.token,
      TIDEGATE_ADMIN_TOKEN: "the-admin-token",
    };
    const { context } = inBackground();
    const headers = { Authorization: "Bearer the-admin-token" };
    const request = new Request("https://queue.test/queues/mail/stats", { headers });
    expect((await bullmqAfter.default.fetch(request, env, context)).status).toBe(200);
  });
});
