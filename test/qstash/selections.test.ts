import { describe, expect, test } from "vitest";
import { onMemoryAtLeast } from "../support/stores.ts";
import { servedQStash, target } from "./served-qstash.ts";

onMemoryAtLeast(({ create }) => {
  const waiting = async (count: number) => {
    const served = await servedQStash({ store: create() });
    const message = { url: target, delay: "10d", label: "meant" } as const;
    await served.client.batch([...Array.from({ length: count }, () => message), { ...message, label: "other" }]);
    return served;
  };

  describe("messages.cancel", () => {
    test("cancels as many as count says", async () => {
      const { client, queue } = await waiting(3);
      const filter = { label: "meant" };
      expect(await client.messages.cancel({ filter, count: 1 })).toEqual({ cancelled: 1 });
      expect(await client.messages.cancel({ filter, count: 5 })).toEqual({ cancelled: 2 });
      expect(await client.messages.cancel({ all: true, count: 1 })).toEqual({ cancelled: 1 });
      expect((await queue.getStats()).pendingCount).toBe(0);
    });

    test("cancels all without a count, for which the SDK sends 100", async () => {
      const { client, queue } = await waiting(101);
      expect(await client.messages.cancel({ filter: { label: "meant" } })).toEqual({ cancelled: 101 });
      expect((await queue.getStats()).pendingCount).toBe(1);
    });

    test("refuses a count that is no number, and cancels nothing", async () => {
      const { call, queue } = await waiting(1);
      for (const count of ["0", "-1", "some"])
        expect((await call("DELETE", `/v2/messages?count=${count}`)).status).toBe(400);
      expect((await queue.getStats()).pendingCount).toBe(2);
    });
  });

  test("the address of the publisher is a filter that lets nothing through, since it is not kept", async () => {
    const filter = { callerIp: "192.0.2.1" };
    const { client, queue } = await servedQStash({
      store: create(),
      destination: () => new Response("", { status: 500 }),
      qstash: { events: { retention: "3d" } },
    });
    await client.publish({ url: target, retries: 0 });
    await queue.drain();
    await client.publish({ url: target, delay: "1h" });
    expect(await client.dlq.retry({ filter })).toMatchObject({ responses: [] });
    expect(await client.dlq.delete({ filter })).toMatchObject({ deleted: 0 });
    expect((await client.dlq.listMessages({ filter })).messages).toEqual([]);
    expect(await client.messages.cancel({ filter })).toEqual({ cancelled: 0 });
    expect(await queue.getStats()).toMatchObject({ pendingCount: 1, deadLetterCount: 1 });
  });

  test("a timeout that is a number is one of seconds, also of a callback", async () => {
    const { call, queue } = await servedQStash({ store: create() });
    const headers = { "Upstash-Timeout": "20", "Upstash-Callback": target, "Upstash-Callback-Timeout": "5" };
    const answer = await call("POST", `/v2/publish/${target}`, { headers });
    const { messageId } = (await answer.json()) as { messageId: string };
    const expected = { timeoutMs: 20_000, callback: { timeoutMs: 5_000 } };
    expect((await queue.getJob(messageId))?.payload).toMatchObject(expected);
  });
});
