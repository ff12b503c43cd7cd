import { beforeAll, describe, expect, test } from "vitest";
import { createHandler } from "../../src/http/handler.ts";
import type { QStashOptions } from "../../src/qstash/index.ts";
import { qstashHandler, target, token } from "../qstash/served-qstash.ts";
import { countCommands } from "../support/command-stats.ts";
import { useRedis } from "../support/stores.ts";

// The table of docs/guide/qstash.md: what Upstash bills for messages, counted by Redis itself.

describe("billed commands of QStash's interface", () => {
  const redis = useRedis();

  function setUp(observe: boolean, options: Partial<QStashOptions> = {}) {
    const { queue, qstash, call, deliveries } = qstashHandler({ store: redis.store(), qstash: options, observe });
    const count = async (action: () => Promise<unknown>) => (await countCommands(redis.server.port, action)).commands;
    const background: Promise<unknown>[] = [];
    const waitUntil = (work: Promise<unknown>) => void background.push(work);
    const app = createHandler({ queue, auth: { admin: ["the-admin-token"] }, qstash, waitUntil });
    const publish = async (given: Readonly<Record<string, string>> = {}, path = `/v2/publish/${target}`) => {
      const headers = { Authorization: `Bearer ${token}`, ...given };
      await app.fetch(new Request(`http://queue.test${path}`, { method: "POST", headers, body: "x" }));
      await Promise.all(background.splice(0));
    };
    const hundred = JSON.stringify(Array.from({ length: 100 }, () => ({ destination: target, body: "x" })));
    return { queue, call, count, publish, deliveries, hundred };
  }

  /** What something costs, by default and with `observe: false`. */
  async function bothWays(
    measure: (parts: ReturnType<typeof setUp>) => Promise<number>,
    options?: Partial<QStashOptions>,
  ) {
    const costs: number[] = [];
    for (const observe of [true, false]) {
      const parts = setUp(observe, options);
      // What the first messages of an isolate cost more: it reads the signing keys, and places its figures by name.
      for (let message = 0; message < 3; message++) await parts.publish();
      costs.push(await measure(parts));
    }
    expect(costs[1]).toBe(costs[0]);
    return costs[0];
  }

  // Loads the scripts, and runs the daily removal.
  beforeAll(async () => {
    for (const observe of [true, false]) {
      const { publish, call, queue, hundred } = setUp(observe);
      await publish();
      await call("POST", "/v2/batch", { body: hundred });
      await queue.drain();
    }
  });

  test("a message that is delivered right after its publish costs 10", async () => {
    expect(await bothWays(({ count, publish }) => count(() => publish()))).toBe(10);
  });

  test("a message with a callback, both delivered right after the publish, costs 23", async () => {
    const costs = await bothWays(async ({ count, publish, deliveries }) => {
      const before = deliveries.length;
      const cost = await count(() => publish({ "Upstash-Callback": target }));
      expect(deliveries).toHaveLength(before + 2);
      return cost;
    });
    expect(costs).toBe(23);
  });

  test("keeping its events costs 10 more", async () => {
    const costs = await bothWays(({ count, publish }) => count(() => publish()), { events: { retention: "3d" } });
    expect(costs).toBe(20);
  });

  test("a message with a flow control key costs 15, and one to a queue as much", async () => {
    const key = { "Upstash-Flow-Control-Key": "k", "Upstash-Flow-Control-Value": "parallelism=9" };
    const measured = (send: (publish: ReturnType<typeof setUp>["publish"]) => Promise<void>) =>
      bothWays(async ({ count, publish }) => {
        await send(publish);
        return count(() => send(publish));
      });
    expect(await measured((publish) => publish(key))).toBe(15);
    expect(await measured((publish) => publish({}, `/v2/enqueue/orders/${target}`))).toBe(15);
  });

  test("a message to a URL group of one costs 11", async () => {
    const costs = await bothWays(async ({ count, call, publish }) => {
      await call("POST", "/v2/topics/group/endpoints", { body: JSON.stringify({ endpoints: [{ url: target }] }) });
      return count(() => publish({}, "/v2/publish/group"));
    });
    expect(costs).toBe(11);
  });

  test("a batch of 100 costs 4, and its delivery in ten slots 20", async () => {
    const stored = await bothWays(({ count, call, hundred }) =>
      count(() => call("POST", "/v2/batch", { body: hundred })),
    );
    expect(stored).toBe(4);
    const delivered = await bothWays(async ({ queue, count, call, deliveries, hundred }) => {
      const before = deliveries.length;
      await call("POST", "/v2/batch", { body: hundred });
      const cost = await count(() => queue.drain());
      expect(deliveries).toHaveLength(before + 100);
      return cost;
    });
    expect(delivered).toBe(20);
  });
});
