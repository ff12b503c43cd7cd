import { describe, expect, test } from "vitest";
import { onEachKindOfStore } from "../support/stores.ts";
import { servedQStash, target, verify } from "./served-qstash.ts";

onEachKindOfStore(({ create }) => {
  const served = (parts = {}) => servedQStash({ store: create(), ...parts });

  describe("publish", () => {
    test("delivers a message with its body, its content type and its forwarded headers", async () => {
      const { client, queue, deliveries } = await served();
      const { messageId } = await client.publishJSON({
        url: target,
        body: { hello: "world" },
        headers: { "X-Tenant": "7" },
      });
      await queue.drain();
      const [delivery] = deliveries;
      expect(deliveries).toHaveLength(1);
      expect(delivery).toMatchObject({ url: target, method: "POST", body: '{"hello":"world"}', redirect: "manual" });
      expect(Object.fromEntries(delivery?.headers ?? [])).toMatchObject({
        "content-type": "application/json",
        "x-tenant": "7",
        "user-agent": "Upstash-QStash",
        "upstash-message-id": messageId,
        "upstash-retried": "0",
      });
    });

    test("signs what it delivers so that the receiver of the SDK accepts it", async () => {
      const { client, queue, deliveries } = await served();
      await client.publish({ url: target, body: "çà et là" });
      await queue.drain();
      const [delivery] = deliveries;
      if (!delivery) throw new Error("Nothing was delivered.");
      expect(await verify(delivery)).toBe(true);
      await expect(verify({ ...delivery, body: "another" })).rejects.toThrow("body hash does not match");
      await expect(verify({ ...delivery, url: "https://app.test/other" })).rejects.toThrow("invalid subject");
      await expect(verify(delivery, { current: "another-key-1", next: "another-key-2" })).rejects.toThrow("signature");
    });

    test("uses the method that it is given", async () => {
      const { client, queue, deliveries } = await served();
      await client.publish({ url: target, method: "PUT", body: "x" });
      await client.publish({ url: target, method: "GET" });
      await queue.drain();
      expect(deliveries.map(({ method, body }) => [method, body])).toEqual(
        expect.arrayContaining([
          ["PUT", "x"],
          ["GET", ""],
        ]),
      );
    });

    test("delivers after the delay, and not before", async () => {
      const { client, queue, clock, deliveries } = await served();
      await client.publish({ url: target, delay: 26 * 3_600 });
      clock.now += 26 * 3_600_000 - 1_000;
      await queue.drain();
      expect(deliveries).toHaveLength(0);
      clock.now += 1_000;
      await queue.drain();
      expect(deliveries).toHaveLength(1);
    });

    test("prefers not-before to a delay", async () => {
      const { client, queue, clock, deliveries } = await served();
      await client.publish({ url: target, delay: 1, notBefore: clock.now / 1_000 + 60 });
      clock.now += 59_000;
      await queue.drain();
      expect(deliveries).toHaveLength(0);
      clock.now += 1_000;
      await queue.drain();
      expect(deliveries).toHaveLength(1);
    });

    test("returns the first message for a repeated deduplication id, for ten minutes", async () => {
      const { client, queue, clock, deliveries } = await served();
      const send = () => client.publish({ url: target, body: "x", deduplicationId: "order-7" });
      const first = await send();
      expect(await send()).toMatchObject({ messageId: first.messageId, deduplicated: true });
      clock.now += 599_000;
      expect(await send()).toMatchObject({ messageId: first.messageId, deduplicated: true });
      clock.now += 1_000;
      expect((await send()).messageId).not.toBe(first.messageId);
      await queue.drain();
      expect(deliveries).toHaveLength(2);
    });

    test("deduplicates by content: destination, body and headers", async () => {
      const { client } = await served();
      const send = (body: string, headers = {}, url = target) =>
        client.publish({ url, body, headers, contentBasedDeduplication: true });
      const first = await send("x");
      expect(await send("x")).toMatchObject({ messageId: first.messageId, deduplicated: true });
      expect(await send("y")).not.toHaveProperty("deduplicated");
      expect(await send("x", { A: "1" })).not.toHaveProperty("deduplicated");
      expect(await send("x", {}, "https://app.test/other")).not.toHaveProperty("deduplicated");
    });
  });

  describe("batch", () => {
    test("publishes every message, and answers in order", async () => {
      const { client, queue, deliveries } = await served();
      const answers = await client.batchJSON([
        { url: `${target}/1`, body: { n: 1 } },
        { url: `${target}/2`, body: { n: 2 }, delay: 60 },
        { url: `${target}/3`, body: { n: 3 } },
      ]);
      expect(answers.map((answer) => ("url" in answer ? answer.url : ""))).toEqual(
        [1, 2, 3].map((n) => `${target}/${n}`),
      );
      await queue.drain();
      expect(deliveries.map(({ body }) => body).sort()).toEqual(['{"n":1}', '{"n":3}']);
    });

    test("stores nothing if one message is refused, and says which", async () => {
      const { client, queue } = await served();
      const refused = client.batch([{ url: target }, { url: "https://elsewhere.test/" }]);
      await expect(refused).rejects.toThrow("Message 1: The destination is not among the targets");
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
    });
  });

  describe("messages", () => {
    test("get shows a waiting message", async () => {
      const { client, clock } = await served();
      const { messageId } = await client.publishJSON({
        ...{ url: target, body: { a: 1 }, delay: 60, retries: 5, label: ["x", "y"], headers: { "X-A": "1" } },
        retryDelay: "1000 * (1 + retried)",
      });
      expect(await client.messages.get(messageId)).toMatchObject({
        ...{ messageId, url: target, method: "POST", body: '{"a":1}', maxRetries: 5, labels: ["x", "y"], label: "x" },
        header: { "Content-Type": ["application/json"], "X-A": ["1"] },
        ...{ createdAt: clock.now, notBefore: clock.now + 60_000, retryDelayExpression: "1000 * (1 + retried)" },
      });
    });

    test("a body that is not UTF-8 is delivered unchanged", async () => {
      const { client, queue, deliveries } = await served();
      const bytes = new Uint8Array([0, 159, 146, 150]);
      const { messageId } = await client.publish({ url: target, body: new Blob([bytes]), delay: 1 });
      expect(await client.messages.get(messageId)).toMatchObject({ bodyBase64: "AJ+Slg==" });
      expect(deliveries).toEqual([]);
      await queue.reschedule(messageId, "0s");
      await queue.drain();
      expect(deliveries.map((delivery) => delivery.bytes)).toEqual([bytes]);
    });

    test("get does not find a delivered message", async () => {
      const { client, queue } = await served();
      const { messageId } = await client.publish({ url: target });
      await queue.drain();
      await expect(client.messages.get(messageId)).rejects.toMatchObject({ status: 404 });
      await expect(client.messages.cancel(messageId)).rejects.toMatchObject({ status: 404 });
    });

    test("cancel takes one id, several, a filter, or all", async () => {
      const { client, queue } = await served();
      const sent = await client.batch(
        ["a", "b", "c", "d", "e"].map((label) => ({ url: `${target}/${label}`, label, delay: 60 })),
      );
      const ids = sent.map((answer) => ("messageId" in answer ? answer.messageId : ""));
      expect(await client.messages.cancel(ids[0] as string)).toEqual({ cancelled: 1 });
      expect(await client.messages.cancel([ids[0] as string, ids[1] as string])).toEqual({ cancelled: 1 });
      expect(await client.messages.cancel({ filter: { label: "c" } })).toEqual({ cancelled: 1 });
      expect(await client.messages.cancel({ filter: { url: `${target}/none` } })).toEqual({ cancelled: 0 });
      expect(await client.messages.cancel({ all: true })).toEqual({ cancelled: 2 });
      expect(await queue.getStats()).toMatchObject({ pendingCount: 0 });
    });
  });
});
