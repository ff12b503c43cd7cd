import { describe, expect, test } from "vitest";
import { createHandler } from "../../src/http/handler.ts";
import { memoryStore, Queue, type QueueOptions } from "../../src/index.ts";
import { testClock } from "../../src/testing/clock.ts";
import { aroundStore } from "../support/around-calls.ts";
import { start } from "../support/clock.ts";
import { sendEmail } from "../support/jobs.ts";
import { testKeys, useRedis } from "../support/stores.ts";
import { address, adminToken, documentOf, errorOf, inRedis, type Target, tidegate, type World } from "./run-cli.ts";

const k1 = { current: "k1", keys: { k1: testKeys.k1 } };
const k2 = { current: "k2", keys: testKeys };
const TIDEGATE_ENCRYPTION_KEYS = `k2:${testKeys.k2}, k1:${testKeys.k1}`;
const nothingToDo = "Nothing to do: everything is encrypted with the current key.\n";

/** Jobs of the key k1, more than one step has. */
const fill = (queue: Queue) =>
  queue.enqueueMany(Array.from({ length: 250 }, () => ({ job: sendEmail, payload: { to: "ada@example.com" } })));

describe("queue:rekey", () => {
  test("through a handler, encrypts everything with the current key of its queue, and shows how far it is", async () => {
    const clock = testClock(start);
    const options: QueueOptions = { store: memoryStore(), jobs: [sendEmail], clock, logger: null };
    await fill(new Queue({ ...options, encryption: k1 }));
    const handler = createHandler({ queue: new Queue({ ...options, encryption: k2 }), auth: { admin: [adminToken] } });
    const env = { TIDEGATE_URL: address, TIDEGATE_TOKEN: adminToken };
    const fetch = async (request: Request) => handler.fetch(new Request(request.url.replace("/jobs/", "/"), request));
    const lines: string[] = [];
    const world: World = { env, fetch, clock, isTerminal: true, onWrite: (text) => void lines.push(text) };
    const done = await tidegate(["queue:rekey"], world);
    expect(done).toMatchObject({ code: 0, stdout: "Encrypted 250 records.\n" });
    expect(lines.join("")).toContain("100 records encrypted so far");
    expect(await tidegate(["queue:rekey"], { ...world, isTerminal: false })).toMatchObject({ stdout: nothingToDo });
    expect(documentOf(await tidegate(["queue:rekey", "--json"], world))).toEqual({ rekeyed: 0, locked: 0, left: 0 });
  });

  test("says how many records are left, since others have written them meanwhile", async () => {
    const inner = memoryStore();
    const clock = testClock(start);
    const before = new Queue({ store: inner, jobs: [sendEmail], clock, encryption: k1 });
    const { id } = await before.enqueue(sendEmail, { to: "ada@example.com" });
    let isFirst = true;
    const store = aroundStore(inner, async ({ method, parameters }, run) => {
      if (method === "rewrite" && parameters[0] === "ready" && isFirst) {
        isFirst = false;
        await before.update(id, { payload: { to: "grace@example.com" } });
      }
      return run();
    });
    const handler = createHandler({
      queue: new Queue({ store, jobs: [sendEmail], clock, encryption: k2 }),
      auth: { admin: [adminToken] },
    });
    const env = { TIDEGATE_URL: address, TIDEGATE_TOKEN: adminToken };
    const fetch = async (request: Request) => handler.fetch(new Request(request.url.replace("/jobs/", "/"), request));
    const world: World = { env, fetch, clock };
    expect(await tidegate(["queue:rekey"], world)).toEqual({
      ...{ code: 0, stdout: "Encrypted 0 records.\n" },
      stderr: "Left: 1, changed meanwhile or of a running job. Run this again.\n",
    });
    expect(documentOf(await tidegate(["queue:rekey", "--json"], world))).toEqual({ rekeyed: 1, locked: 0, left: 0 });
  });

  describe("straight on Redis", () => {
    const redis = useRedis();
    const open = (options: Partial<QueueOptions>): Target => inRedis(redis, { logger: null, ...options });
    const withKeys = (keys: string) => ({
      env: {
        UPSTASH_REDIS_REST_URL: redis.shim.url,
        UPSTASH_REDIS_REST_TOKEN: redis.shim.token,
        TIDEGATE_ENCRYPTION_KEYS: keys,
      },
    });

    test("takes the keys from TIDEGATE_ENCRYPTION_KEYS, the current one first", async () => {
      const { queue, cli } = open({ encryption: k1 });
      await fill(queue);
      const world = withKeys(TIDEGATE_ENCRYPTION_KEYS);
      expect(documentOf(await cli(["queue:rekey", "--json"], world))).toEqual({ rekeyed: 250, locked: 0, left: 0 });
      expect((await cli(["queue:rekey"], world)).stdout).toBe(nothingToDo);
    });

    test("fails as long as there are records whose key it lacks, and for a queue that was never used", async () => {
      const { queue, cli } = open({ encryption: k1 });
      await fill(queue);
      await queue.schedules.upsert("daily", { job: sendEmail, payload: { to: "ada@example.com" }, cron: "0 9 * * *" });
      const lacking = withKeys(`k2:${testKeys.k2}`);
      const failed = await cli(["queue:rekey"], lacking);
      expect(failed).toMatchObject({ code: 1, stdout: "" });
      expect(failed.stderr).toContain("251 records cannot be read: the keys are missing");
      expect(errorOf(await cli(["queue:rekey", "--json"], lacking)).code).toBe("conflict");
      expect((await cli(["queue:rekey"], withKeys(TIDEGATE_ENCRYPTION_KEYS))).stdout).toBe("Encrypted 251 records.\n");
      expect((await cli(["queue:rekey", "--queue", "defualt"], lacking)).code).toBe(2);
      const twice = await cli(["queue:rekey"], withKeys(`k1:${testKeys.k1},k1:${testKeys.k2}`));
      expect([twice.code, twice.stderr.includes("names a key twice")]).toEqual([2, true]);
    });

    test("without keys, or with some that are no keys, says what to set and shows none of them", async () => {
      const { cli } = open({ encryption: k1 });
      const without = await cli(["queue:rekey"]);
      expect(without.code).toBe(2);
      expect(without.stderr).toContain("This queue does not encrypt");
      const wrong = await cli(["queue:rekey"], withKeys("k2:c2VjcmV0,k1"));
      expect(wrong.code).toBe(2);
      expect(wrong.stderr).toContain("TIDEGATE_ENCRYPTION_KEYS");
      expect(wrong.stderr).not.toContain("c2VjcmV0");
    });
  });
});

describe("queue:jobs of an encrypted queue", () => {
  const redis = useRedis();

  test("shows a lock without the key, and the payload with it", async () => {
    const { queue, cli, clock } = inRedis(redis, { encryption: k1, logger: null });
    const { id } = await queue.enqueue(sendEmail, { to: "ada@example.com" });
    const locked = await cli(["queue:jobs", id]);
    expect(locked.stdout).toContain("🔒 with the key k1, which this queue lacks");
    expect(locked.stdout).not.toContain("ada@example.com");
    expect(documentOf(await cli(["queue:jobs", id, "--json"]))).toMatchObject({ payload: { encrypted: "k1" } });
    const { url, token } = redis.shim;
    const env = {
      UPSTASH_REDIS_REST_URL: url,
      UPSTASH_REDIS_REST_TOKEN: token,
      TIDEGATE_ENCRYPTION_KEYS: `k1:${testKeys.k1}`,
    };
    expect((await cli(["queue:jobs", id], { env, clock })).stdout).toContain("ada@example.com");
  });
});
