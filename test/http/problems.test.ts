import { afterEach, describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { defineJob, memoryStore, type QueueOptions } from "../../src/index.ts";
import { faultyStore } from "../../src/testing/index.ts";
import { setUp, snapshot } from "./memory-handler.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const json = { "Content-Type": "application/json" };
const post = (body: BodyInit, headers: Record<string, string> = json, path = "/jobs") =>
  new Request(`http://queue.test${path}`, { method: "POST", body, headers, duplex: "half" } as RequestInit);

describe("an answer", () => {
  test.each([
    ["POST", "/jobs", 201],
    ["GET", "/jobs", 200],
    ["GET", "/jobs/nobody", 404],
    ["DELETE", "/jobs/x", 204],
    ["PUT", "/stats", 405],
    ["GET", "/nowhere", 404],
    ["OPTIONS", "/jobs", 204],
  ])("to %s %s is never stored by a cache", async (method, path, status) => {
    const { call, queue } = setUp();
    await queue.enqueue("fails", null, { id: "x" });
    const answer = await call(method, path, method === "POST" ? { name: "fails" } : undefined);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("x-content-type-options")).toBe(answer.text ? "nosniff" : null);
  });

  test.each(["/jobs", "/stats", "/openapi.json", "/jobs/nobody", "/nowhere"])(
    "to GET %s ends with a line break, which a shell would miss",
    async (path) => {
      const { text } = await setUp().call("GET", path);
      expect(text).toMatch(/^\{.*\}\n$/s);
    },
  );

  test("to a refused request is a problem with status, title, detail and code", async () => {
    const { call } = setUp();
    const answer = await call("GET", "/jobs/nobody");
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.body).toEqual({
      status: 404,
      title: expect.any(String),
      detail: expect.any(String),
      code: "not_found",
    });
  });
});

describe("an address", () => {
  test.each(["/", "/job", "/jobs/a/b", "/queue", "/queues/default", "/queues/other/x", "/JOBS", "/jobs//a"])(
    "%s is not found",
    async (path) => {
      const { call } = setUp();
      expect(await call("GET", path)).toMatchObject({ status: 404, body: { code: "not_found" } });
    },
  );

  test("to a query with thousands of parameters looks at each of them once", async () => {
    const { call } = setUp();
    const lookUp = vi.spyOn(URLSearchParams.prototype, "getAll");
    const query = Array.from({ length: 5_000 }, (_, index) => `p${index}`).join("&");
    for (const path of ["/health", "/openapi.json", "/jobs"])
      expect(await call("GET", `${path}?${query}`)).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    expect(await call("GET", "/jobs?limit=1&limit=2")).toMatchObject({
      status: 400,
      body: { detail: '"limit" is given more than once.' },
    });
    expect(lookUp).not.toHaveBeenCalled();
  });

  test("of an unknown queue is not found", async () => {
    const { call } = setUp();
    expect(await call("GET", "/queues/other/stats")).toMatchObject({ status: 404, body: { code: "not_found" } });
  });

  test.each([
    "/jobs/%",
    "/jobs/%zz",
    "/jobs/%ff",
    "/jobs/%C3",
    "/jobs?name=%ff",
    "/jobs?name=100%",
    "/queues/%ff/jobs",
  ])("%s is refused for its escape", async (path) => {
    const { call } = setUp();
    expect(await call("GET", path)).toMatchObject({ status: 400, body: { code: "invalid_request" } });
  });

  test.each([
    ["/jobs", "GET, HEAD, POST, DELETE, OPTIONS", "PUT"],
    ["/jobs/x", "GET, HEAD, PATCH, DELETE, OPTIONS", "POST"],
    ["/dead-letter/retry", "POST, DELETE, OPTIONS", "GET"],
    ["/dead-letter/x", "DELETE, OPTIONS", "GET"],
    ["/drain", "POST, GET, OPTIONS", "DELETE"],
    ["/queues/default/stats", "GET, HEAD, OPTIONS", "POST"],
  ])("%s accepts %s", async (path, allow, other) => {
    const { call } = setUp();
    const refused = await call(other, path);
    expect(refused).toMatchObject({ status: 405, body: { code: "invalid_request" } });
    expect(refused.headers.get("allow")?.split(", ").sort()).toEqual(allow.split(", ").sort());
    const options = await call("OPTIONS", path);
    expect(options.status).toBe(204);
    expect(options.headers.get("allow")).toBe(refused.headers.get("allow"));
  });

  test("that GET reads answers HEAD without a body", async () => {
    const { call } = setUp();
    expect(await call("HEAD", "/stats")).toMatchObject({ status: 200, text: "" });
    expect(await call("HEAD", "/jobs/nobody")).toMatchObject({ status: 404, text: "" });
  });
});

test.each(["unknown", "given twice"])("the name of a parameter that is %s is truncated if it is long", async (what) => {
  const { call } = setUp();
  const parameter = `${"x".repeat(1_000)}=1`;
  const { status, body } = await call("GET", `/jobs?${parameter}${what === "given twice" ? `&${parameter}` : ""}`);
  expect(status).toBe(400);
  expect(String(body["detail"]).length).toBeLessThan(300);
});

describe("a body", () => {
  const deep = (levels: number) => `{"name":"fails","payload":${"[".repeat(levels)}${"]".repeat(levels)}}`;
  const bytes = (...parts: (string | number[])[]) =>
    new Blob(parts.map((part) => (typeof part === "string" ? part : new Uint8Array(part))));

  test.each<[string, BodyInit, Record<string, string>]>([
    ["that is no JSON", "{name: fails}", json],
    ["that is not called JSON", '{"name":"fails"}', { "Content-Type": "text/plain" }],
    ["that is called a form", '{"name":"fails"}', { "Content-Type": "application/x-www-form-urlencoded" }],
    ["that ends too early", '{"name":"fails"', json],
    ["that is not UTF-8", bytes('{"name":"fails","payload":"', [0xff], '"}'), json],
    ["with half a character", '{"name":"fails","payload":"\\ud800"}', json],
    ["with half a character in a key", '{"name":"fails","payload":{"\\udc00":1}}', json],
    ["with a lone surrogate as id", '{"name":"fails","id":"\\ud800"}', json],
    ["with a __proto__ field", '{"name":"fails","__proto__":{"id":"x"}}', json],
    ["with a __proto__ inside the payload", '{"name":"fails","payload":[{"__proto__":{"admin":true}}]}', json],
    ["with a number beyond all bounds", '{"name":"fails","payload":1e999}', json],
    ["that is nested too deeply", deep(128), json],
    ["that is nested beyond all bounds", deep(200_000), json],
    ["that is an array of arrays beyond all bounds", "[".repeat(200_000) + "]".repeat(200_000), json],
  ])("%s is refused, and nothing is written", async (_, body, headers) => {
    const { send, queue } = setUp();
    const before = await snapshot(queue);
    expect(await send(post(body, headers))).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    expect(await snapshot(queue)).toBe(before);
  });

  test.each(["application/json", "Application/JSON; charset=utf-8", "application/vnd.api+json"])(
    "is accepted as %s",
    async (type) => {
      const { send } = setUp();
      expect((await send(post('{"name":"fails"}', { "Content-Type": type }))).status).toBe(201);
    },
  );

  test("nested 127 levels comes back as it was", async () => {
    const { send, call } = setUp();
    const { body } = await send(post(deep(127)));
    expect((await call("GET", `/jobs/${body["id"]}`)).text).toContain("[".repeat(127));
  });

  test("that begins with a byte order mark is read", async () => {
    const { send } = setUp();
    expect((await send(post(bytes([0xef, 0xbb, 0xbf], '{"name":"fails"}')))).status).toBe(201);
  });

  test("is never quoted in an answer", async () => {
    const { send } = setUp();
    const secrets = [
      '{"name":"fails","payload":"hunter2"',
      "hunter2",
      '{"name":"send_email","payload":{"to":["hunter2"]}}',
    ];
    for (const body of secrets) {
      const answer = await send(post(body));
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.text).not.toContain("hunter2");
    }
  });

  test("that is cut off is refused", async () => {
    const { send } = setUp();
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"name":'));
        controller.error(new Error("connection lost"));
      },
    });
    expect(await send(post(stream))).toMatchObject({ status: 400, body: { code: "invalid_request" } });
  });
});

test("a body may hold the largest payload by default", async () => {
  const { call } = setUp();
  const payload = { to: "x".repeat(5 * 1024 * 1024 - '{"to":""}'.length) };
  expect((await call("POST", "/jobs", { name: "send_email", payload, id: "x".repeat(256) })).status).toBe(201);
});

describe("a body above maxBodyBytes", () => {
  /** An endless body that counts the bytes read from it. */
  function endless() {
    const seen = { chunks: 0, isCancelled: false };
    const stream = new ReadableStream(
      {
        pull(controller) {
          seen.chunks++;
          controller.enqueue(new Uint8Array(100).fill(0x20));
        },
        cancel() {
          seen.isCancelled = true;
        },
      },
      { highWaterMark: 0 },
    );
    return { stream, seen };
  }

  test("is refused by its length alone", async () => {
    const { send } = setUp({ handler: { maxBodyBytes: 1_000 } });
    const { stream, seen } = endless();
    const answer = await send(post(stream, { ...json, "Content-Length": "1001" }));
    expect(answer).toMatchObject({ status: 413, body: { code: "payload_too_large" } });
    expect(seen.chunks).toBe(0);
  });

  test("is refused while it streams, without reading to the end", async () => {
    const { send } = setUp({ handler: { maxBodyBytes: 1_000 } });
    const { stream, seen } = endless();
    expect(await send(post(stream))).toMatchObject({ status: 413, body: { code: "payload_too_large" } });
    expect(seen).toEqual({ chunks: 11, isCancelled: true });
  });

  test("is refused if its Content-Length is wrong", async () => {
    const { send } = setUp({ handler: { maxBodyBytes: 1_000 } });
    const { stream } = endless();
    expect((await send(post(stream, { ...json, "Content-Length": "5" }))).status).toBe(413);
  });

  test("is refused exactly from the first byte too many", async () => {
    const { send } = setUp({ handler: { maxBodyBytes: 20 } });
    expect((await send(post('{"name":"fails"}    '))).status).toBe(201);
    expect((await send(post('{"name":"fails"}     '))).status).toBe(413);
  });

  test("is not read at all without a token", async () => {
    const { send } = setUp({ handler: { auth: { admin: ["the-admin-token"] } } });
    const { stream, seen } = endless();
    expect((await send(post(stream))).status).toBe(401);
    expect(seen.chunks).toBe(0);
  });
});

describe("a failure", () => {
  test("of the store is a 503 with a hint, and is reported", async () => {
    const store = faultyStore(memoryStore());
    const errors: unknown[] = [];
    const { call } = setUp({ handler: { onError: (error) => errors.push(error) }, queue: { store } });
    store.plan("before");
    const answer = await call("POST", "/jobs", { name: "fails", payload: "hunter2" });
    expect(answer).toMatchObject({ status: 503, body: { code: "store_unavailable" } });
    expect(answer.body["detail"]).toMatch(/safe to repeat with the same id/);
    expect(answer.headers.get("retry-after")).toBe("5");
    expect(answer.text).not.toContain("hunter2");
    expect(errors).toEqual([expect.objectContaining({ code: "store_unavailable" })]);
  });

  /** A queue with a user's function that throws at enqueue. */
  const broken: Partial<QueueOptions> = {
    jobs: [defineJob({ name: "broken", perform() {} })],
    newId: () => {
      throw new Error("hunter2 was refused");
    },
  };

  test("of code that the handler runs is a 500 without details", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const { call } = setUp({ queue: broken });
    const answer = await call("POST", "/jobs", { name: "broken", payload: "hunter2" });
    expect(answer).toMatchObject({ status: 500, body: { status: 500, code: "internal_error" } });
    expect(answer.text).not.toContain("hunter2");
    expect(log.mock.calls).toEqual([["tidegate: Error"]]);
  });

  test("of a schema that throws is a 422 without the payload", async () => {
    const schema = z.string().transform((text) => BigInt(text));
    const { call } = setUp({ queue: { jobs: [defineJob({ name: "convert", schema, perform() {} })] } });
    const answer = await call("POST", "/jobs", { name: "convert", payload: "hunter2" });
    expect(answer).toMatchObject({ status: 422, body: { code: "invalid_payload" } });
    expect(answer.text).not.toContain("hunter2");
  });

  test.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("hunter2");
      },
    ],
    ["rejects", () => Promise.reject(new Error("hunter2"))],
  ])("is a problem even if onError %s, and is logged then", async (_, onError) => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const { call } = setUp({ queue: broken, handler: { onError } });
    const answer = await call("POST", "/jobs", { name: "broken" });
    expect(answer).toMatchObject({ status: 500, body: { code: "internal_error" } });
    await expect.poll(() => log.mock.calls).toEqual([["tidegate: Error"]]);
  });

  test("says truthfully in the answer where its reason can be found", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const { call } = setUp({ queue: broken });
    const { body } = await call("POST", "/jobs", { name: "broken" });
    expect(body["detail"]).toBe(
      "The handler failed. Its onError received the error; by default, the log shows its name.",
    );
  });

  test("is logged by name and code only", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const store = faultyStore(memoryStore());
    const { call } = setUp({ queue: { store } });
    store.plan("before");
    await call("GET", "/stats");
    expect(log.mock.calls).toEqual([["tidegate: TidegateError (store_unavailable)"]]);
  });

  test("of the caller is not reported", async () => {
    const errors: unknown[] = [];
    const { call } = setUp({ handler: { onError: (error) => errors.push(error) } });
    await call("POST", "/jobs", {});
    await call("GET", "/jobs/nobody");
    expect(errors).toEqual([]);
  });
});
