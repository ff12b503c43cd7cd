import { Redis } from "@upstash/redis";
import { expect, test } from "vitest";
import producerWorker from "../../examples/guide/producer.ts";
import { defineJob, Producer, Queue } from "../../src/index.ts";
import { upstashProducerStore, upstashStore } from "../../src/stores/redis-http/index.ts";
import { transportTo } from "../../src/stores/redis-http/transport.ts";
import { serveFetch } from "../support/http-server.ts";
import { useRedis } from "../support/stores.ts";

const redis = useRedis();
const echo = defineJob({ name: "echo", perform: (text: string) => text });

test.each([
  ["as it is by default", {}],
  ["without base64", { responseEncoding: false }],
  ["with pipelines of its own", { enableAutoPipelining: true, automaticDeserialization: true }],
] as const)("a client of @upstash/redis serves a store, %s", async (name, settings) => {
  const { url, token } = redis.shim;
  const client = new Redis({ url, token, ...settings });
  for (const [index, store] of [upstashStore(client), upstashStore({ redis: client, prefix: "other" })].entries()) {
    const queue = new Queue({ name: `${name} ${index}`, store, jobs: [echo] });
    const { id } = await queue.enqueue(echo, "123, und ä");
    expect(await queue.drain()).toMatchObject({ completed: 1 });
    expect(await queue.getJob(id)).toMatchObject({ state: "completed", result: "123, und ä" });
  }
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
  ["a status that is no success", Response.json({ message: "Bad gateway" }, { status: 502 }), /status 502\.$/],
  ["a page", new Response("<p>One moment, please.</p>"), "no reply"],
  ["JSON that is no reply", Response.json({ message: "ok" }), "no reply"],
  ["an array", Response.json([]), "no reply"],
  ["a redirection", new Response(null, { status: 307, headers: { Location: "/elsewhere" } }), /status 307\.$/],
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
