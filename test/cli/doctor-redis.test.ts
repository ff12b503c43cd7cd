import { describe, expect, test } from "vitest";
import { RespClient } from "../support/resp.ts";
import { startRestShim } from "../support/rest-shim.ts";
import { useRedis } from "../support/stores.ts";
import { doctor, findingOf, statuses } from "./doctor-findings.ts";
import { documentOf, inRedis, tidegate } from "./run-cli.ts";

const withModule = ["--module", "./modules/jobs.ts"];

describe("queue:doctor of a Redis", () => {
  const redis = useRedis();

  test("finds nothing in a healthy Redis", async () => {
    const { cli } = inRedis(redis);
    const result = await cli([...doctor, ...withModule], { clock: () => Date.now() });
    expect(result.code).toBe(0);
    expect(statuses(result)).toEqual({
      url: "ok",
      encryption: "ok",
      clock: "ok",
      token: "ok",
      eviction: "ok",
      paused: "ok",
      backlog: "ok",
      "wake-ups": "unknown",
      "dead-letter queue": "ok",
      "job names": "ok",
      schedules: "ok",
    });
  });

  test("leaves nothing behind", async () => {
    const { cli } = inRedis(redis);
    const before = await ask("DBSIZE");
    await cli(doctor);
    expect(await ask("DBSIZE")).toEqual(before);
  });

  test("fails if jobs may be evicted, and if the clocks differ", async () => {
    const client = await RespClient.connect(redis.server.port);
    await client.send(["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    const result = await inRedis(redis).cli(doctor);
    await client.send(["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    client.close();
    expect(result.code).toBe(1);
    expect(statuses(result)).toMatchObject({ eviction: "fail", clock: "fail" });
  });

  test("fails if the token is wrong, and shows neither token nor address", async () => {
    const env = { UPSTASH_REDIS_REST_URL: `${redis.shim.url}/path`, UPSTASH_REDIS_REST_TOKEN: "s3cret" };
    const result = await tidegate(doctor, { env });
    expect(result.code).toBe(1);
    expect(documentOf(result)).toMatchObject({ checks: [{ check: "token", status: "fail" }] });
    expect(result.stdout).not.toContain("s3cret");
  });

  test("fails if nothing answers, or something other than Redis", async () => {
    const { cli } = inRedis(redis);
    const env = { UPSTASH_REDIS_REST_URL: "http://127.0.0.1:1", UPSTASH_REDIS_REST_TOKEN: "token" };
    expect(statuses(await tidegate(doctor, { env }))).toEqual({ url: "fail" });
    const result = await cli(doctor, { fetch: () => new Response("<h1>Hello</h1>") });
    expect(findingOf(result, "url")?.message).toContain("It responded with status 200.");
  });

  test.each([
    ["that may only read", "DEL", "NOPERM this user has no permissions to run the 'del' command", { token: "fail" }],
    [
      "whose quota is used up",
      "PING",
      "ERR max requests limit exceeded. Limit: 500000, Usage: 500000.",
      { quota: "fail" },
    ],
    ["that does not allow INFO", "INFO", "ERR Command is not available: 'INFO'", { eviction: "ok" }],
    ["that does not allow TIME", "TIME", "ERR Command is not available: 'TIME'", { clock: "unknown" }],
  ])("reports a Redis %s", async (_, command, error, expected) => {
    const fetch = async (request: Request) => {
      const [name] = (await request.clone().json()) as string[];
      return name === command ? Response.json({ error }, { status: 400 }) : globalThis.fetch(request);
    };
    expect(statuses(await inRedis(redis).cli(doctor, { fetch }))).toMatchObject(expected);
  });

  test('reports "unknown" if neither INFO nor CONFIG is allowed', async () => {
    const fetch = async (request: Request) => {
      const [name] = (await request.clone().json()) as string[];
      if (name === "INFO" || name === "CONFIG") return Response.json({ error: "ERR not available" }, { status: 400 });
      return globalThis.fetch(request);
    };
    const result = await inRedis(redis).cli(doctor, { fetch });
    expect(findingOf(result, "eviction")).toMatchObject({
      status: "unknown",
      advice: expect.stringContaining("console"),
    });
  });

  test("reports a queue that it cannot read", async () => {
    const shim = await startRestShim({ redisPort: redis.server.port });
    const env = { UPSTASH_REDIS_REST_URL: shim.url, UPSTASH_REDIS_REST_TOKEN: shim.token };
    await ask("SET", "spoilt:{default}:due", "no sorted set");
    const result = await tidegate([...doctor, "--prefix", "spoilt"], { env });
    await shim.stop();
    expect(result.code).toBe(1);
    expect(findingOf(result, "queue")).toMatchObject({
      status: "fail",
      advice: expect.stringContaining("nothing else writes"),
    });
  });

  async function ask(...command: string[]): Promise<unknown> {
    const { url, token } = redis.shim;
    const headers = { Authorization: `Bearer ${token}` };
    return (await fetch(url, { method: "POST", headers, body: JSON.stringify(command) })).json();
  }
});
