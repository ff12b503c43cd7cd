import { Redis } from "ioredis";
import { beforeEach, describe, expect, test } from "vitest";
import * as bullmqAfter from "../../examples/guide/bullmq/after.ts";
import * as bullmqBefore from "../../examples/guide/bullmq/before.ts";
import { outbox } from "../../examples/guide/services.ts";
import { useRedis } from "../support/stores.ts";

const hello = { to: "ada@example.com", subject: "Welcome" };

beforeEach(() => {
  outbox.length = 0;
});

describe("moving from BullMQ", () => {
  const redis = useRedis();

  test("before: a process performs the job, and drain deletes those that wait", async () => {
    const connection = { host: "127.0.0.1", port: redis.server.port, maxRetriesPerRequest: null };
    const queue = bullmqBefore.openQueue(connection);
    const worker = bullmqBefore.startWorker(connection);
    const failed = new Promise((resolve) => worker.once("failed", resolve));
    const completed = new Promise((resolve) => worker.once("completed", resolve));
    await bullmqBefore.welcome(queue, "nobody");
    await queue.add("send_email", hello, { jobId: "hello-ada" });
    await Promise.all([failed, completed]);
    expect(await queue.getFailed()).toMatchObject([{ attemptsMade: 1, failedReason: "Not a valid address." }]);
    expect(outbox).toMatchObject([hello]);
    await worker.close();
    await queue.add("send_email", hello);
    await queue.drain();
    expect(await queue.getJobCounts("waiting")).toMatchObject({ waiting: 0 });
    await queue.close();
  });

  test("after: a process performs it too, with no retry for what is permanent", async () => {
    const client = new Redis(redis.server.port);
    const queue = bullmqAfter.openQueue(client);
    await bullmqAfter.welcome(queue, hello.to);
    const { id } = await bullmqAfter.welcome(queue, "nobody");
    const worker = bullmqAfter.work(queue);
    expect(await queue.wait(id)).toMatchObject({ attempts: 1, error: { message: "Not a valid address." } });
    expect(await worker.stop()).toMatchObject({ completed: 1, deadLettered: 1 });
    expect(outbox).toMatchObject([hello]);
    client.disconnect();
  });
});
