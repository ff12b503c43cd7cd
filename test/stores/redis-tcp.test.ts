import { join } from "node:path";
import { build } from "esbuild";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { describe, expect, test } from "vitest";
import { defineJob, Queue } from "../../src/index.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import { type RedisClient, redisStore } from "../../src/stores/redis-tcp/index.ts";
import { useRedis } from "../support/stores.ts";

const note = defineJob({ name: "note", perform: () => {} });

describe("redisStore", () => {
  const redis = useRedis();

  test("shares queues with upstashStore if both have the same prefix", async () => {
    const { url, token } = redis.shim;
    const client = await createClient({ url: `redis://127.0.0.1:${redis.server.port}` }).connect();
    const prefix = "shared";
    const overHttp = new Queue({ store: upstashStore({ url, token, prefix }), jobs: [note] });
    const overTcp = new Queue({ store: redisStore(client, { prefix }), jobs: [note] });
    const elsewhere = new Queue({ store: redisStore(client, { prefix: "other" }), jobs: [note] });
    const { id } = await overHttp.enqueue(note);
    expect(await elsewhere.drain()).toMatchObject({ claimed: 0 });
    expect(await overTcp.drain()).toMatchObject({ completed: 1 });
    expect(await overHttp.getJob(id)).toMatchObject({ state: "completed" });
    await client.close();
  });

  test("a schedule whose place was evicted can be stored again, and continues", async () => {
    const client = await createClient({ url: `redis://127.0.0.1:${redis.server.port}` }).connect();
    const queue = new Queue({ store: redisStore(client, { prefix: "evicted" }), jobs: [note] });
    await queue.schedules.upsert("daily", { job: note, cron: "@daily" });
    await client.del("evicted:{default}:due");
    expect(await queue.schedules.get("daily")).toMatchObject({ nextRunAt: null });
    await queue.schedules.pause("daily");
    expect(await queue.schedules.resume("daily")).toMatchObject({ nextRunAt: expect.any(Date) });
    await client.close();
  });

  test("a job whose record was evicted is removed, and blocks no other", async () => {
    const client = await createClient({ url: `redis://127.0.0.1:${redis.server.port}` }).connect();
    const queue = new Queue({ store: redisStore(client, { prefix: "lost" }), jobs: [note] });
    await queue.enqueue(note, undefined, { id: "a-lost" });
    await client.hDel("lost:{default}:jobs", "a-lost");
    await queue.enqueue(note, undefined, { id: "b-kept" });
    expect(await queue.drain({ batchSize: 1 })).toMatchObject({ completed: 1, backlog: false });
    expect(await client.zScore("lost:{default}:due", "a-lost")).toBeNull();
    await client.close();
  });

  test("adds one listener to a client, however many stores use it", () => {
    for (const client of [createClient(), new Redis({ lazyConnect: true })]) {
      const listeners = () => ["ready", "close", "reconnecting", "end"].map((event) => client.listenerCount(event));
      redisStore(client);
      const before = listeners();
      redisStore(client, { prefix: "other" });
      expect(listeners()).toEqual(before);
    }
  });

  test("refuses a value that is not a client, and an invalid prefix", () => {
    const refused = { code: "invalid_request" };
    for (const value of [undefined, null, {}, "redis://localhost", { sendCommand() {} }]) {
      expect(() => redisStore(value as unknown as RedisClient)).toThrowError(expect.objectContaining(refused));
    }
    expect(() => redisStore(createClient(), { prefix: "a b" })).toThrowError(expect.objectContaining(refused));
  });

  // Several wait before they try again.
  test.concurrent.each([
    ["WRONGPASS invalid username-password pair", /user or password/],
    ["NOAUTH Authentication required.", /user or password/],
    ["READONLY You can't write against a read only replica.", /primary/],
    ["MOVED 3999 10.0.0.7:6381", /createCluster of redis, or Cluster of ioredis/],
    ["connect ECONNREFUSED 10.0.0.7:6379", /Check that it runs/],
    ["ERR unknown command at 10.0.0.7", /version 6.2/],
    // As scripts pass them on.
    ["ERR READONLY You can't write against a read only replica. script: 5b2, on @user_script:9.", /primary/],
    ["user_script:9: MISCONF Redis is configured to save RDB snapshots, but it is unable to persist to disk.", /disk/],
    ["BUSY Redis is busy running a script.", /SCRIPT KILL/],
    ["LOADING Redis is loading the dataset in memory", /loading its data/],
    ["NOREPLICAS Not enough good replicas to write.", /replicas/],
    ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", /primary/],
    ["CLUSTERDOWN The cluster is down", /no node for this queue/],
    ["ERR what no version of Redis says", /Check that it runs/],
  ])("explains %s without printing it", async (words, expected) => {
    const client = {
      status: "ready",
      call: () => Promise.reject(new Error(words)),
      connect: async () => {},
      on: () => {},
    };
    const queue = new Queue({ store: redisStore(client) });
    const error = await queue.getStats().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "store_unavailable", message: expect.stringMatching(expected) });
    expect(String(error)).not.toMatch(/10\.0\.0\.7|UPSTASH/);
  });

  test("includes no client", async () => {
    const { metafile } = await build({
      entryPoints: [join(import.meta.dirname, "../../src/stores/redis-tcp/index.ts")],
      bundle: true,
      write: false,
      format: "esm",
      metafile: true,
    });
    expect(Object.keys(metafile.inputs).filter((file) => /node_modules\/(@?redis|ioredis)\//.test(file))).toEqual([]);
  });
});
