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
