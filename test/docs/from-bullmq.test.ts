import { beforeEach, describe, expect, test } from "vitest";
import * as bullmqAfter from "../../examples/guide/bullmq/after.ts";
import * as bullmqBefore from "../../examples/guide/bullmq/before.ts";
import { outbox } from "../../examples/guide/services.ts";
import { useRedis } from "../support/stores.ts";
import { inBackground, wakeBinding } from "./guide.ts";

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

  test("after: a Worker performs it, with no retry for what is permanent", async () => {
    const { url, token } = redis.shim;
    const { binding, asked } = wakeBinding();
    const env = {
      UPSTASH_REDIS_REST_URL: url,
      UPSTASH_REDIS_REST_TOKEN: token,
      TIDEGATE_ADMIN_TOKEN: "the-admin-token",
      WAKE: binding,
    };
    const { context } = inBackground();
    const queue = bullmqAfter.openQueue(env);
    const signUp = new Request("https://app.test/sign-up", {
      method: "POST",
      body: JSON.stringify({ email: hello.to }),
    });
    expect((await bullmqAfter.default.fetch(signUp, env, context)).status).toBe(202);
    expect(asked).toHaveLength(1);
    await queue.enqueue(bullmqAfter.sendEmail, { to: "nobody", subject: "Hello" }, { id: "wrong" });
    const headers = { Authorization: "Bearer the-admin-token" };
    const request = new Request("https://app.test/queue/drain", { method: "POST", headers });
    const response = await bullmqAfter.default.fetch(request, env, context);
    expect(await response.json()).toMatchObject({ completed: 1, deadLettered: 1 });
    expect(outbox).toMatchObject([hello]);
    expect(await queue.getJob("wrong")).toMatchObject({ attempts: 1, error: { message: "Not a valid address." } });
  });
});
