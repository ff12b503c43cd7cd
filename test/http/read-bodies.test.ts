import { describe, expect, test } from "vitest";
import { createHandler } from "../../src/http/handler.ts";
import { memoryStore, Queue } from "../../src/index.ts";
import { createQStash } from "../../src/qstash/index.ts";
import { setUp, snapshot } from "./memory-handler.ts";

const signingKeys = { current: "the-current-signing-key", next: "the-next-signing-key" };
const reason = "Something has read the body before the handler.";

function post(url: string, body: unknown, headers: Record<string, string> = {}): Request {
  const json = { "Content-Type": "application/json", ...headers };
  return new Request(url, { method: "POST", headers: json, body: JSON.stringify(body) });
}

describe("a body that a framework has read", () => {
  test.each(["/jobs", "/drain", "/dead-letter/retry", "/queues/default/jobs", "/pause"])(
    "is refused by %s with the reason",
    async (path) => {
      const { send, queue } = setUp();
      const before = await snapshot(queue);
      const request = post(`http://queue.test${path}`, { name: "fails" });
      await request.json();
      expect(await send(request)).toMatchObject({
        status: 400,
        body: { code: "invalid_request", detail: expect.stringContaining(reason) },
      });
      expect(await snapshot(queue)).toBe(before);
    },
  );

  test("is refused when the request arrives without it", async () => {
    const { send, queue } = setUp();
    const before = await snapshot(queue);
    const request = new Request("http://queue.test/drain", { method: "POST", headers: { "Content-Length": "13" } });
    expect(await send(request)).toMatchObject({ status: 400, body: { detail: expect.stringContaining(reason) } });
    expect(await snapshot(queue)).toBe(before);
  });

  test("is taken from a copy", async () => {
    const { send } = setUp();
    const request = post("http://queue.test/jobs", { name: "fails" });
    const copy = request.clone();
    await request.json();
    expect((await send(copy)).status).toBe(201);
  });

  test.each([
    ["publish", "POST", "/v2/publish/https://app.test/hook"],
    ["cancelling, where an empty one would mean all messages", "DELETE", "/v2/messages"],
  ])("is refused by %s of QStash's interface", async (_, method, path) => {
    const qstash = createQStash({ tokens: ["the-qstash-token"], signingKeys, targets: ["https://app.test/*"] });
    const queue = new Queue({ store: memoryStore(), jobs: qstash.jobs });
    const handler = createHandler({ queue, auth: "none", qstash });
    const headers = { Authorization: "Bearer the-qstash-token" };
    const read = new Request(post(`http://queue.test${path}`, { messageIds: ["a"] }, headers), { method });
    await read.text();
    const response = await handler.fetch(read);
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining(reason)]);
    expect((await queue.listJobs()).jobs).toEqual([]);
  });
});
