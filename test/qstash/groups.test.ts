import { describe, expect, test } from "vitest";
import type { NewJob } from "../../src/core/store/store.ts";
import { Queue } from "../../src/index.ts";
import { faultyStore } from "../../src/testing/index.ts";
import { aroundStore } from "../support/around-calls.ts";
import { onMemoryAtLeast } from "../support/stores.ts";
import { type Delivery, servedQStash, target } from "./served-qstash.ts";

const other = "https://app.example.com/other";
const endpoints = [{ name: "first", url: target }, { url: other }];

onMemoryAtLeast(({ create, isEncrypted }) => {
  type Served = Awaited<ReturnType<typeof servedQStash>>;
  const drain = async ({ queue }: Served, times = 3) => {
    for (let i = 0; i < times; i++) await queue.drain();
  };
  const served = async (destination?: (delivery: Delivery) => Response) => {
    const parts = await servedQStash({ store: create(), ...(destination && { destination }) });
    await parts.client.urlGroups.addEndpoints({ name: "group", endpoints });
    return parts;
  };

  describe("a URL group", () => {
    test("can be created, read, changed and removed, and outlives the process", async () => {
      const store = create();
      const { client, clock } = await servedQStash({ store });
      await client.urlGroups.addEndpoints({ name: "group", endpoints });
      const again = (await servedQStash({ store })).client.urlGroups;
      const group = { name: "group", createdAt: clock.now, updatedAt: clock.now, endpoints };
      expect(await again.get("group")).toEqual(group);
      expect(await again.list()).toEqual([group]);
      await again.addEndpoints({ name: "group", endpoints: [{ name: "second", url: other }] });
      await client.urlGroups.removeEndpoints({ name: "group", endpoints: [{ name: "first" }] });
      expect((await again.get("group")).endpoints).toEqual([{ name: "second", url: other }]);
      await client.urlGroups.delete("group");
      await expect(again.get("group")).rejects.toThrow("No URL group has this name");
    });

    test("gets a message at each endpoint, and the answer has each of them", async () => {
      const parts = await served();
      const { client, deliveries } = parts;
      const answers = await client.publishJSON({ urlGroup: "group", body: { a: 1 } });
      expect(answers).toMatchObject([{ url: target }, { url: other }]);
      await drain(parts);
      expect(deliveries.map(({ url }) => url).sort()).toEqual([other, target]);
      expect(deliveries.map(({ headers }) => headers.get("upstash-topic-name"))).toEqual(["group", "group"]);
      expect(new Set(deliveries.map(({ headers }) => headers.get("upstash-message-id")))).toEqual(
        new Set((answers as unknown as { messageId: string }[]).map(({ messageId }) => messageId)),
      );
    });

    test("is named in dead messages, filters and callbacks", async () => {
      const parts = await served(({ url }) => new Response("", { status: url === target ? 500 : 200 }));
      const { client, deliveries } = parts;
      await client.publish({ urlGroup: "group", retries: 0, failureCallback: "https://app.test/failed" });
      await drain(parts);
      const { messages } = await client.dlq.listMessages({ filter: { urlGroup: "group" } });
      expect(messages).toMatchObject([{ url: target, topicName: "group", endpointName: "first" }]);
      const callback = deliveries.find(({ url }) => url.endsWith("/failed"));
      expect(JSON.parse(callback?.body ?? "")).toMatchObject({ topicName: "group", endpointName: "first" });
    });

    test("is deduplicated by endpoint", async () => {
      const { client } = await served();
      const message = { urlGroup: "group", deduplicationId: "x" };
      await client.publish(message);
      await client.urlGroups.addEndpoints({ name: "group", endpoints: [{ url: "https://app.test/third" }] });
      const answers = (await client.publish(message)) as unknown as { deduplicated?: boolean }[];
      expect(answers.map(({ deduplicated = false }) => deduplicated)).toEqual([true, true, false]);
    });

    test("gets messages of a queue, of a batch, and of a schedule with the endpoints at the time it fires", async () => {
      const parts = await served();
      const { client, clock, deliveries } = parts;
      await client.queue({ queueName: "orders" }).enqueue({ urlGroup: "group", body: "queue" });
      await client.batch([{ urlGroup: "group", body: "batch" }]);
      await client.schedules.create({ scheduleId: "s", destination: "group", cron: "* * * * *", body: "schedule" });
      expect(await client.schedules.get("s")).toMatchObject({ destination: "group", body: "schedule" });
      await client.urlGroups.addEndpoints({ name: "group", endpoints: [{ url: "https://app.test/third" }] });
      clock.now += 60_000;
      await drain(parts, 6);
      const count = (body: string) => deliveries.filter((delivery) => delivery.body === body).length;
      expect([count("queue"), count("batch"), count("schedule")]).toEqual([2, 2, 3]);
    });
  });

  test("an occurrence whose messages are made again, for its invocation was killed, delivers each once", async () => {
    const store = create();
    const { client, clock, qstash, queue, deliveries } = await servedQStash({ store });
    await client.urlGroups.addEndpoints({ name: "group", endpoints });
    await client.schedules.create({ destination: "group", cron: "* * * * *", body: "schedule" });
    clock.now += 60_000;
    let isDead = false;
    const killed = faultyStore(store, ({ method }) => {
      if (isDead) return "before";
      isDead = method === "enqueue";
      return undefined;
    });
    const dying = new Queue({ store: killed, jobs: qstash.jobs, clock, logger: null });
    for (const _ of [1, 2, 3]) await dying.drain().catch(() => {});
    expect(isDead).toBe(true);
    // The schedule does not fire again, and the lease of the first occurrence runs out.
    const [{ key } = { key: "" }] = await queue.schedules.list();
    await queue.schedules.pause(key);
    clock.now += 120_000;
    for (const _ of [1, 2, 3, 4, 5, 6]) await queue.drain();
    expect(deliveries.map(({ url }) => url).sort()).toEqual([other, target]);
    expect(await queue.getStats()).toMatchObject({ pendingCount: 0, runningCount: 0, deadLetterCount: 0 });
  });

  test("the messages of one publish that are larger than 8 MiB together are refused, and none is stored", async () => {
    const { client, queue } = await served();
    // Encryption makes them a third larger.
    const body = "x".repeat(isEncrypted ? 2_600_000 : 3_500_000);
    const publish = client.publish({ urlGroup: "group", body });
    expect(await publish).toHaveLength(2);
    await client.urlGroups.addEndpoints({ name: "group", endpoints: [{ url: "https://app.test/third" }] });
    const refused = client.publish({ urlGroup: "group", body });
    await expect(refused).rejects.toMatchObject({ status: 413 });
    expect(await queue.getStats()).toMatchObject({ pendingCount: 2 });
  });

  test("the messages of an occurrence that are large together are stored in requests of 4 MiB", async () => {
    const sizes: number[] = [];
    const store = aroundStore(create(), ({ method, parameters: [jobs] }, run) => {
      if (method === "enqueue")
        sizes.push((jobs as readonly NewJob[]).reduce((sum, { record }) => sum + record.length, 0));
      return run();
    });
    const { client, clock, queue } = await servedQStash({ store });
    const many = Array.from({ length: 9 }, (_, index) => ({ url: `${target}/${index}` }));
    await client.urlGroups.addEndpoints({ name: "many", endpoints: many });
    await client.schedules.create({ destination: "many", cron: "* * * * *", body: "x".repeat(900_000) });
    clock.now += 60_000;
    await queue.drain({ maxJobs: 1 });
    expect(sizes).toHaveLength(3);
    expect(Math.max(...sizes)).toBeLessThan(4 * 1024 * 1024);
    expect(await queue.getStats()).toMatchObject({ readyCount: 9 });
  });

  test("the messages of a schedule hide what it hides", async () => {
    const parts = await served();
    const { client, clock, queue, deliveries } = parts;
    const redact = { body: true } as const;
    await client.schedules.create({ destination: "group", cron: "* * * * *", body: "the-secret", redact });
    clock.now += 60_000;
    await drain(parts, 5);
    const { jobs } = await queue.listJobs({ state: "completed" });
    expect(deliveries.map(({ body }) => body)).toEqual(["the-secret", "the-secret"]);
    expect(JSON.stringify([jobs, await queue.schedules.list()])).not.toContain("the-secret");
  });

  test("endpoints outside the targets, invalid names and unknown groups are refused", async () => {
    const { client, call, queue } = await served();
    const add = (endpoint: object, name = "group") =>
      client.urlGroups.addEndpoints({ name, endpoints: [endpoint as never] });
    await expect(add({ url: "http://169.254.169.254/" })).rejects.toThrow("is not among the targets");
    await expect(add({ url: target }, "a b")).rejects.toThrow("name of a URL group");
    await expect(add({ name: "first", url: "https://app.test/third" })).rejects.toThrow("must not have the same name");
    await expect(client.publish({ urlGroup: "none" })).rejects.toThrow("No URL group has this name");
    expect((await call("POST", "/v2/publish/api/llm")).status).toBe(404);
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
  });
});
