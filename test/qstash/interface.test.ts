import { Hono } from "hono";
import { describe, expect, test, vi } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { createHandler } from "../../src/http/handler.ts";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { createWorker } from "../../src/platforms/cloudflare.ts";
import { createRoute } from "../../src/platforms/vercel.ts";
import { createQStash, type QStashOptions } from "../../src/qstash/index.ts";
import { qstashHandler, signingKeys, target, token } from "./served-qstash.ts";

const auth = { admin: ["the-admin-token"] };
const path = `/v2/publish/${target}`;

describe("QStash's interface", () => {
  test("answers refusals as QStash does", async () => {
    const { call } = qstashHandler();
    const answer = await call("POST", "/v2/publish/https://elsewhere.test/");
    expect(answer.status).toBe(400);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(Object.keys((await answer.json()) as object)).toEqual(["error"]);
  });

  test.each([
    ["no token", {}],
    ["a wrong token", { Authorization: "Bearer another-token-1" }],
    ["a token of the handler's own", { Authorization: "Bearer the-admin-token" }],
    ["another scheme", { Authorization: `Basic ${token}` }],
  ])("refuses %s, and does not repeat it", async (_, headers: Record<string, string>) => {
    const { app, queue } = qstashHandler();
    const answer = await app.fetch(new Request(`http://queue.test${path}`, { method: "POST", headers }));
    expect(answer.status).toBe(401);
    expect(await answer.text()).not.toContain(headers["Authorization"]?.split(" ")[1] ?? token);
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
  });

  test("its tokens allow nothing else of the handler", async () => {
    const { call } = qstashHandler();
    expect((await call("GET", "/stats")).status).toBe(401);
  });

  test("the handler's own routes answer as before", async () => {
    const { call } = qstashHandler();
    const answer = await call("GET", "/nowhere", { headers: { Authorization: "Bearer the-admin-token" } });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([404, "application/problem+json"]);
  });

  test.each([
    ["GET", "/v2/nowhere", 404],
    ["POST", "/v2/enqueue/a-queue/a-group", 404],
    ["POST", "/v2/enqueue/a%20queue/https://app.test/hook", 400],
    ["GET", "/v2/queues/none", 404],
    ["GET", "/v2/topics/none", 404],
    ["GET", "/v2/flowControl/key", 404],
    ["POST", "/v2/publish/api/llm", 404],
    ["POST", "/v2/publish/a-group", 404],
    ["GET", "/v2/publish/https://app.test/hook", 405],
    ["GET", "/v2/messages/%E0%A4%A", 400],
    ["GET", "/v2/messages/none", 404],
    ["GET", "/v2/dlq/none", 404],
  ])("answers %s %s with %i", async (method, at, status) => {
    const { call } = qstashHandler();
    const answer = await call(method, at);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toEqual({ error: expect.any(String) });
  });

  test.each([
    ["Upstash-Delay", "soon"],
    ["Upstash-Delay", "1"],
    ["Upstash-Delay", "99999999d"],
    ["Upstash-Not-Before", "tomorrow"],
    ["Upstash-Retries", "-1"],
    ["Upstash-Retries", "501"],
    ["Upstash-Retry-Delay", "process.exit()"],
    ["Upstash-Timeout", "0s"],
    ["Upstash-Method", "TRACE"],
    ["Upstash-Content-Based-Deduplication", "maybe"],
    ["Upstash-Flow-Control-Key", "tenant-7"],
    ["Upstash-Flow-Control-Value", "rate=1"],
    ["Upstash-Callback-Flow-Control-Key", "tenant-7"],
  ])("refuses the header %s: %s by name", async (name, value) => {
    const { call, queue } = qstashHandler();
    const answer = await call("POST", path, { headers: { [name]: value } });
    expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([
      400,
      expect.stringContaining(name),
    ]);
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
  });

  test.each(["https://app.test/日本", "https://app.test/a\r\nb", "https://app.test/a\u0000b"])(
    "starts a run for the destination %j, which no header can hold as it is",
    async (url) => {
      const { call } = qstashHandler();
      expect((await call("POST", `/v2/trigger/${encodeURIComponent(url)}`)).status).toBe(201);
      expect((await call("POST", `/v2/trigger/${encodeURIComponent(url.replace("app", "no"))}`)).status).toBe(400);
    },
  );

  test("accepts a body of 3.5 MB, and answers 413 to a larger one", async () => {
    const { call, queue, deliveries } = qstashHandler();
    for (const character of ["a", '"', "\u0001"]) {
      expect((await call("POST", path, { body: character.repeat(3_500_000) })).status).toBe(201);
    }
    await queue.drain();
    expect(deliveries.map(({ body }) => body.length)).toEqual([3_500_000, 3_500_000, 3_500_000]);
    const refused = await call("POST", path, { body: "a".repeat(3_500_001) });
    expect([refused.status, await refused.json()]).toEqual([413, { error: expect.any(String) }]);
  });

  test("answers 413 to headers above 32 KiB, and to more than a thousand", async () => {
    const { call } = qstashHandler();
    const large = { "Upstash-Forward-Large": "x".repeat(33_000) };
    expect((await call("POST", path, { headers: large })).status).toBe(413);
    const many = Object.fromEntries(Array.from({ length: 1_001 }, (_, n) => [`Upstash-Forward-${n}`, "x"]));
    expect((await call("POST", path, { headers: many })).status).toBe(413);
    const batch = JSON.stringify([{ destination: target, headers: large }]);
    expect((await call("POST", "/v2/batch", { body: batch })).status).toBe(413);
  });

  test.each([
    ["no array", "{}"],
    ["no JSON", "{"],
    ["no destination", "[{}]"],
    ["null", "[null]"],
    ["a body that is no text", JSON.stringify([{ destination: target, body: 7 }])],
    ["a header that no request can have", JSON.stringify([{ destination: target, headers: { "a\nb": "c" } }])],
    ["a queue that is no text", JSON.stringify([{ destination: target, queue: 7 }])],
    ["more than 1,000 messages", JSON.stringify(Array.from({ length: 1_001 }, () => ({ destination: target })))],
  ])("refuses a batch with %s", async (_, body) => {
    const { call, queue } = qstashHandler();
    expect((await call("POST", "/v2/batch", { body })).status).toBe(400);
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
  });

  test("does not forward headers of the connection, nor Host, which could lead to another site of the same server", async () => {
    const { call, queue, deliveries } = qstashHandler();
    const headers = {
      "Upstash-Forward-Host": "admin.internal",
      "Upstash-Forward-Connection": "close",
      "Upstash-Forward-Transfer-Encoding": "chunked",
      "Upstash-Forward-Content-Length": "0",
      "Upstash-Forward-Cookie": "a=b",
    };
    await call("POST", path, { headers, body: "x" });
    await queue.drain();
    expect([...(deliveries[0]?.headers.keys() ?? [])].filter((name) => !name.startsWith("upstash-"))).toEqual([
      "content-type",
      "cookie",
      "user-agent",
    ]);
  });

  test("no forwarded header replaces one of its own", async () => {
    const { call, queue, deliveries } = qstashHandler();
    const headers = { "Upstash-Forward-Upstash-Signature": "forged", "Upstash-Forward-Upstash-Message-Id": "forged" };
    await call("POST", path, { headers });
    await queue.drain();
    expect([...(deliveries[0]?.headers.values() ?? [])]).not.toContain("forged");
  });

  test("neither shows nor cancels the queue's other jobs", async () => {
    const { call, qstash, clock } = qstashHandler();
    const other = defineJob({ name: "other", maxRetries: 0, perform: () => Promise.reject(new Error("no")) });
    const queue = new Queue({ store: memoryStore(), jobs: [...qstash.jobs, other], clock, logger: null });
    const app = createHandler({ queue, auth, qstash });
    const send = (method: string, at: string) =>
      app.fetch(new Request(`http://queue.test${at}`, { method, headers: { Authorization: `Bearer ${token}` } }));
    const { id } = await queue.enqueue(other, undefined, { delay: "1h" });
    expect((await send("GET", `/v2/messages/${id}`)).status).toBe(404);
    expect((await send("DELETE", `/v2/messages/${id}`)).status).toBe(404);
    expect(await (await send("DELETE", "/v2/messages")).json()).toEqual({ cancelled: 0 });
    const dead = await queue.enqueue(other);
    await queue.drain();
    expect((await send("DELETE", `/v2/dlq/${dead.id}`)).status).toBe(404);
    expect(await (await send("DELETE", `/v2/dlq?dlqIds=${dead.id}`)).json()).toEqual({ deleted: 0 });
    expect(await (await send("POST", "/v2/dlq/retry")).json()).toEqual({ responses: [] });
    expect(await queue.getStats()).toMatchObject({ scheduledCount: 1, deadLetterCount: 1 });
    expect(await (await call("GET", "/v2/keys")).json()).toEqual(signingKeys);
  });

  test("a body with ids or filters selects as the query does: earlier versions of the SDK send them there", async () => {
    const { call, queue } = qstashHandler({ destination: () => new Response("no", { status: 500 }) });
    const publish = async (headers: Readonly<Record<string, string>>) => {
      const answer = await call("POST", path, { headers });
      return ((await answer.json()) as { messageId: string }).messageId;
    };
    const send = async (method: string, at: string, body: object) =>
      (await call(method, at, { body: JSON.stringify(body) })).json();
    const dead = [await publish({ "Upstash-Retries": "0" }), await publish({ "Upstash-Retries": "0" })];
    await queue.drain();
    const [one] = [
      await publish({ "Upstash-Delay": "1h" }),
      await publish({ "Upstash-Delay": "1h", "Upstash-Label": "a" }),
    ];
    await publish({ "Upstash-Delay": "1h" });
    expect(await send("DELETE", "/v2/messages", { messageIds: [one] })).toEqual({ cancelled: 1 });
    expect(await send("DELETE", "/v2/messages", { label: "a" })).toEqual({ cancelled: 1 });
    expect(await send("DELETE", "/v2/messages", { messageIds: [] })).toEqual({
      error: "messageIds must not be empty.",
    });
    expect(await send("DELETE", "/v2/messages", [one ?? ""])).toEqual({
      error: expect.stringContaining("The body must be"),
    });
    expect(await send("DELETE", "/v2/workflows/runs", { workflowRunIds: ["wfr_none"] })).toEqual({ cancelled: 0 });
    expect(await send("DELETE", "/v2/dlq", { dlqIds: [dead[0]] })).toEqual({ deleted: 1 });
    expect(await send("POST", "/v2/dlq/retry", { dlqIds: ["none"] })).toEqual({ responses: [] });
    expect(await queue.getStats()).toMatchObject({ scheduledCount: 1, deadLetterCount: 1 });
  });

  test("starts a delivery right after the publish if the platform allows it", async () => {
    const { qstash, queue, deliveries } = qstashHandler();
    const background: Promise<unknown>[] = [];
    const app = createHandler({ queue, auth, qstash, waitUntil: (work) => void background.push(work) });
    const headers = { Authorization: `Bearer ${token}` };
    await app.fetch(new Request(`http://queue.test${path}`, { method: "POST", headers }));
    await Promise.all(background);
    expect(deliveries).toHaveLength(1);
  });

  test("an error of another kind is a 500 without its message, and onError gets it", async () => {
    const { qstash } = qstashHandler();
    const store = memoryStore();
    const queue = new Queue({ store, jobs: qstash.jobs });
    vi.spyOn(internalsOf(queue), "enqueueHeld").mockRejectedValue(new Error("the-secret"));
    const errors: unknown[] = [];
    const app = createHandler({ queue, auth, qstash, onError: (error) => errors.push(error) });
    const headers = { Authorization: `Bearer ${token}` };
    const answer = await app.fetch(new Request(`http://queue.test${path}`, { method: "POST", headers }));
    expect([answer.status, await answer.text()]).toEqual([500, '{"error":"The server failed."}']);
    expect(errors).toHaveLength(1);
  });
});

describe("mounted", () => {
  const publish = (base: string) =>
    new Request(`http://queue.test${base}${path}?a=b`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}` },
    });
  const answered = async (response: Response) => [response.status, ((await response.json()) as { url?: string }).url];

  test("in another app, below paths and parameters", async () => {
    const { app } = qstashHandler();
    const outer = new Hono();
    outer.route("/api/v2/queue", app);
    outer.route("/:tenant/queue", app);
    expect(await answered(await outer.fetch(publish("/api/v2/queue")))).toEqual([201, `${target}?a=b`]);
    expect(await answered(await outer.fetch(publish("/seven/queue")))).toEqual([201, `${target}?a=b`]);
  });

  test("by createWorker", async () => {
    const { qstash, queue } = qstashHandler();
    const context = { waitUntil() {}, passThroughOnException() {}, props: {} };
    const worker = createWorker(() => ({ queue, auth, qstash }));
    expect(await answered(await worker.fetch(publish(""), {}, context))).toEqual([201, `${target}?a=b`]);
  });

  test("by createRoute, below its base path", async () => {
    const { qstash, queue } = qstashHandler();
    const { POST } = createRoute({ queue, auth, qstash, basePath: "/api/queue" });
    expect(await answered(await POST(publish("/api/queue")))).toEqual([201, `${target}?a=b`]);
  });

  test("on the queue that performs its jobs, if the handler has several", async () => {
    const { qstash } = qstashHandler();
    const store = memoryStore();
    const first = new Queue({ name: "first", store });
    const second = new Queue({ name: "second", store, jobs: qstash.jobs });
    const app = createHandler({ queues: [first, second], auth, qstash });
    expect((await app.fetch(publish(""))).status).toBe(201);
    expect(await second.getStats()).toMatchObject({ totalEnqueued: 1 });
  });

  test("refuses a handler whose queues lack the jobs", () => {
    const { qstash } = qstashHandler();
    const queue = new Queue({ store: memoryStore() });
    expect(() => createHandler({ queue, auth, qstash })).toThrow("...qstash.jobs");
    expect(() => createHandler({ queue, auth, qstash: {} as never })).toThrow("createQStash()");
  });
});

describe("createQStash", () => {
  const options: QStashOptions = { tokens: [token], signingKeys, targets: ["https://app.test/*"] };

  test.each([
    ["tokens", { tokens: [] }],
    ["tokens[0]", { tokens: ["short"] }],
    ["tokens", { tokens: undefined }],
    ["signingKeys.current", { signingKeys: { next: "sig_next_key" } }],
    ["signingKeys.next", { signingKeys: { current: "sig_current_key", next: "" } }],
    ["signingKeys", { signingKeys: undefined }],
    ["timeout", { timeout: 0 }],
    ["fetch", { fetch: 7 }],
    ["nonsense", { nonsense: 7 }],
  ])("names %s when it is wrong", (name, wrong) => {
    let message = "";
    try {
      createQStash({ ...options, ...wrong } as QStashOptions);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toContain(name);
  });
});
