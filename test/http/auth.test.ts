import { describe, expect, test } from "vitest";
import { createHandler } from "../../src/http/handler.ts";
import { routes } from "../../src/http/routes/index.ts";
import { memoryStore, Queue } from "../../src/index.ts";
import { setUp } from "./support.ts";

const auth = {
  enqueue: ["enqueue-one", "enqueue-two"],
  drain: ["drain-one", "drain-two"],
  admin: ["admin-one", "admin-two"],
};

type Scope = keyof typeof auth;

// What each scope may do, as the contract has it: written out, so that a change of the table is noticed here.
const allowed: Readonly<Record<string, readonly Scope[]>> = {
  "POST /jobs": ["enqueue", "admin"],
  "GET /jobs": ["admin"],
  "DELETE /jobs": ["admin"],
  "GET /jobs/:id": ["enqueue", "admin"],
  "PATCH /jobs/:id": ["admin"],
  "DELETE /jobs/:id": ["admin"],
  "GET /dead-letter": ["admin"],
  "POST /dead-letter/retry": ["admin"],
  "POST /dead-letter/remove": ["admin"],
  "POST /dead-letter/:id/retry": ["admin"],
  "DELETE /dead-letter/:id": ["admin"],
  "GET /schedules": ["admin"],
  "GET /schedules/:key": ["admin"],
  "PUT /schedules/:key": ["admin"],
  "DELETE /schedules/:key": ["admin"],
  "GET /schedules/:key/preview": ["admin"],
  "POST /drain": ["drain", "admin"],
  "GET /drain": ["drain", "admin"],
  "POST /pause": ["admin"],
  "POST /resume": ["admin"],
  "GET /stats": ["admin"],
};

const guarded = Object.entries(allowed).map(([line, scopes]) => {
  const [method = "", path = ""] = line.split(" ");
  return { line, method, path: path.replace(/:\w+/, "x"), scopes };
});

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
const scopes: readonly Scope[] = ["enqueue", "drain", "admin"];
const places = ["", "/queues/default"];

test("every route stands in the table of scopes, and health alone is open", () => {
  const lines = routes.map(({ method, path }) => `${method} ${path}`);
  expect(lines.sort()).toEqual([...Object.keys(allowed), "GET /health"].sort());
});

describe.each(guarded)("$line", ({ method, path, scopes: mayEnter }) => {
  const cases = scopes.flatMap((scope) =>
    auth[scope].map((token) => ({ scope, token, enters: mayEnter.includes(scope) })),
  );

  test.each(cases)("with the token $token: allowed is $enters", async ({ token, enters }) => {
    const { call } = setUp({ handler: { auth } });
    for (const place of places) {
      const { status, body } = await call(method, place + path, undefined, bearer(token));
      if (enters) expect([401, 403]).not.toContain(status);
      else expect({ status, code: body["code"] }).toEqual({ status: 403, code: "forbidden" });
    }
  });

  test.each([
    {},
    { Authorization: "Bearer unknown" },
    { Authorization: "Bearer admin-on" },
    { Authorization: "Bearer admin-one2" },
    { Authorization: "Bearer admin-one admin-two" },
    { Authorization: "Bearer " },
    { Authorization: "admin-one" },
    { Authorization: "Basic admin-one" },
    { Authorization: `Bearer ${"x".repeat(8_000)}` },
  ])("with %j is refused with 401", async (headers) => {
    const { call } = setUp({ handler: { auth } });
    for (const place of places) {
      const answer = await call(method, place + path, undefined, headers as Record<string, string>);
      expect(answer).toMatchObject({ status: 401, body: { code: "unauthorized" } });
      expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="tidegate"');
      expect(answer.text).not.toMatch(/admin-o|unknown|xxx/);
    }
  });
});

test("a token in two scopes may do what either allows", async () => {
  const { call } = setUp({ handler: { auth: { enqueue: ["both"], drain: ["both"], admin: ["other"] } } });
  expect((await call("POST", "/jobs", { name: "fails" }, bearer("both"))).status).toBe(201);
  expect((await call("POST", "/drain", undefined, bearer("both"))).status).toBe(200);
  expect((await call("GET", "/stats", undefined, bearer("both"))).status).toBe(403);
});

test("the scheme is read in any case", async () => {
  const { call } = setUp({ handler: { auth } });
  expect((await call("GET", "/stats", undefined, { Authorization: "bearer  admin-one" })).status).toBe(200);
});

test("a token is not taken from the query", async () => {
  const { call } = setUp({ handler: { auth } });
  expect((await call("GET", "/stats?token=admin-one")).status).toBe(401);
});

test("a token may enqueue jobs, but recurring ones only as an administrator", async () => {
  const { call, queue } = setUp({ handler: { auth } });
  const job = { name: "fails", cron: "* * * * *" };
  expect((await call("POST", "/jobs", job, bearer("enqueue-one"))).status).toBe(403);
  expect(await queue.schedules.list()).toEqual([]);
  expect((await call("POST", "/jobs", job, bearer("admin-one"))).status).toBe(201);
});

test("nothing is written for a token that does not allow it", async () => {
  const { call, queue } = setUp({ handler: { auth } });
  await queue.enqueue("fails", null, { id: "x", delay: "1h" });
  expect((await call("DELETE", "/jobs/x", undefined, bearer("enqueue-one"))).status).toBe(403);
  expect((await call("DELETE", "/jobs?state=pending", undefined, bearer("drain-one"))).status).toBe(403);
  expect((await queue.getStats()).pendingCount).toBe(1);
});

test('auth "none" lets everybody do everything', async () => {
  const { call } = setUp({ handler: { auth: "none" } });
  for (const { method, path } of guarded) expect([401, 403]).not.toContain((await call(method, path)).status);
});

describe("createHandler refuses to be built", () => {
  const queue = new Queue({ store: memoryStore() });
  const build = (tokens: unknown) => () => createHandler({ queue, auth: tokens as "none" });

  test.each([undefined, {}, { admin: [] }, { enqueue: [], drain: [] }])("without a token: %j", (tokens) => {
    expect(build(tokens)).toThrow(/at least one token.*"none"/);
  });

  test.each([
    [{ admin: [undefined] }, "auth.admin[0]"],
    [{ admin: ["good", ""] }, "auth.admin[1]"],
    [{ drain: ["two words"] }, "auth.drain[0]"],
    [{ drain: ["schlüssel"] }, "auth.drain[0]"],
    [{ enqueue: "token" }, "auth.enqueue"],
    [{ admin: ["good"], root: ["token"] }, '"root"'],
  ])("with %j, and names %s", (tokens, name) => {
    expect(build(tokens)).toThrow(name);
  });

  test("and never says a token", () => {
    expect(build({ admin: ["my secret"] })).toThrow(/^auth\.admin\[0\] (?!.*my secret)/);
  });
});
