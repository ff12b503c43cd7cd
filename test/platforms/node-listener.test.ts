import { createServer, type IncomingMessage, type ServerResponse, request as startRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { dashboard } from "../../src/http/dashboard/index.ts";
import { createHandler } from "../../src/http/handler.ts";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { type FetchHandler, nodeListener } from "../../src/platforms/node.ts";

const greet = defineJob({ name: "greet", perform: ({ to }: { readonly to: string }) => `Hello ${to}` });
const token = "the-admin-token";
const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
const body = JSON.stringify({ name: "greet", id: "first", payload: { to: "Ada" } });

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

  test("ignores a Host that is no host", async () => {
    const { url } = await serve();
    const status = await new Promise((resolve, reject) => {
      startRequest(`${url}/health`, { headers: { Host: "a b" } }, ({ statusCode }) => resolve(statusCode))
        .on("error", reject)
        .end();
    });
    expect(status).toBe(200);
  });

  test("answers with 500 if the handler throws, and logs only the error's name", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const { url } = await serve(undefined, { fetch: () => Promise.reject(new RangeError("secret")) });
    const response = await fetch(`${url}/health`);
    expect([response.status, await response.text()]).toEqual([500, expect.not.stringContaining("secret")]);
    expect(log.mock.calls).toEqual([["tidegate: RangeError"]]);
  });
});

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
