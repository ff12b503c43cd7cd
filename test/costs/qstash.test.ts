import { beforeAll, describe, expect, test } from "vitest";
import { createHandler } from "../../src/http/handler.ts";
import type { QStashOptions } from "../../src/qstash/index.ts";
import { qstashHandler, target, token } from "../qstash/served-qstash.ts";
import { countCommands } from "../support/command-stats.ts";
import { useRedis } from "../support/stores.ts";

// The figures of docs/guide/qstash.md: what Upstash bills for messages with `observe: false`, counted by Redis itself.

describe("billed commands of QStash's interface", () => {
  const redis = useRedis();

  function setUp(options: Partial<QStashOptions> = {}) {
    const { queue, qstash, call, deliveries } = qstashHandler({
      store: redis.store(),
      qstash: options,
      observe: false,
    });
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

  // Loads the scripts, and runs the daily removal.
  beforeAll(async () => {
    const { publish, call, queue, hundred } = setUp();
    await publish();
    await call("POST", "/v2/batch", { body: hundred });
    await queue.drain();
  });

  test("a message that is delivered right after its publish costs 7", async () => {
    const { count, publish, deliveries } = setUp();
    await publish();
    expect(await count(() => publish())).toBe(7);
    expect(deliveries).toHaveLength(2);
  });

  test("a message with a callback, both delivered right after the publish, costs 21", async () => {
    const { count, publish, deliveries } = setUp();
    await publish();
    expect(await count(() => publish({ "Upstash-Callback": target }))).toBe(21);
    expect(deliveries).toHaveLength(3);
  });

  test("keeping its events costs 10 more", async () => {
    const { count, publish } = setUp({ events: { retention: "3d" } });
    await publish();
    expect(await count(() => publish())).toBe(17);
  });

  test("a message with a flow control key costs 15, and one to a queue as much", async () => {
    const { count, publish } = setUp();
    const key = { "Upstash-Flow-Control-Key": "k", "Upstash-Flow-Control-Value": "parallelism=9" };
    await publish(key);
    expect(await count(() => publish(key))).toBe(15);
    const toQueue = () => publish({}, `/v2/enqueue/orders/${target}`);
    await toQueue();
    expect(await count(toQueue)).toBe(15);
  });

  test("a message to a URL group of one costs 8", async () => {
    const { count, call, publish } = setUp();
    await publish();
    const body = JSON.stringify({ endpoints: [{ url: target }] });
    await call("POST", "/v2/topics/group/endpoints", { body });
    expect(await count(() => publish({}, "/v2/publish/group"))).toBe(8);
  });

  test("a batch of 100 costs 4, and its delivery 20 in ten slots", async () => {
    const { queue, count, call, publish, deliveries, hundred } = setUp();
    await publish();
    expect(await count(() => call("POST", "/v2/batch", { body: hundred }))).toBe(4);
    expect(await count(() => queue.drain())).toBe(20);
    expect(deliveries).toHaveLength(101);
  });
});
