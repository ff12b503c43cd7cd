import { type Client, openai } from "@upstash/qstash";
import { describe, expect, test } from "vitest";
import { servedQStash } from "./served-qstash.ts";

// What the SDK's README and documentation show, with URLs of the test's own: each works, or stands in "What works" of
// docs/guide/qstash.md as what does not.

const url = "https://app.test/api/example";
const urls = { callback: "https://app.test/api/callback", failureCallback: "https://app.test/api/failed" };

const examples: Readonly<Record<string, (client: Client) => Promise<unknown>>> = {
  "publish JSON": (client) => client.publishJSON({ url, body: { hello: "world" } }),
  "publish another body with headers": (client) =>
    client.publish({ url, body: "<a/>", headers: { "Content-Type": "application/xml", "my-header": "my-value" } }),
  "choose a method": (client) => client.publishJSON({ url, method: "GET" }),
  "delay by seconds": (client) => client.publishJSON({ url, body: {}, delay: 60 }),
  "delay by a duration": (client) => client.publishJSON({ url, body: {}, delay: "2d10h" as "10h" }),
  "not before a time": (client) => client.publishJSON({ url, body: {}, notBefore: 1_900_000_000 }),
  "retries with a delay": (client) =>
    client.publishJSON({ url, body: {}, retries: 5, retryDelay: "max(1000, pow(2, retried)) * 60" }),
  "a timeout": (client) => client.publishJSON({ url, body: {}, timeout: "15s" }),
  "a label": (client) => client.publishJSON({ url, body: {}, label: "my-label" }),
  callbacks: (client) => client.publishJSON({ url, body: {}, ...urls }),
  "a deduplication id": (client) => client.publishJSON({ url, body: {}, deduplicationId: "abcdef" }),
  "content-based deduplication": (client) => client.publishJSON({ url, body: {}, contentBasedDeduplication: true }),
  "redacted fields": (client) =>
    client.publishJSON({ url, body: {}, redact: { body: true, header: ["Authorization"] } }),
  "flow control by parallelism": (client) =>
    client.publishJSON({ url, body: {}, flowControl: { key: "USER_GIVEN_KEY", parallelism: 2 } }),
  "flow control by rate": (client) =>
    client.publishJSON({
      url,
      body: {},
      flowControl: { key: "USER_GIVEN_KEY", rate: 10, period: "1m", parallelism: 5 },
    }),
  "a batch": (client) =>
    client.batchJSON([
      { url, body: { n: 1 } },
      { url, body: { n: 2 }, delay: 5, queueName: "my-queue" },
    ]),
  "a URL group": async (client) => {
    await client.urlGroups.addEndpoints({ name: "my-group", endpoints: [{ name: "one", url }, { url: `${url}/2` }] });
    await client.publishJSON({ urlGroup: "my-group", body: { hello: "world" } });
    await client.urlGroups.list();
    await client.urlGroups.removeEndpoints({ name: "my-group", endpoints: [{ name: "one" }] });
    await client.urlGroups.delete("my-group");
  },
  "a queue": async (client) => {
    const queue = client.queue({ queueName: "my-queue" });
    await queue.upsert({ parallelism: 2 });
    await queue.enqueueJSON({ url, body: { hello: "world" } });
    await queue.pause();
    await queue.get();
    await queue.resume();
    await queue.list();
    await queue.delete();
  },
  "a schedule": async (client) => {
    const { scheduleId } = await client.schedules.create({ destination: url, cron: "*/5 * * * *" });
    await client.schedules.create({
      destination: url,
      cron: "CRON_TZ=America/New_York 0 4 * * *",
      scheduleId: "existing",
    });
    await client.schedules.get(scheduleId);
    await client.schedules.list();
    await client.schedules.pause({ schedule: scheduleId });
    await client.schedules.resume({ schedule: scheduleId });
    await client.schedules.delete(scheduleId);
  },
  "the dead letter": async (client) => {
    const all = [];
    let cursor: string | undefined;
    do {
      const page = await client.dlq.listMessages({ ...(cursor && { cursor }) });
      all.push(...page.messages);
      cursor = page.cursor;
    } while (cursor);
    await client.dlq.retry({ all: true });
    await client.dlq.delete({ all: true });
  },
  messages: async (client) => {
    const { messageId } = await client.publishJSON({ url, body: {}, delay: 60 });
    await client.messages.get(messageId);
    await client.messages.cancel(messageId);
    await client.messages.cancel({ all: true });
  },
  logs: async (client) => {
    const all = [];
    let cursor: string | undefined;
    do {
      const page = await client.logs({ filter: { state: "DELIVERED" }, ...(cursor && { cursor }) });
      all.push(...page.logs);
      cursor = page.cursor;
    } while (cursor);
  },
  "flow control keys": async (client) => {
    await client.flowControl.pause("my-key");
    await client.flowControl.get("my-key");
    await client.flowControl.pin("my-key", { parallelism: 5, rate: 10, period: 60 });
    await client.flowControl.unpin("my-key", { parallelism: true, rate: true });
    await client.flowControl.resetRate("my-key");
    await client.flowControl.resume("my-key");
    await client.flowControl.getGlobalParallelism();
  },
};

describe("an example of the SDK's documentation works", () => {
  test.each(Object.entries(examples))("%s", async (_, run) => {
    const { client, queue } = await servedQStash({ qstash: { events: { retention: "1d" } } });
    await run(client);
    for (const _ of [1, 2]) await queue.drain();
    expect((await queue.getStats()).deadLetterCount).toBe(0);
  });

  test("but for a model behind the API", async () => {
    const { client } = await servedQStash();
    const request = { api: { name: "llm", provider: openai({ token: "none" }) }, callback: urls.callback } as const;
    const llm = client.publishJSON({ ...request, body: { model: "gpt-3.5-turbo", messages: [] } });
    await expect(llm).rejects.toThrow("not among the targets");
  });
});
