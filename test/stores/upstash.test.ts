import { Redis } from "@upstash/redis";
import { kv } from "@vercel/kv";
import { Redis as IoRedis } from "ioredis";
import { createClient } from "redis";
import { Redis as Redis120 } from "upstash-redis-1.20.0";
import { Redis as Redis1350 } from "upstash-redis-1.35.0";
import { Redis as Redis1352 } from "upstash-redis-1.35.2";
import { describe, expect, test, vi } from "vitest";
import producerWorker from "../../examples/guide/producer.ts";
import { defineJob, Producer, Queue } from "../../src/index.ts";
import { transportTo } from "../../src/stores/redis-http/client.ts";
import { upstashProducerStore, upstashStore } from "../../src/stores/redis-http/index.ts";
import { serveFetch } from "../support/http-server.ts";
import { useRedis } from "../support/stores.ts";

const redis = useRedis();
const echo = defineJob({ name: "echo", perform: (text: string) => text });

/** Texts that deserialization changes for good. */
const texts = ["null", "{}", '"quoted"', "[1, 2]", "1e3", "123, und ä"];

describe.each([
  ["the oldest accepted", Redis1352],
  ["the newest", Redis],
] as const)("%s client of @upstash/redis", (age, Client) => {
  test.each([
    ["as it is by default", {}],
    ["without base64", { responseEncoding: false }],
    ["with pipelines of its own, and deserializing", { enableAutoPipelining: true, automaticDeserialization: true }],
    ["with pipelines of its own", { enableAutoPipelining: true, automaticDeserialization: false }],
    ["deserializing", { enableAutoPipelining: false, automaticDeserialization: true }],
    ["with neither", { enableAutoPipelining: false, automaticDeserialization: false }],
  ] as const)("serves stores, %s, and goes on serving others", async (name, settings) => {
    const { url, token } = redis.shim;
    const client = new Client({ url, token, ...settings });
    for (const store of [upstashStore({ redis: client }), upstashStore({ redis: client, prefix: "other" })]) {
      const queue = new Queue({ name: `${age} ${name}`, store, jobs: [echo] });
      const jobs = texts.map((text) => ({
        job: echo,
        payload: text,
        id: text,
        flowControl: { key: text, rate: 9, period: "1h" as const },
      }));
      await Promise.all([queue.enqueueMany(jobs), client.set("others", { a: 1 })]);
      expect(await queue.drain()).toMatchObject({ completed: texts.length });
      for (const text of texts) expect(await queue.getJob(text)).toMatchObject({ state: "completed", result: text });
      expect((await queue.flowControl.list()).keys.map(({ key }) => key).sort()).toEqual([...texts].sort());
      await queue.pause();
      expect(await queue.drain()).toMatchObject({ stoppedBy: "paused" });
    }
    expect(await client.get("others")).toEqual(
      "automaticDeserialization" in settings && !settings.automaticDeserialization ? '{"a":1}' : { a: 1 },
    );
  });
});

const address = { url: "https://db.test", token: "s3cret" };

test.each([
  [
    "an older client",
    () => new Redis120(address),
    /1\.35\.2 or newer, and is an older client of @upstash\/redis\. Update/,
  ],
  ["an older client that pipelines", () => new Redis1350(address), /is an older client of @upstash\/redis\. Update/],
  ["one of redis", () => createClient(), /is a client of redis\. For that there is redisStore/],
  ["one of ioredis", () => new IoRedis({ lazyConnect: true }), /is a client of ioredis\. For that there is redisStore/],
  [
    "one of @vercel/kv",
    () => kv,
    /is a client of @vercel\/kv\. Use upstash\w+\(\{ url, token \}\) with KV_REST_API_URL/,
  ],
  ["text", () => address.url, /is a value of type string\. Or use upstash\w+\(\{ url, token \}\)\.$/],
])("%s is refused, with what it is and which store is for it", (_, create, message) => {
  vi.stubEnv("KV_REST_API_URL", address.url);
  vi.stubEnv("KV_REST_API_TOKEN", address.token);
  const options = { redis: create() } as unknown as Parameters<typeof upstashStore>[0];
  for (const take of [upstashStore, upstashProducerStore]) {
    expect(() => take(options)).toThrow(
      expect.objectContaining({ code: "invalid_request", message: expect.stringMatching(message) }),
    );
    expect(() => take(options)).not.toThrow(/s3cret|db\.test/);
  }
});

test("a client or a prefix at the wrong place is refused", () => {
  const client = new Redis(address);
  // @ts-expect-error: a store has one argument.
  expect(() => upstashStore({ redis: client }, { prefix: "mine" })).toThrow(/takes .+, as its only argument\.$/);
  // @ts-expect-error: so has that of a producer.
  expect(() => upstashProducerStore(address, { prefix: "mine" })).toThrow(/takes .+, as its only argument\.$/);
  // @ts-expect-error: a client is an option.
  expect(() => upstashStore(client)).toThrow("write upstashStore({ redis }).");
  // @ts-expect-error: another client is no option either.
  expect(() => upstashStore(createClient())).toThrow("is a client of redis.");
});

test("a store sends the last sync token along, so that it reads what it has written from a replica too", async () => {
  const received: (string | null)[] = [];
  const server = await serveFetch(async (request) => {
    received.push(request.headers.get("upstash-sync-token"));
    const answer = await fetch(new URL(new URL(request.url).pathname, redis.shim.url), {
      method: "POST",
      headers: { Authorization: request.headers.get("authorization") ?? "" },
      body: await request.text(),
    });
    const headers = { "Upstash-Sync-Token": `token ${received.length}` };
    return new Response(await answer.text(), { status: answer.status, headers });
  });
  const store = upstashStore({ url: `${server.url}/`, token: redis.shim.token });
  const queue = new Queue({ name: "synced", store, jobs: [echo] });
  await queue.enqueue(echo, "one");
  await queue.pause();
  await queue.pause();
  expect(received[0]).toBe("");
  expect(received.at(-1)).toBe(`token ${received.length - 1}`);
  await server.stop();
});

test.each([
  ["a status that is no success", Response.json({ message: "Bad gateway" }, { status: 502 }), "undefined"],
  ["a page", new Response("<p>One moment, please.</p>"), "Unable to parse"],
  ["JSON that is no reply", Response.json({ message: "ok" }), "no reply"],
  ["an array", Response.json([]), "no reply"],
])("%s is no reply of Redis", async (_, response, message) => {
  const paths: string[] = [];
  const server = await serveFetch((request) => {
    paths.push(new URL(request.url).pathname);
    return response.clone();
  });
  const transport = transportTo(server.url, "token");
  await expect(transport.send(["GET", "key"], AbortSignal.timeout(10_000))).rejects.toThrow(message);
  await expect(transport.sendMany([["GET", "key"]], AbortSignal.timeout(10_000))).rejects.toThrow(message);
  expect(paths).toEqual(["/", "/pipeline"]);
  await server.stop();
});

test("a Worker that only enqueues stores a job of its request", async () => {
  const { url, token } = redis.shim;
  const env = { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token };
  const request = new Request("https://shop.example/", { method: "POST", body: "ada@example.com" });
  const response = await producerWorker.fetch(request, env);
  const queue = new Queue({ store: upstashStore({ url, token }) });
  expect(await queue.getJob(await response.text())).toMatchObject({
    payload: { to: "ada@example.com", subject: "Welcome" },
  });
});

test("a store without its address or token says where both come from, also locally", () => {
  const { url } = redis.shim;
  for (const options of [
    { url: "", token: "t" },
    { url: url.replace("//", "//user:secret@"), token: "t" },
    { url, token: "" },
    { url, token: "one\ntwo" },
  ])
    expect(() => upstashStore(options)).toThrow(
      /set UPSTASH_REDIS_REST_\w+ to .+ For a local one, start npx tidegate dev\.$/,
    );
});

test("the store of a producer stores jobs for a queue of the whole store", async () => {
  const { url, token } = redis.shim;
  const queue = new Queue({ name: "produced", store: upstashStore({ url, token }), jobs: [echo] });
  const store = upstashProducerStore({ url, token });
  const producer = new Producer({ name: "produced", store, jobs: [echo] });
  const jobs = await Promise.all(["one", "two"].map((text) => producer.enqueue(echo, text)));
  await producer.enqueue(echo, "three", { id: "3", flowControl: { key: "k", concurrency: 1 } });
  expect(await queue.drain()).toMatchObject({ completed: 3 });
  expect(await queue.getJob(jobs[1]?.id ?? "")).toMatchObject({ state: "completed", result: "two" });
  expect(() => upstashProducerStore({ url, token: "" })).toThrow("upstashProducerStore needs the REST token");
});
