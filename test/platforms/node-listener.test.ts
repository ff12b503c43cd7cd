import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, type ServerResponse, request as startRequest } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { watchJob } from "../../src/client/index.ts";
import { dashboard } from "../../src/http/dashboard/index.ts";
import { createHandler } from "../../src/http/handler.ts";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { type FetchHandler, nodeListener } from "../../src/platforms/node.ts";
import { readEvents } from "../support/job-events.ts";

const greet = defineJob({ name: "greet", perform: ({ to }: { readonly to: string }) => `Hello ${to}` });
const token = "the-admin-token";
const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
const body = JSON.stringify({ name: "greet", id: "first", payload: { to: "Ada" } });

afterEach(() => {
  vi.restoreAllMocks();
});

type Middleware = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** Serves a queue at `/api/queue`, behind what a framework does to each request. */
async function serve(before: Middleware = () => {}, handler?: FetchHandler) {
  const queue = new Queue({ store: memoryStore(), jobs: [greet] });
  const auth = { admin: [token] };
  const listen = nodeListener(
    handler ?? createHandler({ queue, auth, basePath: "/api/queue", dashboard: dashboard(), maxBodyBytes: 1_000 }),
  );
  const server = createServer(async (request, response) => {
    await before(request, response);
    await listen(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/queue`;
  const post = (path: string, sent: RequestInit = {}) => fetch(url + path, { method: "POST", headers, body, ...sent });
  return { queue, url, post };
}

/** Reads the body, and leaves this on the request, as body parsers do. */
function parser(left: (text: string) => object): Middleware {
  return async (request) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    Object.assign(request, left(Buffer.concat(chunks).toString()));
  };
}

describe("a handler on Node's HTTP server", () => {
  test("serves requests with and without a body, and with a query", async () => {
    const { post, url, queue } = await serve();
    expect((await post("/jobs")).status).toBe(201);
    expect(await (await fetch(`${url}/jobs?limit=1`, { headers })).json()).toMatchObject({ jobs: [{ id: "first" }] });
    expect(await (await post("/drain", { body: null })).json()).toMatchObject({ completed: 1 });
    expect(await queue.getJob("first")).toMatchObject({ result: "Hello Ada" });
    expect((await fetch(`${url}/jobs/first`, { method: "HEAD", headers })).status).toBe(200);
    expect((await fetch(`${url}/stats`, { headers: { Authorization: "Bearer another-token" } })).status).toBe(401);
  });

  test("takes a body in pieces, and refuses one that is too large", async () => {
    const { post } = await serve();
    const inPieces = (text: string) => ({ body: new Blob([text]).stream(), duplex: "half" }) as RequestInit;
    expect((await post("/jobs", inPieces(body))).status).toBe(201);
    expect((await post("/jobs", inPieces(" ".repeat(5_000)))).status).toBe(413);
  });

  test("takes the whole path where a framework has shortened it", async () => {
    const { post } = await serve((request) => {
      Object.assign(request, { originalUrl: request.url, url: request.url?.replace("/api/queue", "") });
    });
    expect((await post("/jobs")).status).toBe(201);
  });

  test("keeps the headers that a middleware has set", async () => {
    const { url } = await serve((_, response) => void response.setHeader("X-Frame-Options", "DENY"));
    expect((await fetch(`${url}/health`)).headers.get("x-frame-options")).toBe("DENY");
  });

  test.each(["utf8", "hex", "utf16le"] as const)("takes a body that a middleware reads as %s", async (encoding) => {
    const { post, queue } = await serve((request) => void request.setEncoding(encoding));
    expect((await post("/jobs")).status).toBe(201);
    expect(await queue.getJob("first")).toMatchObject({ payload: { to: "Ada" } });
    expect((await post("/jobs", { body: " ".repeat(5_000) })).status).toBe(413);
  });

  test("reads no more of a body than a request may have, and responds while the rest of it is on its way", async () => {
    let read = 0;
    const { url } = await serve((request) => {
      const push = request.push.bind(request);
      request.push = (chunk: Buffer | null) => {
        read += chunk?.length ?? 0;
        return push(chunk);
      };
    });
    const status = await new Promise((resolve, reject) => {
      const sent = startRequest(`${url}/jobs`, { method: "POST", headers }, (response) => {
        resolve(response.statusCode);
        sent.destroy();
      }).on("error", reject);
      sent.write(" ".repeat(2_000));
    });
    expect(status).toBe(413);
    expect(read).toBeLessThan(10_000);
  });

  test("keeps a connection on which it has not read a body to its end", async () => {
    const { url } = await serve();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    const send = (path: string, auth: object, size: number) =>
      new Promise<[unknown, unknown]>((resolve, reject) => {
        const sent = startRequest(url + path, { agent, method: "POST", headers: { ...headers, ...auth } }, (response) =>
          response.resume().on("end", () => resolve([response.statusCode, sent.reusedSocket])),
        ).on("error", reject);
        sent.write(" ".repeat(size));
        sent.end();
      });
    expect(await send("/jobs", {}, 500_000)).toEqual([413, false]);
    expect(await send("/jobs", { Authorization: "Bearer another-token" }, 500_000)).toEqual([401, true]);
    expect(await send("/pause", {}, 0)).toEqual([200, true]);
  });

  test("does nothing for a request to which a middleware has responded", async () => {
    const { post, url, queue } = await serve((_, response) => void response.writeHead(503).end("early"));
    for (const response of [await post("/jobs"), await fetch(`${url}/health`)])
      expect([response.status, await response.text()]).toEqual([503, "early"]);
    expect((await queue.listJobs()).jobs).toEqual([]);
  });

  test("leaves the response that a middleware sends meanwhile, as one for timeouts does", async () => {
    let respondFirst = () => {};
    const handler = {
      async fetch() {
        respondFirst();
        return new Response("late");
      },
    };
    const { url } = await serve((_, response) => {
      respondFirst = () => void response.writeHead(503).end("early");
    }, handler);
    const response = await fetch(`${url}/health`);
    expect([response.status, await response.text()]).toEqual([503, "early"]);
  });

  test.each<[string, () => Response]>([
    ["whose body breaks", () => new Response(new ReadableStream({ pull: () => Promise.reject(new RangeError()) }))],
    ["with a status that HTTP lacks", () => Response.error()],
  ])("answers with 500 for a response %s", async (_, respond) => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const { url } = await serve(undefined, { fetch: respond });
    const response = await fetch(`${url}/health`);
    expect([response.status, await response.json()]).toEqual([
      500,
      expect.objectContaining({ code: "internal_error" }),
    ]);
  });

  test("answers TRACE, which no Request can have, with 405", async () => {
    const { url } = await serve();
    const answer = await new Promise((resolve, reject) => {
      startRequest(`${url}/health`, { method: "TRACE" }, ({ statusCode, headers: { allow } }) =>
        resolve([statusCode, allow]),
      )
        .on("error", reject)
        .end();
    });
    expect(answer).toEqual([405, expect.stringContaining("GET")]);
  });

  describe("takes the path from the request line alone", () => {
    /** What the handler sees of a request with these first two lines. */
    async function seen(target: string, host: string) {
      const seen: string[] = [];
      const fetch = (request: Request) => {
        seen.push(request.url);
        return new Response();
      };
      const { url } = await serve(undefined, { fetch });
      const socket = connect(Number(new URL(url).port), "127.0.0.1");
      socket.end(`OPTIONS ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      const response = await text(socket);
      return [response.split(" ")[1], ...seen];
    }

    test.each([
      ["a Host", "/health?a=b", "example.com:8080", "http://example.com:8080/health?a=b"],
      ["a Host that holds another path", "/health", "example.com/jobs?limit=10#", "http://example.com/health"],
      ["a Host that holds a user name", "/health", "a@b", "http://localhost/health"],
      ["a Host that is no host", "/health", "a b", "http://localhost/health"],
      ["no Host", "/health", "", "http://localhost/health"],
      ["a whole URL, as to a proxy", "http://a@b/health?a=b", "example.com", "http://example.com/health?a=b"],
      ["a whole URL without a path", "http://example.com?a=b", "example.com", "http://example.com/?a=b"],
      ["a path that looks like a host", "//example.org/jobs", "example.com", "http://example.com//example.org/jobs"],
      ["no path", "*", "example.com", "http://example.com/*"],
    ])("with %s", async (_, target, host, expected) => {
      expect(await seen(target, host)).toEqual(["200", expected]);
    });
  });

  test("answers with 500 if the handler throws, and logs only the error's name", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const { url } = await serve(undefined, { fetch: () => Promise.reject(new RangeError("secret")) });
    const response = await fetch(`${url}/health`);
    expect([response.status, await response.text()]).toEqual([500, expect.not.stringContaining("secret")]);
    expect(log.mock.calls).toEqual([["tidegate: RangeError"]]);
  });
});

function fail(): never {
  throw new SyntaxError("secret");
}

function cyclic(): object {
  const body: { self?: object } = {};
  body.self = body;
  return body;
}

describe("a body that a parser has read", () => {
  test.each<[string, Middleware]>([
    ["an object, as express.json() leaves it", parser((text) => ({ body: JSON.parse(text) }))],
    ["a string", parser((text) => ({ body: text }))],
    ["bytes, as express.raw() leaves them", parser((text) => ({ body: Buffer.from(text) }))],
    ["rawBody of a platform", parser((text) => ({ body: {}, rawBody: Buffer.from(text) }))],
  ])("is understood as %s", async (_, before) => {
    const { post, queue } = await serve(before);
    expect((await post("/jobs")).status).toBe(201);
    expect(await queue.getJob("first")).toMatchObject({ payload: { to: "Ada" } });
  });

  test.each<[string, () => BodyInit]>([
    ["with its length", () => ""],
    ["in pieces", () => new Blob([]).stream()],
  ])("is empty if it was empty, sent %s", async (_, empty) => {
    for (const left of [{}, { body: {} }, { body: "" }, { body: Buffer.alloc(0) }]) {
      const { post, queue, url } = await serve(parser(() => left));
      for (const path of ["/pause", "/drain"])
        expect((await post(path, { body: empty(), duplex: "half" } as RequestInit)).status).toBe(200);
      expect((await fetch(`${url}/jobs?state=dead`, { method: "DELETE", headers })).status).toBe(200);
      expect(await queue.getStats()).toMatchObject({ paused: true });
    }
  });

  test.each<[string, object]>([
    ["a number too large for JSON", { body: JSON.parse('{"name":"greet","payload":{"to":1e400}}') }],
    ["an ArrayBuffer", { body: new ArrayBuffer(2) }],
    ["a Map", { body: new Map([["name", "greet"]]) }],
    ["a Map inside", { body: { name: "greet", payload: new Map() } }],
    ["a Blob", { body: new Blob(["{}"]) }],
    ["a FormData", { body: new FormData() }],
    ["URLSearchParams", { body: new URLSearchParams("a=b") }],
    ["a promise", { body: Promise.resolve({}) }],
    ["a function", { body: () => ({}) }],
    ["a bigint", { body: { name: "greet", payload: 1n } }],
    ["a cycle", { body: cyclic() }],
    ["50,000 levels", { body: JSON.parse("[".repeat(50_000) + "]".repeat(50_000)) }],
    ["what throws when read", { body: new Proxy({}, { get: () => fail(), ownKeys: () => fail() }) }],
    ["a body that throws when read", Object.defineProperty({}, "body", { get: () => fail(), enumerable: true })],
    ["a string of JSON, which has lost its quotes", { body: "{}" }],
  ])("is refused with the reason as %s", async (_, left) => {
    const { post, queue } = await serve(async (request) => {
      for await (const _chunk of request);
      Object.defineProperties(request, Object.getOwnPropertyDescriptors(left));
    });
    for (const path of ["/drain", "/jobs"]) {
      const response = await post(path);
      expect(response.status).toBe(400);
      expect((await response.json()).detail).toMatch(/not JSON, text or bytes|a number that is too large/);
    }
    expect((await queue.listJobs()).jobs).toEqual([]);
  });

  test("is refused without a token for the want of one, whatever it is", async () => {
    const { post } = await serve(parser(() => ({})));
    expect((await post("/jobs", { headers: {} })).status).toBe(401);
  });

  test("is understood as a form, so that the dashboard lets you in", async () => {
    const { post } = await serve(parser((text) => ({ body: Object.fromEntries(new URLSearchParams(text)) })));
    const form = new URLSearchParams({ token });
    const response = await post("/dashboard/sign-in", { headers: {}, body: form, redirect: "manual" });
    expect([response.status, response.headers.get("set-cookie")]).toEqual([303, expect.stringMatching(/session=/)]);
  });

  test.each([
    ["with its length", {}],
    ["in pieces", { body: new Blob([body]).stream(), duplex: "half" } as RequestInit],
  ])("is refused with the reason if nothing of it is left, sent %s", async (_, sent) => {
    const { post, queue } = await serve(parser(() => ({})));
    for (const path of ["/drain", "/jobs"]) {
      const response = await post(path, path === "/jobs" ? {} : sent);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ detail: expect.stringContaining("read the body before") });
    }
    expect((await queue.listJobs()).jobs).toEqual([]);
  });
});

describe("a stream of events on Node's HTTP server", () => {
  /** A handler whose stream the test writes. */
  async function serveStream(before?: Middleware) {
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
    let isCancelled = false;
    const body = new ReadableStream<Uint8Array>({
      start: (given) => {
        controller = given;
      },
      cancel: () => {
        isCancelled = true;
      },
    });
    const response = new Response(body, { headers: { "Content-Type": "text/event-stream" } });
    const { url } = await serve(before, { fetch: () => response });
    const send = (text: string) => controller?.enqueue(new TextEncoder().encode(text));
    const fail = () => controller?.error(new Error("The stream breaks."));
    return { url, send, fail, end: () => controller?.close(), isCancelled: () => isCancelled };
  }

  test("arrives as it comes, and ends", async () => {
    const { url, send, end } = await serveStream();
    send("data: 1\n\n");
    const events = readEvents(await fetch(`${url}/jobs/a/events`));
    await vi.waitUntil(() => events.events.length === 1, { timeout: 60_000, interval: 5 });
    send("data: 2\n\n");
    await vi.waitUntil(() => events.events.length === 2, { timeout: 60_000, interval: 5 });
    expect(events.hasEnded).toBe(false);
    end();
    await events.ended;
    expect(events.events).toEqual([1, 2]);
  });

  test("is cancelled when its reader has gone", async () => {
    const { url, send, isCancelled } = await serveStream();
    send("data: 1\n\n");
    const events = readEvents(await fetch(`${url}/jobs/a/events`));
    await vi.waitUntil(() => events.events.length === 1, { timeout: 60_000, interval: 5 });
    await events.leave();
    await vi.waitUntil(isCancelled, { timeout: 60_000, interval: 5 });
  });

  test("is cancelled when its reader has gone before the handler has responded", async () => {
    const hangsUp = new AbortController();
    const { url, isCancelled } = await serveStream(async (_, response) => {
      hangsUp.abort();
      await once(response, "close");
    });
    await expect(fetch(`${url}/jobs/a/events`, { signal: hangsUp.signal })).rejects.toThrow("aborted");
    await vi.waitUntil(isCancelled, { timeout: 60_000, interval: 5 });
  });

  test("ends its connection if it breaks", async () => {
    const { url, send, fail } = await serveStream();
    send("data: 1\n\n");
    const response = await fetch(`${url}/jobs/a/events`);
    fail();
    await expect(response.text()).rejects.toThrow("terminated");
  });

  test("waits for a reader that is slow, and goes on when it reads", async () => {
    const { url, send, end } = await serveStream();
    const line = `data: "${"x".repeat(100_000)}"\n\n`;
    for (let count = 0; count < 100; count++) send(line);
    end();
    const text = await (await fetch(`${url}/jobs/a/events`)).text();
    expect(text.length).toBe(line.length * 100);
  });

  test("shows a job of a handler", async () => {
    const queue = new Queue({ store: memoryStore(), jobs: [greet], watchSecret: "a secret of the tests" });
    const auth = { admin: [token] };
    const { url } = await serve(undefined, createHandler({ queue, auth, basePath: "/api/queue" }));
    await queue.enqueue(greet, { to: "Ada" }, { id: "first", delay: "1h" });
    const watchToken = await queue.watchToken("first", { results: true });
    const seen: unknown[] = [];
    for await (const event of watchJob({ url, token: watchToken })) {
      seen.push(event);
      if (event.state !== "scheduled") continue;
      await queue.reschedule("first", "0s");
      await queue.drain();
    }
    expect(seen).toEqual([
      { state: "scheduled", progress: null },
      { state: "completed", progress: null, result: "Hello Ada" },
    ]);
  });
});
