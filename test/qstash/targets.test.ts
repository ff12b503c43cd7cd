import { describe, expect, test } from "vitest";
import { memoryStore } from "../../src/index.ts";
import { createQStash, type QStashOptions } from "../../src/qstash/index.ts";
import { clockByHand, start } from "../support/clock.ts";
import { qstashHandler, signingKeys, token } from "./served-qstash.ts";

/**
 * The ways in which a destination can arrive. Each returns the status of the refusal, and stores nothing if refused.
 */
const ways: readonly [string, (parts: ReturnType<typeof qstashHandler>, url: string) => Promise<number>][] = [
  ["publish", async ({ call }, url) => (await call("POST", `/v2/publish/${url}`)).status],
  ["publish, encoded", async ({ call }, url) => (await call("POST", `/v2/publish/${encodeURIComponent(url)}`)).status],
  [
    "batch",
    async ({ call }, url) => {
      const body = JSON.stringify([{ destination: url }]);
      return (await call("POST", "/v2/batch", { body })).status;
    },
  ],
];

const targets = [
  "https://app.test/hooks/*",
  "https://app.test/one",
  "https://app.test:8443/*",
  "http://10.1.2.3:3000/*",
];

/** Each is outside the targets, in every notation. */
const outside = [
  // Other schemes, hosts and ports.
  "http://app.test/hooks/a",
  "ftp://app.test/hooks/a",
  "file:///etc/passwd",
  "javascript:alert(1)",
  "data:text/plain,a",
  "https://app.test.evil.test/hooks/a",
  "https://evil.test/app.test/hooks/a",
  "https://evil.test?https://app.test/hooks/a",
  "https://evil.test#https://app.test/hooks/a",
  "https://sub.app.test/hooks/a",
  "https://app.test:444/hooks/a",
  "https://app.test:80/hooks/a",
  "http://app.test:443/hooks/a",
  "https://app.test./hooks/a",
  "https://app.test.:8443/a",
  "https://appxtest/hooks/a",
  "https://app.test%2eevil.test/hooks/a",
  "https://app.test%2fevil.test/hooks/a",
  // User names and passwords.
  "https://app.test@evil.test/hooks/a",
  "https://app.test:8443@evil.test/a",
  "https://app.test%40evil.test/hooks/a",
  "https://user@app.test/hooks/a",
  "https://user:secret@app.test/hooks/a",
  "https://:secret@app.test/hooks/a",
  "https://evil.test\\@app.test/hooks/a",
  "https://app.test\\@evil.test/hooks/a",
  "https:\\\\evil.test/hooks/a",
  "https:/\\evil.test/hooks/a",
  "https:///evil.test/hooks/a",
  "https:/evil.test/hooks/a",
  "https:evil.test/hooks/a",
  "//evil.test/hooks/a",
  // Private, link-local, loopback and cloud metadata addresses, in every notation.
  "http://127.0.0.1/hooks/a",
  "http://localhost/hooks/a",
  "http://localhost./hooks/a",
  "http://127.1/hooks/a",
  "http://2130706433/hooks/a",
  "http://0x7f000001/hooks/a",
  "http://0x7f.0.0.1/hooks/a",
  "http://0177.0.0.1/hooks/a",
  "http://017700000001/hooks/a",
  "http://0/hooks/a",
  "http://0.0.0.0/hooks/a",
  "http://[::1]/hooks/a",
  "http://[::]/hooks/a",
  "http://[::ffff:127.0.0.1]/hooks/a",
  "http://[::ffff:7f00:1]/hooks/a",
  "http://[fe80::1]/hooks/a",
  "http://[fd00::1]/hooks/a",
  "http://[64:ff9b::a9fe:a9fe]/hooks/a",
  "http://169.254.169.254/latest/meta-data/",
  "http://2852039166/latest/meta-data/",
  "http://0xa9fea9fe/latest/meta-data/",
  "http://0251.0376.0251.0376/latest/meta-data/",
  "http://169.254.43518/latest/meta-data/",
  "http://metadata.google.internal/computeMetadata/v1/",
  "http://192.168.0.1/",
  "http://172.16.0.1/",
  "http://10.1.2.4:3000/",
  "http://10.1.2.3/",
  "http://10.1.2.3:3001/",
  "http://[::ffff:10.1.2.3]:3000/",
  "http://①②⑦.0.0.1/hooks/a",
  // Paths.
  "https://app.test/",
  "https://app.test/hooks",
  "https://app.test/hooksy/a",
  "https://app.test/HOOKS/a",
  "https://app.test/one/two",
  "https://app.test/one/",
  "https://app.test/hooks/../admin",
  "https://app.test/hooks/./../admin",
  "https://app.test/hooks/%2e%2e/admin",
  "https://app.test/hooks/.%2e/admin",
  "https://app.test/hooks/%2E%2E/admin",
  "https://app.test/hooks/..%2fadmin",
  "https://app.test/hooks/..%5cadmin",
  "https://app.test/hooks\\..\\admin",
  "https://app.test/hooks/%2e%2e%2fadmin",
  "https://app.test/hooks/%252e%252e%252fadmin",
  "https://app.test/hooks/%25252e%25252e%25252fadmin",
  "https://app.test/hooks/a%2f..%2f..%2fadmin",
  "https://app.test/hooks/..;/admin",
  "https://app.test/hooks/..;a=b/admin",
  "https://app.test/hooks/%c0%ae%c0%ae/admin",
  "https://app.test/hooks/..%c0%af/admin",
  "https://app.test/hooks/..%u2215admin",
  "https://app.test/hooks/a%00",
];

describe.each(ways)("targets, by %s", (_, send) => {
  test.each(outside)("refuse %s", async (url) => {
    const parts = qstashHandler({ qstash: { targets } });
    // A path of the handler cannot contain everything; then it is another path, which does not exist.
    expect([400, 404, 422]).toContain(await send(parts, url));
    expect(await parts.queue.getStats()).toMatchObject({ totalEnqueued: 0 });
    await parts.queue.drain();
    expect(parts.deliveries).toEqual([]);
  });

  test.each([
    ["https://app.test/hooks/a", "https://app.test/hooks/a"],
    ["https://app.test/hooks/a?b=c&d=%20", "https://app.test/hooks/a?b=c&d=%20"],
    ["https://app.test/hooks/with%20space/%C3%A9", "https://app.test/hooks/with%20space/%C3%A9"],
    ["https://APP.test/hooks/a", "https://app.test/hooks/a"],
    ["https://app.test:443/hooks/a", "https://app.test/hooks/a"],
    ["https://app.test/hooks/../hooks/a", "https://app.test/hooks/a"],
    ["https:/app.test/hooks/a", "https://app.test/hooks/a"],
    ["https://app.test/one", "https://app.test/one"],
    ["https://app.test:8443/any/..%2fpath", "https://app.test:8443/any/..%2fpath"],
    ["http://10.1.2.3:3000/a", "http://10.1.2.3:3000/a"],
    ["http://0x0a010203:3000/a", "http://10.1.2.3:3000/a"],
  ])("allow %s", async (url, called) => {
    const parts = qstashHandler({ qstash: { targets } });
    expect([200, 201]).toContain(await send(parts, url));
    await parts.queue.drain();
    expect(parts.deliveries.map((delivery) => new URL(delivery.url).href)).toEqual([called]);
  });
});

describe.each(ways)("a target with any port of this machine, by %s", (_, send) => {
  const any = ["http://localhost:*/hooks/*"];

  test.each(["http://localhost:3000/hooks/a", "http://localhost:65535/hooks/b?c=d", "http://localhost/hooks/a"])(
    "allows %s",
    async (url) => {
      const parts = qstashHandler({ qstash: { targets: any } });
      expect([200, 201]).toContain(await send(parts, url));
      await parts.queue.drain();
      expect(parts.deliveries.map((delivery) => new URL(delivery.url).href)).toEqual([url]);
    },
  );

  test.each([
    "https://localhost:3000/hooks/a",
    "http://localhost:3000/other",
    "http://127.0.0.1:3000/hooks/a",
    "http://localhost.evil.test:3000/hooks/a",
    "http://localhost:3000@evil.test/hooks/a",
    "http://evil.test/localhost:3000/hooks/a",
  ])("refuses %s", async (url) => {
    const parts = qstashHandler({ qstash: { targets: any } });
    expect([400, 404, 422]).toContain(await send(parts, url));
    await parts.queue.drain();
    expect(parts.deliveries).toEqual([]);
  });
});

describe("targets", () => {
  const options = (given: unknown) => ({ tokens: [token], signingKeys, targets: given }) as QStashOptions;

  test.each([
    ["no array", undefined],
    ["an empty array", []],
    ["what is no text", [7]],
    ["a host alone", ["app.test"]],
    ["an origin without a path", ["https://app.test"]],
    ["every host", ["https://*/*"]],
    ["subdomains", ["https://*.app.test/*"]],
    ["everything", ["*"]],
    ["any port of another host", ["http://app.test:*/*"]],
    ["a part of a port", ["http://localhost:3*/*"]],
    ["another scheme", ["ftp://app.test/*"]],
    ["a password", ["https://user:secret@app.test/*"]],
    ["a query", ["https://app.test/*?a=b"]],
    ["a star within the path", ["https://app.test/*/hook"]],
    ["a star without a slash before it", ["https://app.test/hook*"]],
    ["an encoded slash", ["https://app.test/a%2fb/*"]],
    ["dots that would widen it", ["https://app.test/api/../*"]],
    ["encoded dots that would widen it", ["https://app.test/api/%2e%2e/*"]],
    ["an encoded dot that would widen it", ["https://app.test/%2e/*"]],
  ])("are refused if they are %s", (_, given) => {
    let message = "";
    try {
      createQStash(options(given));
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toMatch(/targets/);
    expect(message).not.toContain("secret");
  });

  test("are checked again at delivery: a message outside them is dead-lettered", async () => {
    const store = memoryStore();
    const clock = clockByHand(start);
    const made = (targets: readonly string[]) => qstashHandler({ store, qstash: { targets } });
    const { call } = made(["https://old.test/*"]);
    expect((await call("POST", "/v2/publish/https://old.test/hook")).status).toBe(201);
    const { queue, deliveries } = made(["https://new.test/*"]);
    await queue.drain();
    expect(deliveries).toEqual([]);
    expect((await queue.listDeadLetter()).jobs[0]?.error.message).toContain("not among the targets");
    expect(clock.now).toBe(start);
  });

  test("apply to the changed payload of a dead message", async () => {
    const destination = () => new Response("", { status: 500 });
    const { call, queue } = qstashHandler({ destination });
    await call("POST", "/v2/publish/https://app.test/hook", { headers: { "Upstash-Retries": "0" } });
    await queue.drain();
    const payload = { url: "http://localhost/admin", method: "POST", header: {} };
    await expect(queue.retryFromDeadLetter({ all: true }, { payload })).rejects.toMatchObject({
      code: "invalid_payload",
    });
  });

  test("cannot be addressed as another host by a correction: headers of the connection are refused", async () => {
    const { call, queue } = qstashHandler({ destination: () => new Response("", { status: 500 }) });
    await call("POST", "/v2/publish/https://app.test/hook", { headers: { "Upstash-Retries": "0" } });
    await queue.drain();
    const payload = { url: "https://app.test/hook", method: "POST", header: { Host: ["admin.internal"] } };
    await expect(queue.retryFromDeadLetter({ all: true }, { payload })).rejects.toMatchObject({
      code: "invalid_payload",
    });
  });

  test("are named in a refusal by origin, without the path, the query or a password", async () => {
    const { call } = qstashHandler();
    const answer = await call("POST", "/v2/publish/https://evil.test/the-path?key=the-key");
    const { error } = (await answer.json()) as { error: string };
    expect(error).toContain('"https://evil.test"');
    expect(error).not.toMatch(/the-path|the-key/);
  });
});
