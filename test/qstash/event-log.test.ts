import { describe, expect, test } from "vitest";
import { faultyStore } from "../../src/testing/index.ts";
import { onMemoryAtLeast } from "../support/stores.ts";
import { type Parts, qstashHandler, servedQStash, target } from "./served-qstash.ts";

const events = { retention: "3d" } as const;

onMemoryAtLeast(({ create }) => {
  const served = (parts: Partial<Parts> = {}) => servedQStash({ store: create(), qstash: { events }, ...parts });
  const states = (logs: readonly { state: string }[]) => logs.map(({ state }) => state);

  describe("the log", () => {
    test("has each state of a message, newest first, without its body and headers", async () => {
      let failures = 1;
      const destination = () => new Response("", { status: failures-- > 0 ? 500 : 200 });
      const { client, queue, clock } = await served({ destination });
      const { messageId } = await client.publish({
        ...{ url: target, body: "the-secret", headers: { "X-A": "the-secret" }, label: "mail" },
      });
      await queue.drain();
      clock.now += 13_000;
      await queue.drain();
      const { logs, cursor } = await client.logs();
      expect(states(logs)).toEqual(["DELIVERED", "ERROR", "CREATED"]);
      expect(logs[0]).toMatchObject({ messageId, url: target, label: "mail", time: clock.now, responseStatus: 200 });
      expect(logs[1]).toMatchObject({
        error: "The destination responded with 500.",
        nextDeliveryTime: clock.now - 13_000 + 12_182,
      });
      expect(cursor).toBeUndefined();
      expect(JSON.stringify(logs)).not.toContain("the-secret");
    });

    test("has messages that died and that were cancelled", async () => {
      const { client, queue } = await served({ destination: () => new Response("", { status: 500 }) });
      await client.publish({ url: target, retries: 0 });
      const { messageId } = await client.publish({ url: target, delay: "1h" });
      await queue.drain();
      await client.messages.cancel(messageId);
      const { logs } = await client.logs();
      expect(states(logs).sort()).toEqual(["CANCELED", "CREATED", "CREATED", "FAILED"]);
    });

    test("is filtered, and read in pages", async () => {
      const { client, queue, clock } = await served();
      const ids: string[] = [];
      for (const label of ["a", "b", "a"]) {
        ids.push((await client.publish({ url: target, label })).messageId);
        await queue.drain();
        clock.now += 1_000;
      }
      expect((await client.logs({ filter: { label: "a" } })).logs).toHaveLength(4);
      expect((await client.logs({ filter: { label: "a", state: "DELIVERED" } })).logs).toHaveLength(2);
      expect((await client.logs({ filter: { messageId: ids[1] ?? "" } })).logs).toHaveLength(2);
      expect((await client.logs({ filter: { fromDate: clock.now - 1_000 } })).logs).toHaveLength(2);
      const read = [];
      for (let cursor: string | undefined, first = true; first || cursor; first = false) {
        const page = await client.logs({ count: 4, ...(cursor && { cursor }) });
        read.push(...page.logs);
        cursor = page.cursor;
      }
      expect(new Set(read.map(({ messageId, state }) => `${messageId} ${state}`)).size).toBe(6);
      expect(read).toHaveLength(6);
    });

    test("forgets events after their retention", async () => {
      const { client, clock } = await served();
      await client.publish({ url: target, delay: "10d" });
      clock.now += 3 * 86_400_000;
      expect((await client.logs()).logs).toEqual([]);
    });
  });
});

describe("the log", () => {
  test("is off by default, and says so", async () => {
    const { call } = qstashHandler();
    for (const path of ["/v2/events", "/v2/logs"]) {
      const answer = await call("GET", path);
      expect([answer.status, await answer.text()]).toEqual([
        404,
        expect.stringContaining("Set events in createQStash"),
      ]);
    }
  });

  test("holds no message up that cannot be noted", async () => {
    const { memoryStore } = await import("../../src/index.ts");
    const store = faultyStore(memoryStore(), ({ method }) => (method === "changeDocuments" ? "before" : undefined));
    const { call, queue, deliveries } = qstashHandler({ store, qstash: { events } });
    expect((await call("POST", `/v2/publish/${target}`)).status).toBe(201);
    await queue.drain();
    expect(deliveries).toHaveLength(1);
    expect(await queue.getStats()).toMatchObject({ totalProcessed: 1 });
  });
});
