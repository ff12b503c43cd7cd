import { memoryStore, Queue } from "tidegate";
import { createHandler } from "tidegate/http";
import { createQStash } from "tidegate/qstash";
import { expect, test } from "vitest";

const token = "the-qstash-token";
const key = "sig_current_key";

test("a message is published, delivered and signed inside workerd", async () => {
  const requests: Request[] = [];
  const qstash = createQStash({
    tokens: [token],
    signingKeys: { current: key, next: "sig_next_key" },
    targets: ["https://app.test/*"],
    fetch: async (url, init) => {
      requests.push(new Request(url, init));
      return new Response("fine");
    },
  });
  const queue = new Queue({ store: memoryStore(), jobs: qstash.jobs, logger: null });
  const app = createHandler({ queue, auth: { admin: ["the-admin-token"] }, qstash });
  const headers = { Authorization: `Bearer ${token}`, "Upstash-Callback": "https://app.test/callback" };
  const request = new Request("http://queue.test/v2/publish/https://app.test/hook?a=b", {
    ...{ method: "POST", headers, body: "the body" },
  });
  expect((await app.fetch(request)).status).toBe(201);
  await queue.drain();
  expect(requests.map(({ url }) => url)).toEqual(["https://app.test/hook?a=b", "https://app.test/callback"]);
  const [head = "", claims = "", signature = ""] = (requests[0]?.headers.get("upstash-signature") ?? "").split(".");
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const verifying = await crypto.subtle.importKey("raw", bytes(key), algorithm, false, ["verify"]);
  const decoded = (text: string) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  expect(await crypto.subtle.verify("HMAC", verifying, decoded(signature), bytes(`${head}.${claims}`))).toBe(true);
});

test("a destination that the platform's fetch cannot reach is a failed attempt", async () => {
  const qstash = createQStash({
    ...{ tokens: [token], signingKeys: { current: key, next: "sig_next_key" }, targets: ["http://127.0.0.1:9/*"] },
  });
  const queue = new Queue({ store: memoryStore(), jobs: qstash.jobs, logger: null });
  const app = createHandler({ queue, auth: { admin: ["the-admin-token"] }, qstash });
  const headers = { Authorization: `Bearer ${token}` };
  const published = await app.fetch(
    new Request("http://queue.test/v2/publish/http://127.0.0.1:9/hook", { method: "POST", headers, body: "x" }),
  );
  const { messageId } = (await published.json()) as { messageId: string };
  await queue.drain();
  const job = await queue.getJob(messageId);
  expect([job?.state, job?.errors[0]?.message]).toEqual(["scheduled", "The destination could not be reached."]);
});

function bytes(text: string) {
  return new TextEncoder().encode(text);
}

test("queues, groups, flow control keys, logs and signing keys work inside workerd", async () => {
  const urls: string[] = [];
  const qstash = createQStash({
    tokens: [token],
    signingKeys: { current: key, next: "sig_next_key" },
    targets: ["https://app.test/*"],
    events: { retention: "1d" },
    fetch: async (url) => {
      urls.push(String(url));
      return new Response("fine");
    },
  });
  const queue = new Queue({ store: memoryStore(), jobs: qstash.jobs, logger: null });
  const app = createHandler({ queue, auth: { admin: ["the-admin-token"] }, qstash });
  const call = async (method: string, path: string, init: RequestInit = {}) => {
    const headers = { ...init.headers, Authorization: `Bearer ${token}` };
    const answer = await app.fetch(new Request(`http://queue.test/v2/${path}`, { ...init, method, headers }));
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  const endpoints = [{ url: "https://app.test/one" }, { url: "https://app.test/two" }];
  await call("POST", "topics/group/endpoints", { body: JSON.stringify({ endpoints }) });
  expect((await call("POST", "enqueue/orders/group", { body: "text" })).status).toBe(201);
  const limits = { "Upstash-Flow-Control-Key": "k", "Upstash-Flow-Control-Value": "rate=1, period=1h" };
  expect((await call("POST", "publish/https://app.test/three", { headers: limits })).status).toBe(201);
  await queue.drain();
  expect(urls.sort()).toEqual(["https://app.test/one", "https://app.test/three", "https://app.test/two"]);
  expect((await call("GET", "queues/orders")).body).toMatchObject({ lag: 0, parallelism: 1 });
  expect((await call("GET", "flowControl/k")).body).toMatchObject({ rateCount: 1 });
  expect((await call("GET", "logs")).body).toMatchObject({ events: { length: 6 } });
  expect((await call("POST", "keys/rotate")).body).toMatchObject({ current: "sig_next_key" });
});
