import { beforeEach, describe, expect, test } from "vitest";
import worker, { sendEmail } from "../../examples/guide/cloudflare-queues/after.ts";
import { outbox } from "../../examples/guide/services.ts";
import { Queue } from "../../src/index.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import { useRedis } from "../support/stores.ts";
import { inBackground } from "./guide.ts";

beforeEach(() => {
  outbox.length = 0;
});

describe("moving from Cloudflare Queues", () => {
  const redis = useRedis();
  const settings = () => ({
    UPSTASH_REDIS_REST_URL: redis.shim.url,
    UPSTASH_REDIS_REST_TOKEN: redis.shim.token,
    TIDEGATE_ADMIN_TOKEN: "the-admin-token",
  });

  test("the Worker takes a mail as before, and the queue's routes beside it", async () => {
    const { context } = inBackground();
    const env = settings();
    const body = JSON.stringify({ to: "ada@example.com", subject: "Hello" });
    const post = new Request("https://example.com/mail", { method: "POST", body });
    expect((await worker.fetch(post, env, context)).status).toBe(202);

    const headers = { Authorization: "Bearer the-admin-token" };
    const get = new Request("https://example.com/queues/mail/jobs?state=scheduled", { headers });
    const { jobs } = (await (await worker.fetch(get, env, context)).json()) as { jobs: { id: string }[] };
    expect(jobs).toMatchObject([{ name: "send_email", payload: { to: "ada@example.com" } }]);

    const store = upstashStore({ url: redis.shim.url, token: redis.shim.token });
    const queue = new Queue({ name: "mail", store, jobs: [sendEmail] });
    await queue.reschedule(jobs[0]?.id ?? "", "0s");
    await queue.drain();
    expect(outbox).toMatchObject([{ to: "ada@example.com", subject: "Hello" }]);
  });

  test("a message of the old queue that is moved twice is one job", async () => {
    const queue = new Queue({ store: redis.store(), jobs: [sendEmail] });
    const message = { id: "4482549f75d1e4ac1e2ff3c9f5b3a0d4", body: { to: "ada@example.com", subject: "Hello" } };
    const move = () => queue.enqueue(sendEmail, message.body, { id: message.id });
    expect([await move(), await move()]).toMatchObject([{ status: "enqueued" }, { status: "duplicate" }]);
  });
});
