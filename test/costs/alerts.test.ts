import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { drainDry, fails, openAlerts, webhookTo, works } from "../alerts/open-alerts.ts";
import { type Receiver, startReceiver } from "../alerts/receiver.ts";
import { root } from "../package/built.ts";
import { countCommands } from "../support/command-stats.ts";
import { useRedis } from "../support/stores.ts";

// What docs/guide/costs.md says of alerts, counted by Redis itself.

describe("billed commands of alerts", () => {
  const redis = useRedis();
  let receiver: Receiver;
  beforeAll(async () => {
    receiver = await startReceiver();
    const { queue } = openAlerts(redis.store(), [webhookTo(receiver)]);
    await queue.enqueue(fails, { error: "no luck" });
    await drainDry(queue);
  });
  afterAll(() => receiver.stop());

  const counted = async (work: () => Promise<unknown>) => (await countCommands(redis.server.port, work)).commands;

  function setUp(alerts = [webhookTo(receiver)]) {
    const opened = openAlerts(redis.store(), alerts);
    /** What a drain costs in which so many jobs die. */
    const dies = async (count: number, error: string, queue = opened.queue) => {
      await queue.enqueueMany(Array.from({ length: count }, () => ({ job: fails, payload: { error } })));
      return counted(() => queue.drain({ concurrency: 100, batchSize: 100 }));
    };
    return { ...opened, dies };
  }

  test.each([1, 100])(
    "the first of a group costs 2 more in the exchange that settles %s deaths, later ones nothing",
    async (count) => {
      const { dies, open } = setUp();
      const plain = setUp([]);
      // The metrics of the name get their place.
      for (const each of [dies, plain.dies]) await each(1, "another");
      const first = await plain.dies(count, "no luck");
      const later = await plain.dies(count, "no luck");
      expect((await dies(count, "no luck")) - first).toBe(2);
      expect((await dies(count, "no luck")) - later).toBe(0);
      const inAnotherIsolate = open();
      const alone = plain.open();
      expect((await dies(count, "no luck", inAnotherIsolate)) - (await plain.dies(count, "no luck", alone))).toBe(0);
    },
  );

  test("nothing is paid without deaths, and without silentFor", async () => {
    const withAlerts = setUp();
    const plain = setUp([]);
    const spent: number[] = [];
    for (const { queue } of [withAlerts, plain])
      spent.push(
        await counted(async () => {
          await queue.enqueue(works);
          await queue.ping();
          await queue.drain();
        }),
      );
    expect(spent[0]).toBe(spent[1]);
  });

  test("a drain that sends a message costs 24, one whose watch waits longer 16, and one that sends the end 33", async () => {
    const { dies, queue, clock, passes } = setUp();
    await dies(1, "another");
    await passes("10s");
    await clock.advance("3h");
    await drainDry(queue);
    await dies(1, "no luck");
    await clock.advance("10s");
    const message = await counted(() => queue.drain());
    await clock.advance("30m");
    await dies(1, "no luck");
    await clock.advance("30m");
    const wait = await counted(() => queue.drain());
    await clock.advance("30m");
    const over = await counted(() => queue.drain());
    expect({ message, wait, over }).toEqual({ message: 24, wait: 16, over: 33 });
    const page = await readFile(join(root, "docs/guide/costs.md"), "utf8");
    const expected = [message, wait, over].map(String);
    expect([...page.matchAll(/^\| (?:the drain that|a check) .*\| (\d+) \|$/gm)].map(([, count]) => count)).toEqual(
      expected,
    );
  });

  test("with silentFor, a caller looks once a minute, for one command", async () => {
    const { queue, clock } = setUp([webhookTo(receiver, { silentFor: "15m" })]);
    const plain = setUp([]);
    await Promise.all([queue, plain.queue].map((each) => each.enqueue(works, undefined, { delay: "1h" })));
    const enqueues = async (each: typeof queue) => counted(() => each.enqueue(works, undefined, { delay: "1h" }));
    const without = await enqueues(plain.queue);
    expect(await enqueues(queue)).toBe(without);
    await clock.advance("1m");
    expect(await enqueues(queue)).toBe(without + 1);
    expect(await enqueues(queue)).toBe(without);
  });
});
