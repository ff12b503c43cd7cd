import { describe, expect, test } from "vitest";
import { Queue } from "../../src/index.ts";
import { faultyStore } from "../../src/testing/index.ts";
import { onMemoryAtLeast } from "../support/stores.ts";
import { type Delivery, type Parts, servedQStash, target, verify } from "./served-qstash.ts";

const callback = "https://app.test/callback";
const failureCallback = "https://app.test/failed";

const isCallback = ({ url }: Delivery) => url === callback || url === failureCallback;
const bodyOf = (delivery: Delivery | undefined) => JSON.parse(delivery?.body ?? "{}") as Record<string, unknown>;
const base64 = (text: string) => Buffer.from(text).toString("base64");

onMemoryAtLeast(({ create }) => {
  const served = (status: number, parts: Partial<Parts> = {}) => {
    const destination = (delivery: Delivery) =>
      isCallback(delivery) ? new Response("") : new Response("the answer", { status, headers: { "X-A": "1" } });
    return servedQStash({ store: create(), destination, ...parts });
  };

  describe("a callback", () => {
    test("gets the response and the message after the delivery", async () => {
      const { client, queue, clock, deliveries } = await served(201);
      const { messageId } = await client.publish({
        url: target,
        body: "the body",
        headers: { "X-B": "2" },
        callback,
        failureCallback,
      });
      await queue.drain();
      expect(deliveries.map(({ url }) => url)).toEqual([target, callback]);
      const [, delivery] = deliveries;
      expect(bodyOf(delivery)).toEqual({
        status: 201,
        header: { "Content-Type": ["text/plain;charset=UTF-8"], "X-A": ["1"] },
        body: base64("the answer"),
        ...{ retried: 0, maxRetries: 3, sourceMessageId: messageId, url: target, method: "POST" },
        sourceHeader: expect.objectContaining({ "X-B": ["2"] }),
        sourceBody: base64("the body"),
        ...{ notBefore: String(clock.now), createdAt: String(clock.now) },
      });
      expect(delivery?.headers.get("content-type")).toBe("application/json");
      expect(delivery && (await verify(delivery))).toBe(true);
      expect(await queue.getStats()).toMatchObject({ pendingCount: 0, runningCount: 0, totalProcessed: 2 });
    });

    test("is sent with the failure callback once no retry is left, and not before", async () => {
      const { client, queue, clock, deliveries } = await served(500);
      const { messageId } = await client.publish({ url: target, retries: 1, callback, failureCallback });
      await queue.drain();
      expect(deliveries.filter(isCallback)).toEqual([]);
      clock.now += 13_000;
      await queue.drain();
      const sent = deliveries.filter(isCallback);
      expect(sent.map(({ url }) => url).sort()).toEqual([callback, failureCallback]);
      for (const delivery of sent) {
        expect(bodyOf(delivery)).toMatchObject({ status: 500, retried: 1, maxRetries: 1, dlqId: messageId });
      }
      expect((await client.dlq.listMessages()).messages).toMatchObject([{ messageId, responseStatus: 500 }]);
      expect(deliveries).toHaveLength(4);
    });

    test("is retried three times, also if its message has no retries", async () => {
      const { client, queue, deliveries } = await served(200);
      await client.publish({ url: target, retries: 0, callback });
      await queue.drain();
      const id = deliveries.find(isCallback)?.headers.get("upstash-message-id") ?? "";
      expect(await queue.getJob(id)).toMatchObject({ maxRetries: 3 });
    });

    test("reports all of a response of 2 MB, and of a larger one that it is too large", async () => {
      let response = "x".repeat(2_000_000);
      const destination = (delivery: Delivery) => new Response(isCallback(delivery) ? "" : response);
      const { client, queue, deliveries } = await served(200, { destination });
      await client.publish({ url: target, callback });
      await queue.drain();
      const [whole] = deliveries.filter(isCallback).map(bodyOf);
      expect([whole?.["status"], String(whole?.["body"]) === base64(response)]).toEqual([200, true]);
      response += "x";
      const { messageId } = await client.publish({ url: target, callback });
      await queue.drain();
      const [, larger] = deliveries.filter(isCallback).map(bodyOf);
      expect(larger).toMatchObject({ status: 0, retried: 0, dlqId: messageId });
      expect(Buffer.from(String(larger?.["body"]), "base64").toString()).toContain("larger than the 2000000 bytes");
    });

    test("of a destination that does not answer has the status 0", async () => {
      const destination = (delivery: Delivery) =>
        isCallback(delivery) ? new Response("") : Promise.reject(new TypeError("fetch failed"));
      const { client, queue, deliveries } = await served(500, { destination });
      await client.publish({ url: target, retries: 0, failureCallback });
      await queue.drain();
      expect(bodyOf(deliveries.find(isCallback))).toMatchObject({ status: 0, body: "" });
    });

    test("is delivered as its own headers say", async () => {
      const { client, queue, clock, deliveries } = await served(200);
      const headers = {
        "Upstash-Callback-Method": "PUT",
        "Upstash-Callback-Delay": "1m",
        "Upstash-Callback-Forward-X-C": "3",
      };
      await client.publish({ url: target, callback, headers });
      await queue.drain();
      expect(deliveries.map(({ url }) => url)).toEqual([target]);
      clock.now += 60_000;
      await queue.drain();
      expect(deliveries[1]).toMatchObject({ url: callback, method: "PUT" });
      expect(deliveries[1]?.headers.get("x-c")).toBe("3");
    });

    test("is sent again when a message that was retried from the dead letter ends", async () => {
      const { client, queue, clock, deliveries } = await served(500);
      await client.publish({ url: target, retries: 0, failureCallback });
      await queue.drain();
      clock.now += 1_000;
      await client.dlq.retry({ all: true });
      await queue.drain();
      expect(deliveries.map(({ url }) => url)).toEqual([target, failureCallback, target, failureCallback]);
    });

    test("outside the targets is refused at publish", async () => {
      const { client, queue } = await served(200);
      const refused = (name: string) => client.publish({ url: target, [name]: "http://169.254.169.254/" });
      await expect(refused("callback")).rejects.toThrow("Upstash-Callback is not among the targets");
      await expect(refused("failureCallback")).rejects.toThrow("Upstash-Failure-Callback is not among the targets");
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
    });

    test("waits for the next drain if the budget has no room for it, and does not cause a second delivery", async () => {
      const { client, queue, clock, deliveries } = await served(200);
      await Promise.all(Array.from({ length: 8 }, () => client.publish({ url: target, callback })));
      for (let drains = 0; drains < 40 && deliveries.length < 16; drains++) {
        await queue.drain({ budget: { roundTrips: 14, commands: 135 } });
        clock.now += 2_000;
      }
      expect(deliveries.filter(({ url }) => url === target)).toHaveLength(8);
      expect(deliveries.filter(isCallback)).toHaveLength(8);
    });

    test("is not lost if the invocation is killed after the delivery was settled, nor sent twice", async () => {
      const store = create();
      const parts = await served(200, { store });
      const { client, queue, clock, deliveries, qstash } = parts;
      const { messageId } = await client.publish({ url: target, callback });
      // The first drain ends with the settled delivery.
      await queue.drain({ maxJobs: 1 });
      expect(deliveries.map(({ url }) => url)).toEqual([target]);
      // The next one is killed after it has enqueued the callback: its outcome never arrives.
      let isDead = false;
      const killed = faultyStore(store, ({ method }) => {
        if (isDead) return "before";
        isDead = method === "enqueue";
        return undefined;
      });
      const dying = new Queue({ store: killed, jobs: qstash.jobs, clock, logger: null });
      await dying.drain({ maxJobs: 1 }).catch(() => {});
      clock.now += 120_000;
      await queue.drain();
      expect(deliveries.map(({ url }) => url)).toEqual([target, callback]);
      expect(await queue.getJob(messageId)).toMatchObject({ state: "completed" });
    });
  });
});
