import { beforeEach, describe, expect, test } from "vitest";
import * as qstashAfter from "../../examples/guide/qstash/after.ts";
import * as qstashBefore from "../../examples/guide/qstash/before.ts";
import { outbox } from "../../examples/guide/services.ts";
import { memoryStore, Queue } from "../../src/index.ts";
import { createRoute } from "../../src/platforms/vercel.ts";
import { serveFetch } from "../support/http-server.ts";
import { useRedis } from "../support/stores.ts";

const hello = { to: "ada@example.com", subject: "Hello", key: "hello-ada" };

beforeEach(() => {
  outbox.length = 0;
});

/** A fake QStash that remembers what was sent. */
async function fakeQStash() {
  const seen: { readonly path: string; readonly headers: Headers; readonly body: unknown }[] = [];
  const server = await serveFetch(async (request) => {
    seen.push({ path: new URL(request.url).pathname, headers: request.headers, body: await request.json() });
    return Response.json({ messageId: "msg_1" }, { status: 201 });
  });
  return { seen, server, qstash: { url: server.url, token: "token", signingKey: "sig_key" } };
}

const base64url = (bytes: Uint8Array | string) => Buffer.from(bytes).toString("base64url");

/** A delivery as QStash signs it. */
async function delivery(body: string, signingKey: string, headers: Record<string, string> = {}): Promise<Request> {
  const bytes = new TextEncoder().encode(body);
  const digest = base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
  const claims = { iss: "Upstash", exp: Math.floor(Date.now() / 1_000) + 300, body: digest };
  const signed = `${base64url('{"alg":"HS256","typ":"JWT"}')}.${base64url(JSON.stringify(claims))}`;
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", new TextEncoder().encode(signingKey), algorithm, false, ["sign"]);
  const signature = new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(signed)));
  return new Request("https://example.com/api/send-email", {
    method: "POST",
    headers: { "Upstash-Signature": `${signed}.${base64url(signature)}`, ...headers },
    body,
  });
}

describe("moving from QStash", () => {
  const redis = useRedis();

  test("before: a message is published, and a schedule created", async () => {
    const { qstash, seen, server } = await fakeQStash();
    expect(await qstashBefore.enqueue(qstash)).toEqual({ messageId: "msg_1", deduplicated: false });
    await qstashBefore.recur(qstash);
    expect(seen.map(({ path }) => path)).toEqual([
      "/v2/publish/https://example.com/api/send-email",
      "/v2/schedules/https://example.com/api/send-email",
    ]);
    expect(seen[0]?.headers.get("upstash-delay")).toBe("5m");
    await server.stop();
  });

  test("before: a route handles messages that QStash signed", async () => {
    const qstash = { url: "", token: "", signingKey: "sig_key" };
    const receive = async (body: object, key = qstash.signingKey) =>
      (
        await qstashBefore.POST(
          await delivery(JSON.stringify(body), key, { "Upstash-Message-Id": "hello-ada" }),
          qstash,
        )
      ).status;
    expect(await receive({ to: hello.to, subject: hello.subject })).toBe(200);
    expect(outbox).toEqual([hello]);
    expect(await receive({ to: "nobody", subject: "Hello" })).toBe(489);
    expect(await receive({ to: hello.to, subject: "Forged" }, "another key")).toBe(401);
    expect(outbox).toHaveLength(1);
  });

  test("after: the client enqueues, and the route performs the job", async () => {
    const store = memoryStore();
    const route = qstashAfter.routeOf(store, "the-enqueue-token");
    const client = qstashAfter.connect("https://example.com/api/queue", "the-enqueue-token", (request) =>
      route.POST(request),
    );
    expect(await qstashAfter.enqueue(client)).toEqual({ id: "hello-ada", status: "enqueued" });
    expect(await qstashAfter.enqueue(client)).toEqual({ id: "hello-ada", status: "duplicate" });
    const queue = new Queue({ store, jobs: [qstashAfter.sendEmail, qstashAfter.goodMorning] });
    await queue.reschedule("hello-ada", "0s");
    await queue.drain();
    expect(outbox).toEqual([hello]);
    expect(await queue.schedules.list()).toMatchObject([{ key: "good_morning", cron: "0 9 * * *" }]);
  });

  test("after: a line in order does not wait for what a job enqueues, and a group is one atomic call", async () => {
    const queue = new Queue({ store: memoryStore(), jobs: [qstashAfter.sendEmail] });
    const flowControl = { key: "orders", ordered: true };
    const to = (subject: string) => ({ job: qstashAfter.sendEmail, payload: { to: "ada@example.com", subject } });
    await queue.enqueueMany([{ ...to("first"), flowControl }, { ...to("second"), flowControl }, to("follow-up")]);
    await queue.drain();
    expect(outbox.map(({ subject }) => subject).filter((subject) => subject !== "follow-up")).toEqual([
      "first",
      "second",
    ]);
    const group = [to("one endpoint"), { ...to("another"), delay: "never" }];
    await expect(queue.enqueueMany(group as never)).rejects.toThrow(/^Job 1: /);
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 3 });
  });

  test("after: nobody can drain without CRON_SECRET", async () => {
    const queue = new Queue({ store: redis.store() });
    const { GET } = createRoute({ queue, auth: { enqueue: ["the-enqueue-token"] } });
    const headers = { Authorization: "Bearer the-enqueue-token" };
    expect((await GET(new Request("https://example.com/drain", { headers }))).status).toBe(403);
  });
});
