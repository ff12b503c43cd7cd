import { describe, expect, test } from "vitest";
import { onMemoryAtLeast } from "../support/stores.ts";
import { servedQStash, target } from "./served-qstash.ts";

onMemoryAtLeast((kind) => {
  const { create } = kind;
  const served = (status: (body: string) => number = () => 200) =>
    servedQStash({ store: create(), destination: ({ body }) => new Response("", { status: status(body) }) });
  type Served = Awaited<ReturnType<typeof served>>;
  const drain = async ({ queue }: Served, times = 3) => {
    for (let i = 0; i < times; i++) await queue.drain();
  };
  const bodies = ({ deliveries }: Served) => deliveries.map(({ body }) => body);

  describe("a flow control key", () => {
    test("limits the deliveries in each period", async () => {
      const parts = await served();
      const { client, clock } = parts;
      for (const body of ["a", "b", "c", "d", "e"])
        await client.publish({ url: target, body, flowControl: { key: "tenant 7-ö", rate: 2, period: "1m" } });
      await drain(parts);
      expect(bodies(parts)).toHaveLength(2);
      const info = await client.flowControl.get("tenant 7-ö");
      expect(info).toEqual({
        ...{ flowControlKey: "tenant 7-ö", waitListSize: 3, parallelismMax: 0, parallelismCount: 0 },
        ...{ rateMax: 2, rateCount: 2, ratePeriod: 60, ratePeriodStart: clock.now / 1_000 },
        ...{ isPaused: false, isPinnedParallelism: false, isPinnedRate: false },
      });
      await client.flowControl.resetRate("tenant 7-ö");
      await drain(parts);
      expect(bodies(parts)).toHaveLength(4);
      clock.now += 60_000;
      await drain(parts);
      expect(bodies(parts).sort()).toEqual(["a", "b", "c", "d", "e"]);
    });

    test("can be paused, resumed, pinned and unpinned", async () => {
      const parts = await served();
      const { client, call } = parts;
      await client.flowControl.pause("key");
      await client.publish({ url: target, body: "a", flowControl: { key: "key", parallelism: 1 } });
      await drain(parts);
      expect(bodies(parts)).toEqual([]);
      expect(await client.flowControl.get("key")).toMatchObject({ isPaused: true, waitListSize: 1, parallelismMax: 1 });
      await client.flowControl.pin("key", { rate: 5, period: 30 });
      await client.publish({ url: target, body: "b", flowControl: { key: "key", parallelism: 7 } });
      expect(await client.flowControl.get("key")).toMatchObject({
        ...{ parallelismMax: 7, rateMax: 5, ratePeriod: 30, isPinnedRate: true, isPinnedParallelism: false },
      });
      expect(await (await call("GET", "/v2/flowControl")).json()).toMatchObject([{ flowControlKey: "key" }]);
      await client.flowControl.unpin("key", { rate: true, parallelism: true });
      await client.flowControl.resume("key");
      await drain(parts);
      expect(bodies(parts).sort()).toEqual(["a", "b"]);
      expect(await client.flowControl.getGlobalParallelism()).toMatchObject({ parallelismCount: 0 });
      await expect(client.flowControl.get("none")).rejects.toThrow("Nothing waits");
    });

    test("keeps the limits that are pinned, and takes the other from the latest message", async () => {
      const { client } = await served();
      const send = (parallelism: number, rate: number) =>
        client.publish({ url: target, delay: "1h", flowControl: { key: "key", parallelism, rate } });
      const limits = async () => {
        const { parallelismMax, isPinnedParallelism, rateMax, ratePeriod, isPinnedRate } =
          await client.flowControl.get("key");
        return [parallelismMax, isPinnedParallelism, rateMax, ratePeriod, isPinnedRate];
      };
      await send(5, 10);
      await client.flowControl.pin("key", { parallelism: 3, rate: 7, period: 60 });
      expect(await limits()).toEqual([3, true, 7, 60, true]);
      await client.flowControl.unpin("key", { parallelism: true });
      expect(await limits()).toEqual([3, false, 7, 60, true]);
      await send(4, 11);
      expect(await limits()).toEqual([4, false, 7, 60, true]);
      await client.flowControl.pin("key", { parallelism: 2 });
      await client.flowControl.unpin("key", { rate: true });
      await send(6, 12);
      expect(await limits()).toEqual([2, true, 12, 1, false]);
      await client.flowControl.unpin("key", {});
      await send(8, 13);
      expect(await limits()).toEqual([8, false, 13, 1, false]);
    });

    test("is shown with its message, filters messages, and survives a retry from the dead letter", async () => {
      const parts = await served(() => 500);
      const { client } = parts;
      const flowControl = { key: "key", parallelism: 2, rate: 3, period: "1m" } as const;
      const { messageId } = await client.publish({ url: target, retries: 0, flowControl });
      const shown = { flowControlKey: "key", parallelism: 2, rate: 3, period: 60 };
      expect(await client.messages.get(messageId)).toMatchObject(shown);
      await drain(parts);
      expect((await client.dlq.listMessages({ filter: { flowControlKey: "key" } })).messages).toMatchObject([shown]);
      expect((await client.dlq.listMessages({ filter: { flowControlKey: "other" } })).messages).toEqual([]);
      await client.dlq.retry({ all: true });
      expect(await client.flowControl.get("key")).toMatchObject({ waitListSize: 1 });
    });
  });

  describe("a queue", () => {
    test("delivers its messages strictly in order, even while one is retried", async () => {
      let failures = 1;
      const parts = await served((body) => (body === "b" && failures-- > 0 ? 500 : 200));
      const { client, clock } = parts;
      const queue = client.queue({ queueName: "orders" });
      for (const body of ["a", "b", "c", "d"]) await queue.enqueue({ url: target, body, retries: 3 });
      await drain(parts, 4);
      expect(bodies(parts)).toEqual(["a", "b"]);
      expect(await queue.get()).toMatchObject({ name: "orders", parallelism: 1, lag: 3, paused: false });
      clock.now += 20_000;
      await drain(parts, 4);
      expect(bodies(parts)).toEqual(["a", "b", "b", "c", "d"]);
    });

    test("with a parallelism above 1 is not held up by a message that is retried", async () => {
      const parts = await served((body) => (body === "a" ? 500 : 200));
      const queue = parts.client.queue({ queueName: "orders" });
      await queue.upsert({ parallelism: 2 });
      for (const body of ["a", "b", "c"]) await queue.enqueue({ url: target, body });
      await drain(parts, 4);
      expect(bodies(parts).sort()).toEqual(["a", "b", "c"]);
    });

    test("does not wait for the callbacks of its messages", async () => {
      const parts = await servedQStash({
        store: create(),
        destination: ({ url }) => new Response("", { status: url === target ? 200 : 500 }),
      });
      const queue = parts.client.queue({ queueName: "orders" });
      for (const body of ["a", "b"]) await queue.enqueue({ url: target, body, callback: "https://app.test/callback" });
      await drain(parts, 4);
      const delivered = parts.deliveries.filter(({ url }) => url === target);
      expect(delivered.map(({ body }) => body)).toEqual(["a", "b"]);
    });

    test("that is removed delivers its messages, in their order", async () => {
      const parts = await served((body) => (body === "a" ? 500 : 200));
      const queue = parts.client.queue({ queueName: "orders" });
      for (const body of ["a", "b"]) await queue.enqueue({ url: target, body, retries: 1 });
      await queue.delete();
      await drain(parts, 4);
      expect(bodies(parts)).toEqual(["a"]);
      parts.clock.now += 20_000;
      await drain(parts, 4);
      expect(bodies(parts)).toEqual(["a", "a", "b"]);
    });

    test("can be created, changed, paused, listed and removed, and outlives the process", async () => {
      const store = create();
      const parts = await servedQStash({ store });
      const { client } = parts;
      const queue = client.queue({ queueName: "orders" });
      await queue.upsert({ parallelism: 3 });
      await queue.enqueueJSON({ url: target, body: { n: 1 } });
      await queue.pause();
      const again = (await servedQStash({ store })).client.queue({ queueName: "orders" });
      expect(await again.get()).toMatchObject({ name: "orders", parallelism: 3, paused: true });
      expect(await again.list()).toMatchObject([{ name: "orders" }]);
      await drain(parts);
      // A message that was enqueued before the pause waits too.
      expect(parts.deliveries).toHaveLength(0);
      await queue.upsert({ parallelism: 2, paused: false });
      expect(await again.get()).toMatchObject({ parallelism: 2, paused: false });
      await drain(parts);
      expect(parts.deliveries).toHaveLength(1);
      await queue.delete();
      await expect(again.get()).rejects.toThrow("No queue has this name");
      expect(await again.list()).toEqual([]);
    });

    test("has no name that a URL drops", async () => {
      const { client, call } = await served();
      for (const queueName of [".", ".."]) {
        await expect(client.queue({ queueName }).upsert({ parallelism: 1 })).rejects.toThrow("A URL drops");
        const headers = { "Upstash-Queue-Name": queueName };
        expect((await call("POST", `/v2/publish/${target}`, { headers })).status).toBe(400);
      }
    });

    test("cannot be that of a callback", async () => {
      const { call, queue } = await served();
      const headers = { "Upstash-Callback": target, "Upstash-Callback-Queue-Name": "orders" };
      expect((await call("POST", `/v2/publish/${target}`, { headers })).status).toBe(400);
      expect(await queue.getStats()).toMatchObject({ pendingCount: 0 });
    });

    test("accepts batches, and its name filters messages", async () => {
      const parts = await served();
      const { client } = parts;
      await client.batch([
        { url: target, body: "a", queueName: "orders" },
        { url: target, body: "b" },
      ]);
      expect(await client.queue({ queueName: "orders" }).get()).toMatchObject({ lag: 1 });
      expect(await client.messages.cancel({ filter: { queueName: "orders" } })).toMatchObject({ cancelled: 1 });
      await drain(parts);
      expect(bodies(parts)).toEqual(["b"]);
    });
  });

  test.each([
    ["a queue and a flow control key", { "Upstash-Flow-Control-Key": "k", "Upstash-Flow-Control-Value": "rate=1" }],
    ["a queue and a deduplication", { "Upstash-Deduplication-Id": "x" }],
  ])("%s on one message are refused with the reason", async (_, headers) => {
    const { call, queue } = await served();
    const answer = await call("POST", `/v2/enqueue/orders/${target}`, { headers });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toMatch(/only one line|cannot be combined/);
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
  });

  test("a schedule can make messages of a queue, and with a flow control key", async () => {
    const parts = await served();
    const { client, clock } = parts;
    const cron = "* * * * *";
    await client.schedules.create({ scheduleId: "q", destination: target, cron, body: "q", queueName: "orders" });
    const flowControl = { key: "k", parallelism: 1 };
    await client.schedules.create({ scheduleId: "f", destination: target, cron, body: "f", flowControl, retries: 1 });
    expect(await client.schedules.get("f")).toMatchObject({
      flowControlKey: "k",
      parallelism: 1,
      retries: 1,
      destination: target,
    });
    expect(await client.schedules.list()).toHaveLength(2);
    clock.now += 60_000;
    await drain(parts, 4);
    expect(bodies(parts).sort()).toEqual(["f", "q"]);
    expect(parts.deliveries.map(({ headers }) => headers.get("upstash-schedule-id")).sort()).toEqual(["f", "q"]);
  });
});
