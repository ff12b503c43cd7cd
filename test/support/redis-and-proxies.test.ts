import { createHash } from "node:crypto";
import { Redis } from "@upstash/redis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { countCommands } from "./command-stats.ts";
import { type FaultProxy, startFaultProxy } from "./faults.ts";
import { type RedisServer, startRedis } from "./redis-server.ts";
import { RespClient } from "./resp.ts";
import { type RestShim, startRestShim } from "./rest-shim.ts";

let server: RedisServer;
let shim: RestShim;
let redis: Redis;

function connect(url: string, options: { base64?: boolean; token?: string } = {}): Redis {
  return new Redis({
    url,
    token: options.token ?? shim.token,
    responseEncoding: options.base64 === false ? false : "base64",
    automaticDeserialization: false,
    enableAutoPipelining: false,
    retry: { retries: 0 },
  });
}

beforeAll(async () => {
  server = await startRedis();
  shim = await startRestShim({ redisPort: server.port });
  redis = connect(shim.url);
});

afterAll(async () => {
  await shim.stop();
  await server.stop();
});

beforeEach(async () => {
  await redis.flushall();
});

describe("the Redis server", () => {
  test("keeps its data across a crash if it persists", async () => {
    const durable = await startRedis({ persist: true });
    const before = await RespClient.connect(durable.port);
    await before.send(["SET", "key", "value"]);
    await durable.kill();
    await before.closed;
    await expect(before.send(["PING"])).rejects.toThrow("closed");

    await durable.restart();
    const after = await RespClient.connect(durable.port);
    expect(await after.send(["GET", "key"])).toBe("value");
    after.close();
    await durable.stop();
  });

  test("supports HSETEX", async () => {
    expect(await redis.exec(["HSETEX", "hash", "EX", "10", "FIELDS", "1", "field", "value"])).toBe(1);
  });
});

describe("the RESP client", () => {
  let client: RespClient;

  beforeAll(async () => {
    client = await RespClient.connect(server.port);
  });

  afterAll(() => client.close());

  test("reads strings, integers, nulls, errors and nested lists", async () => {
    const script = "return {1, 'two', false, {'', {}, {ok = 'fine'}}, {err = 'ERR odd'}}";
    const expected = [1, "two", null, ["", [], "fine"], expect.objectContaining({ message: "ERR odd" })];
    expect(await client.send(["EVAL", script, 0])).toEqual(expected);
    expect(await client.send(["NONSENSE"])).toBeInstanceOf(Error);
  });
});

describe("the REST shim", () => {
  const values = ["123", "", "OK", "null", '{"a":1}', "naïve ✓ 🚀 \u0000\r\n\"'\\", "T0s="];

  for (const base64 of [true, false]) {
    const client = () => connect(shim.url, { base64 });

    test(`returns values unchanged, base64 ${base64}`, async () => {
      for (const value of values) {
        expect(await client().set("key", value)).toBe("OK");
        expect(await client().get("key")).toBe(value);
      }
    });

    test(`returns lists unchanged, base64 ${base64}`, async () => {
      const script = "return {ARGV, false, 7, {ok = 'OK'}, {{ARGV[1]}}}";
      expect(await client().eval(script, [], values)).toEqual([values, null, 7, "OK", [["123"]]]);
    });
  }

  test("encodes every string except OK in base64 if asked", async () => {
    const post = async (command: string[]) => {
      const headers = { authorization: `Bearer ${shim.token}`, "upstash-encoding": "base64" };
      const response = await fetch(shim.url, { method: "POST", headers, body: JSON.stringify(command) });
      return response.json();
    };
    expect(await post(["SET", "key", "bar"])).toEqual({ result: "OK" });
    expect(await post(["MGET", "key", "none"])).toEqual({ result: ["YmFy", null] });
    expect(await post(["PING"])).toEqual({ result: "UE9ORw==" });
  });

  test("runs a pipeline, and confines an error to its command", async () => {
    const pipeline = redis.pipeline().set("key", "value").lpush("key", "x").get("key");
    const replies = await pipeline.exec({ keepErrors: true });
    expect(replies.map(({ result }) => result)).toEqual(["OK", undefined, "value"]);
    expect(replies[1]?.error).toMatch(/^WRONGTYPE/);
  });

  test("runs a transaction, and refuses a whole transaction with an unknown command", async () => {
    expect(await redis.multi().set("key", "1").incr("key").exec()).toEqual(["OK", 2]);
    const commands = JSON.stringify([["SET", "key", "9"], ["NONSENSE"]]);
    const headers = { authorization: `Bearer ${shim.token}` };
    const response = await fetch(`${shim.url}/multi-exec`, { method: "POST", headers, body: commands });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: expect.stringMatching(/^EXECABORT/) });
    expect(await redis.get("key")).toBe("2");
  });

  test("passes on that a script is unknown", async () => {
    await expect(redis.evalsha("0".repeat(40), [], [])).rejects.toThrow(/^NOSCRIPT /);
  });

  test("passes on that redis-server refuses the flag of Upstash's scripts", async () => {
    const script = "#!lua flags=allow-key-locking\nreturn 1";
    await expect(redis.eval(script, [], [])).rejects.toThrow(/^ERR Unexpected flag in script shebang/);
  });

  test("takes the flag of Upstash's scripts if it is told to", async () => {
    const knowing = await startRestShim({ redisPort: server.port, takesLockingLine: true });
    const client = connect(knowing.url);
    const script = "#!lua flags=allow-key-locking\nreturn 7";
    const hash = createHash("sha1").update(script).digest("hex");
    await expect(client.evalsha(hash, [], [])).rejects.toThrow(/^NOSCRIPT /);
    expect(await client.eval(script, [], [])).toBe(7);
    expect(await client.evalsha(hash, [], [])).toBe(7);
    await knowing.stop();
  });

  test("refuses a wrong token", async () => {
    await expect(connect(shim.url, { token: "wrong" }).get("key")).rejects.toThrow(/^WRONGPASS invalid or missing/);
  });

  test("refuses requests and replies of more than 10 MB", async () => {
    const half = "x".repeat(5 * 1024 * 1024);
    await expect(redis.mset({ first: half, second: half })).rejects.toThrow(
      /^ERR max request size exceeded\. Limit: 10485760/,
    );
    await redis.set("key", half);
    await expect(redis.mget("key", "key")).rejects.toThrow(/^ERR max request size exceeded/);
  });

  test("counts requests, not commands", async () => {
    const before = shim.requests;
    await redis.pipeline().set("key", "value").get("key").exec();
    expect(shim.requests).toBe(before + 1);
  });

  test("answers 503 while Redis is unreachable, and recovers by itself", async () => {
    const own = await startRedis();
    const ownShim = await startRestShim({ redisPort: own.port });
    const client = connect(ownShim.url);
    await client.set("key", "value");
    await own.kill();
    await expect(client.get("key")).rejects.toThrow("ERR the database is not available");
    await own.restart();
    expect(await client.get("key")).toBeNull();
    await ownShim.stop();
    await own.stop();
  });
});

describe("the fault proxy", () => {
  let proxy: FaultProxy;
  let client: Redis;

  beforeAll(async () => {
    proxy = await startFaultProxy(shim.url);
    client = connect(proxy.url);
  });

  afterAll(() => proxy.stop());

  afterEach(() => {
    proxy.always(undefined);
    proxy.decide(undefined);
  });

  test("passes requests on unchanged without a fault", async () => {
    expect(await client.set("key", "ü")).toBe("OK");
    expect(await client.get("key")).toBe("ü");
  });

  test.for([
    { fault: "drop-request", message: /^fetch failed$/, counter: null },
    { fault: "drop-reply", message: /^fetch failed$/, counter: "1" },
    { fault: "half-body", message: /^terminated$/, counter: "1" },
    { fault: "error-500", message: /^ERR internal server error/, counter: null },
    { fault: "html", message: /^Unable to parse response body: <!doctype html>/, counter: null },
    { fault: "quota", message: /^ERR max requests limit exceeded\. Limit: 500000, Usage: 500000\./, counter: null },
    { fault: "full", message: /^OOM command not allowed when used memory > 'maxmemory'\./, counter: null },
  ] as const)("$fault fails an increment, and leaves the counter at $counter", async ({ fault, message, counter }) => {
    proxy.next(fault);
    await expect(client.incr("counter")).rejects.toThrow(message);
    expect(await client.get("counter")).toBe(counter);
  });

  test("duplicate runs the request twice and returns the first answer", async () => {
    proxy.next("duplicate");
    expect(await client.incr("counter")).toBe(1);
    expect(await client.get("counter")).toBe("2");
  });

  test("a delayed request arrives after a later one", async () => {
    proxy.next({ delayMs: 30 });
    const delayed = client.incr("counter");
    const arrived: string[] = [];
    await Promise.all([
      delayed.then(() => arrived.push("delayed")),
      client.get("none").then(() => arrived.push("later")),
    ]);
    expect(arrived).toEqual(["later", "delayed"]);
  });

  test("queued faults precede chosen ones, and those precede the constant one", async () => {
    proxy.always("error-500");
    proxy.decide(({ body }) => (body.includes("chosen") ? "html" : undefined));
    proxy.next("quota");
    await expect(client.get("chosen")).rejects.toThrow("ERR max requests limit");
    await expect(client.get("chosen")).rejects.toThrow("Unable to parse");
    await expect(client.get("other")).rejects.toThrow("ERR internal server error");
  });

  test("numbers each request", async () => {
    const before = proxy.requests;
    const seen: number[] = [];
    proxy.decide(({ index }) => {
      seen.push(index);
      return undefined;
    });
    await client.get("key");
    await client.get("key");
    expect(seen).toEqual([before, before + 1]);
    expect(proxy.requests).toBe(before + 2);
  });
});

describe("the command count", () => {
  test("counts each call inside a script, and the script", async () => {
    const script = "redis.call('SET', KEYS[1], 1) redis.call('INCR', KEYS[1]) return redis.call('INCR', KEYS[1])";
    const sha = await redis.scriptLoad(script);
    const { result, commands, byName } = await countCommands(server.port, () => redis.evalsha(sha, ["key"], []));
    expect(result).toBe(3);
    expect(byName).toEqual({ evalsha: 1, set: 1, incr: 2 });
    expect(commands).toBe(4);
  });

  test("leaves out free commands, and MULTI and EXEC", async () => {
    const action = async () => {
      await redis.ping();
      await redis.multi().set("key", "1").incr("key").exec();
    };
    const { byName } = await countCommands(server.port, action);
    expect(byName).toEqual({ set: 1, incr: 1 });
  });
});
