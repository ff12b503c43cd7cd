import { describe, expect, test } from "vitest";
import { serveHttp } from "../../src/dev/http-server.ts";
import { RedisLink } from "../../src/dev/redis-link.ts";
import { restApi } from "../../src/dev/rest.ts";
import { startRedis } from "../support/redis-server.ts";
import { afterwards } from "./running-dev.ts";

/** Upstash's REST API before a Redis of its own, and what sends one request to it. */
async function served() {
  // Redis lets no script be killed before that.
  const server = await startRedis({ settings: { "busy-reply-threshold": "1" } });
  afterwards(() => server.stop());
  const redis = new RedisLink(new URL(`redis://127.0.0.1:${server.port}`));
  afterwards(() => redis.close());
  const { url, stop } = await serveHttp(restApi({ redis, token: "token", scriptLimitMs: 5 }));
  afterwards(stop);
  return async (path: string, body?: BodyInit, more = {}) => {
    const headers = { authorization: "Bearer token", ...more };
    const init = { method: "POST", headers, body: body ?? null, duplex: "half" };
    const response = await fetch(url + path, init as RequestInit);
    return [response.status, await response.json()];
  };
}

describe("the REST API of tidegate dev", () => {
  test("stores the body of a request byte for byte", async () => {
    const send = await served();
    const bytes = Buffer.from([0, 0xff, 0xc3, 0x28, 0x0d, 0x0a]);
    expect(await send("/set/key", bytes)).toEqual([200, { result: "OK" }]);
    const [, { result }] = await send("/get/key", undefined, { "upstash-encoding": "base64" });
    expect(Buffer.from(result, "base64")).toEqual(bytes);
    expect(await send("/strlen/key")).toEqual([200, { result: bytes.length }]);
  });

  test.for([
    "shutdown",
    "config/set/maxmemory/1",
    "acl/setuser/default/off",
    "client/kill/type/normal",
    "debug/segfault",
  ])("refuses %s", async (path) => {
    const send = await served();
    expect(await send(`/${path}`)).toEqual([400, { error: expect.stringMatching(/^ERR Command is not available/) }]);
    expect(await send("/ping")).toEqual([200, { result: "PONG" }]);
  });

  test.for(["subscribe/a", "psubscribe/a"])(
    "says that it does not stream %s, which Upstash's REST API does",
    async (path) => {
      const send = await served();
      expect(await send(`/${path}`)).toEqual([400, { error: expect.stringContaining("does not stream") }]);
      const [, results] = await send("/pipeline", JSON.stringify([["SUBSCRIBE", "a"], ["PING"]]));
      expect(results).toEqual([{ error: expect.stringContaining("does not stream 'SUBSCRIBE'") }, { result: "PONG" }]);
    },
  );

  test("refuses a request without its token before it reads the body", async () => {
    const send = await served();
    // It never ends.
    const body = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(65_536)) });
    const refused = await send("/set/key", body, { authorization: "Bearer other" });
    expect(refused).toEqual([401, { error: expect.stringContaining("WRONGPASS") }]);
  });

  test("ends a script that never ends by itself, and goes on", async () => {
    const send = await served();
    const [status, { error }] = await send("/", JSON.stringify(["EVAL", "while true do end", "0"]));
    expect([status, error]).toEqual([400, expect.stringMatching(/Script killed by user/i)]);
    expect(await send("/ping")).toEqual([200, { result: "PONG" }]);
  });
});
