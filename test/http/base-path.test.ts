import { describe, expect, test } from "vitest";
import { dashboard } from "../../src/http/dashboard/index.ts";
import { createHandler } from "../../src/http/handler.ts";
import { memoryStore, Queue } from "../../src/index.ts";
import { createQStash } from "../../src/qstash/index.ts";
import { sender, setUp } from "./memory-handler.ts";

const token = "the-admin-token";
const signingKeys = { current: "the-current-signing-key", next: "the-next-signing-key" };
const admin = { Authorization: `Bearer ${token}` };

function below(basePath: string) {
  const { app, queue } = setUp({ handler: { auth: { admin: [token] }, basePath, dashboard: dashboard() } });
  return { queue, ...sender(app.fetch, basePath), outside: sender(app.fetch).call };
}

describe("a handler with a basePath", () => {
  test("serves what is below it as at the root", async () => {
    const { call } = below("/api/queue");
    expect((await call("POST", "/jobs", { name: "fails", id: "a/b%", delay: "1h" }, admin)).status).toBe(201);
    expect(await call("GET", "/jobs/a%2Fb%25", undefined, admin)).toMatchObject({ status: 200, body: { id: "a/b%" } });
    expect(await call("GET", "/queues/default/stats", undefined, admin)).toMatchObject({ body: { pendingCount: 1 } });
    expect((await call("PUT", "/stats")).headers.get("allow")).toBe("GET, HEAD, OPTIONS");
    expect((await call("GET", "/drain")).status).toBe(401);
    expect((await call("GET", "/drain/", undefined, admin)).status).toBe(200);
  });

  test("names the document below it for an unknown path", async () => {
    const { call } = below("/api/queue");
    expect(await call("GET", "/nowhere")).toMatchObject({
      status: 404,
      body: { code: "not_found", detail: "Not found. See /api/queue/openapi.json." },
    });
  });

  test("leads from its own path to the dashboard, with or without a slash at the end", async () => {
    const { call } = below("/api/queue");
    for (const path of ["", "/"])
      expect((await call("GET", path)).headers.get("location"), path).toBe("/api/queue/dashboard");
  });

  test("answers what is outside it with 404, and says what it serves", async () => {
    const { outside } = below("/api/queue");
    for (const path of ["/", "/jobs", "/api/queues", "/api/queue2/jobs"])
      expect(await outside("GET", path, undefined, admin)).toMatchObject({
        status: 404,
        body: { detail: "Not found. The handler serves what is below /api/queue, its basePath." },
      });
  });

  test("is where the dashboard leads after a sign-in", async () => {
    const { send } = below("/api/queue");
    const signIn = new Request("https://app.test/api/queue/dashboard/sign-in", {
      method: "POST",
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body: `token=${token}`,
    });
    const { status, headers } = await send(signIn);
    expect(status).toBe(303);
    expect(new URL(headers.get("location") ?? "", signIn.url).pathname).toBe("/api/queue/dashboard");
  });

  test("is the server of its OpenAPI document", async () => {
    const { call } = below("/api/queue");
    const { body } = await call("GET", "/openapi.json");
    const [server] = body["servers"] as readonly { readonly url: string }[];
    expect(new URL(server?.url ?? "", "http://app.test/api/queue/openapi.json").pathname).toBe("/api/queue/");
  });

  test("serves QStash's interface below it", async () => {
    const qstash = createQStash({ tokens: ["the-qstash-token"], signingKeys, targets: ["https://app.test/*"] });
    const queue = new Queue({ store: memoryStore(), jobs: qstash.jobs });
    const { call } = sender(createHandler({ queue, auth: "none", qstash, basePath: "/api/queue" }).fetch, "/api/queue");
    const qstashToken = { Authorization: "Bearer the-qstash-token" };
    const published = await call("POST", "/v2/publish/https://app.test/hook", { a: 1 }, qstashToken);
    expect(published.status).toBe(201);
  });

  test.each(["/ü", "/a b", "/%C3%BC", "/.well-known/a..b", "/queue/", "/"])("may be %s", async (basePath) => {
    const { app } = setUp({ handler: { basePath } });
    expect((await sender(app.fetch, basePath.replace(/\/$/, "")).call("GET", "/health")).status).toBe(200);
  });

  const patterns = ["/a?x=1", "/a#x", "/:tenant/queue", "/a/*", "/{a}", "/%E0"];
  const otherPaths = [
    "/a/../b",
    "/%2e%2e",
    "/.",
    "///evil.com",
    "/a//b",
    "/a\\b",
    "/%5C",
    "/a;b",
    "/%3B",
    "/\u0000",
    "/%0A",
  ];
  test.each(["api/queue", "", ...patterns, ...otherPaths, 5])("refuses %j, and says what it may be", (basePath) => {
    expect(() => setUp({ handler: { basePath: basePath as string } })).toThrow(
      /basePath must be a path of plain segments that begins with a slash, such as "\/api\/queue"/,
    );
  });
});

test("a handler without a basePath mentions it for an unknown path", async () => {
  const { call } = setUp();
  expect((await call("GET", "/api/queue/drain")).body).toMatchObject({ detail: expect.stringContaining("basePath") });
});
