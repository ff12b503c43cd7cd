import { describe, expect, test } from "vitest";
import { dashboard } from "../../src/http/dashboard/index.ts";
import { createHandler } from "../../src/http/handler.ts";
import { routes } from "../../src/http/routes/index.ts";
import { memoryStore, Queue } from "../../src/index.ts";
import { createQStash } from "../../src/qstash/index.ts";
import { fails, sendEmail, setUp, snapshot } from "./memory-handler.ts";

const auth = {
  enqueue: ["enqueue-token-one", "enqueue-token-two"],
  drain: ["drain-token-one", "drain-token-two"],
  signal: ["signal-token-one", "signal-token-two"],
  read: ["read-token-one", "read-token-two"],
  admin: ["admin-token-one", "admin-token-two"],
};

type Scope = keyof typeof auth;

// What each scope may do, written out, so that this test notices a change of the table.
const allowed: Readonly<Record<string, readonly Scope[]>> = {
  "POST /jobs": ["enqueue", "admin"],
  "GET /jobs": ["read", "admin"],
  "DELETE /jobs": ["admin"],
  "POST /jobs/cancel": ["admin"],
  "POST /jobs/reschedule": ["admin"],
  "GET /jobs/:id": ["enqueue", "read", "admin"],
  "GET /jobs/:id/events": ["enqueue", "read", "admin"],
  "GET /jobs/:id/children": ["read", "admin"],
  "PATCH /jobs/:id": ["admin"],
  "DELETE /jobs/:id": ["admin"],
  "GET /failures": ["read", "admin"],
  "GET /failures/:group": ["read", "admin"],
  "GET /dead-letter": ["read", "admin"],
  "POST /dead-letter/retry": ["admin"],
  "POST /dead-letter/remove": ["admin"],
  "POST /dead-letter/:id/retry": ["admin"],
  "DELETE /dead-letter/:id": ["admin"],
  "GET /schedules": ["read", "admin"],
  "GET /upcoming": ["read", "admin"],
  "GET /schedules/:key": ["read", "admin"],
  "PUT /schedules/:key": ["admin"],
  "DELETE /schedules/:key": ["admin"],
  "POST /schedules/:key/pause": ["admin"],
  "POST /schedules/:key/resume": ["admin"],
  "POST /schedules/:key/run": ["admin"],
  "GET /schedules/:key/preview": ["read", "admin"],
  "GET /flow-control": ["read", "admin"],
  "GET /flow-control/:key": ["read", "admin"],
  "PUT /flow-control/:key": ["admin"],
  "DELETE /flow-control/:key": ["admin"],
  "POST /flow-control/:key/pause": ["admin"],
  "POST /flow-control/:key/resume": ["admin"],
  "POST /signals/:event": ["signal", "admin"],
  "POST /drain": ["drain", "admin"],
  "GET /drain": ["drain", "admin"],
  "GET /changes": ["read", "admin"],
  "POST /pause": ["admin"],
  "POST /resume": ["admin"],
  "POST /job-types/:name/pause": ["admin"],
  "POST /job-types/:name/resume": ["admin"],
  "POST /rekey": ["admin"],
  "GET /stats": ["read", "admin"],
  "GET /queues": ["read", "admin"],
  "GET /activity": ["read", "admin"],
  "GET /figures": ["read", "admin"],
  "GET /history": ["read", "admin"],
  "GET /metrics": ["read", "admin"],
};

const guarded = Object.entries(allowed).map(([line, scopes]) => {
  const [method = "", path = ""] = line.split(" ");
  return { line, method, path: path.replace(/:\w+/, "x"), scopes };
});

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
const scopes: readonly Scope[] = ["enqueue", "drain", "signal", "read", "admin"];
const places = ["", "/queues/default"];

test("every route is in the table of scopes, and only health and the OpenAPI document are open", () => {
  const lines = routes.map(({ method, path }) => `${method} ${path}`);
  expect(lines.sort()).toEqual([...Object.keys(allowed), "GET /health", "GET /openapi.json"].sort());
});

test("below the name of a queue even these need a token, so that nobody can probe for names", async () => {
  const { call } = setUp({ handler: { auth } });
  const statuses = async (place: string, headers = {}) => [
    (await call("GET", `${place}/health`, undefined, headers)).status,
    (await call("GET", `${place}/openapi.json`, undefined, headers)).status,
  ];
  for (const place of ["/queues/default", "/queues/nope"]) expect(await statuses(place)).toEqual([401, 401]);
  expect(await statuses("/queues/default", bearer(auth.drain[0] ?? ""))).toEqual([200, 200]);
  expect(await statuses("/queues/nope", bearer(auth.drain[0] ?? ""))).toEqual([404, 404]);
});

const wrong: readonly Record<string, string>[] = [
  {},
  { Authorization: "Bearer unknown" },
  { Authorization: "Bearer admin-token-on" },
  { Authorization: "Bearer admin-token-one2" },
  { Authorization: "Bearer admin-token-one admin-token-two" },
  { Authorization: "Bearer " },
  { Authorization: "admin-token-one" },
  { Authorization: "Basic admin-token-one" },
  { Authorization: `Bearer ${"x".repeat(8_000)}` },
];

const { call: callWith } = setUp({ handler: { auth } });

describe.each(guarded)("$line", ({ method, path, scopes: mayEnter }) => {
  test.each(scopes)("with the scope %s, by each of its tokens", async (scope) => {
    for (const [token, place] of auth[scope].flatMap((each) => places.map((where) => [each, where] as const))) {
      const { status, body } = await callWith(method, place + path, undefined, bearer(token));
      if (mayEnter.includes(scope)) expect([401, 403]).not.toContain(status);
      else expect({ status, code: body["code"] }).toEqual({ status: 403, code: "forbidden" });
    }
  });

  test("with a wrong token, or none, is refused with 401", async () => {
    for (const [headers, place] of wrong.flatMap((each) => places.map((where) => [each, where] as const))) {
      const answer = await callWith(method, place + path, undefined, headers);
      expect(answer, JSON.stringify(headers)).toMatchObject({ status: 401, body: { code: "unauthorized" } });
      expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="tidegate"');
      expect(answer.text).not.toMatch(/token-o|unknown|xxx/);
    }
  });
});

describe("a watch token", () => {
  const openToAll = routes.filter(({ scope }) => scope === "anyone").map(({ method, path }) => ({ method, path }));
  const others = guarded.filter(({ line }) => line !== "GET /jobs/:id/events");

  async function watched() {
    const parts = setUp({ handler: { auth, dashboard: dashboard() }, queue: { watchSecret: "a secret of the tests" } });
    await parts.queue.enqueue("fails", null, { id: "x", delay: "1h" });
    return { ...parts, token: await parts.queue.watchToken("x", { results: true }) };
  }

  test("opens the events of its job, by header and by query", async () => {
    const { app, token } = await watched();
    for (const place of places) {
      const path = `http://queue.test${place}/jobs/x/events`;
      const responses = [
        await app.request(path, { headers: bearer(token) }),
        await app.request(`${path}?token=${token}`),
      ];
      for (const { status, body } of responses) {
        expect(status).toBe(200);
        await body?.cancel();
      }
    }
  });

  test.each(others)("opens nothing else: $line", async ({ method, path }) => {
    const { call, queue, token } = await watched();
    const before = await snapshot(queue);
    for (const place of places) {
      const byHeader = await call(method, place + path, undefined, bearer(token));
      const byQuery = await call(method, `${place}${path}?token=${token}`);
      for (const answer of [byHeader, byQuery]) {
        expect(answer).toMatchObject({ status: 401, body: { code: "unauthorized" } });
        expect(answer.text).not.toContain(token);
      }
    }
    expect(await snapshot(queue)).toBe(before);
  });

  test("does not change what is open to everybody, and begins no session of the dashboard", async () => {
    const { call, token } = await watched();
    for (const { method, path } of openToAll)
      expect((await call(method, path, undefined, bearer(token))).status).toBe(200);
    const form = { "Content-Type": "application/x-www-form-urlencoded" };
    const signIn = await call("POST", "/dashboard/sign-in", `token=${token}`, form);
    expect([signIn.status, signIn.headers.get("set-cookie")]).toEqual([401, null]);
    expect((await call("GET", "/dashboard/data", undefined, bearer(token))).status).toBe(401);
  });
});

describe("a token that is limited to some jobs", () => {
  const limited = "limited-token-one";
  const withLimited = { ...auth, enqueue: [...auth.enqueue, { token: limited, name: "acme", jobs: ["send_email"] }] };
  // What it reaches of this: nothing, since the job "x" is not its own.
  const reached: Readonly<Record<string, number>> = {
    "POST /jobs": 400,
    "GET /jobs/:id": 404,
    "GET /jobs/:id/events": 404,
  };

  async function withJob() {
    const qstash = createQStash({
      ...{ tokens: ["the-qstash-token"], targets: ["https://app.test/*"] },
      signingKeys: { current: "the-current-key", next: "the-next-key" },
    });
    const parts = setUp({
      handler: { auth: withLimited, dashboard: dashboard(), qstash },
      queue: { store: memoryStore(), jobs: [...qstash.jobs, sendEmail, fails] },
    });
    await parts.queue.enqueue("send_email", { to: "ada" }, { id: "x", delay: "1h" });
    await parts.queue.schedules.upsert("x", { job: "fails", every: "1h" });
    return parts;
  }

  test.each(guarded)("reaches the doors for enqueuing alone, and there its own jobs: $line", async (route) => {
    const { call, queue } = await withJob();
    const before = await snapshot(queue);
    for (const place of places) {
      const answer = await call(route.method, place + route.path, undefined, bearer(limited));
      const status = reached[route.line] ?? 403;
      expect({ status: answer.status, text: answer.text }).toMatchObject({ status });
      expect(answer.text).not.toMatch(/ada|fails|limited-token/);
    }
    expect(await snapshot(queue)).toBe(before);
  });

  test("opens neither QStash's interface nor the dashboard, and begins no session", async () => {
    const { call, queue } = await withJob();
    const before = await snapshot(queue);
    for (const [method, path] of [
      ["POST", "/v2/publish/https://app.test/hook"],
      ["POST", "/v2/enqueue/q/https://app.test/hook"],
      ["POST", "/v2/batch"],
      ["POST", "/v2/notify/event"],
      ["GET", "/v2/messages/x"],
      ["GET", "/v2/events"],
      ["GET", "/v2/dlq"],
      ["GET", "/v2/queues"],
      ["GET", "/v2/schedules"],
    ] as const)
      expect((await call(method, path, method === "POST" ? "x" : undefined, bearer(limited))).status, path).toBe(401);
    for (const path of [
      "/dashboard/data?view=overview",
      "/dashboard/data?view=job&id=x",
      "/dashboard/occurrences?every=1m",
    ])
      expect((await call("GET", path, undefined, bearer(limited))).status, path).toBe(403);
    const form = { "Content-Type": "application/x-www-form-urlencoded" };
    const signIn = await call("POST", "/dashboard/sign-in", `token=${limited}`, form);
    expect([signIn.status, signIn.headers.get("set-cookie")]).toEqual([401, null]);
    expect(await snapshot(queue)).toBe(before);
  });
});

test("a missing token names the files where local servers read it", () => {
  expect(() => createHandler({ queue: setUp().queue, auth: { enqueue: [""] } })).toThrow(
    /auth\.enqueue\[0\] must be a token .+\.dev\.vars when it starts, next dev \.env\.local\.$/,
  );
});

test("a token in two scopes may do what either allows", async () => {
  const { call } = setUp({
    handler: { auth: { enqueue: ["for-both-of-them"], drain: ["for-both-of-them"], admin: ["for-others-only"] } },
  });
  expect((await call("POST", "/jobs", { name: "fails" }, bearer("for-both-of-them"))).status).toBe(201);
  expect((await call("POST", "/drain", undefined, bearer("for-both-of-them"))).status).toBe(200);
  expect((await call("GET", "/stats", undefined, bearer("for-both-of-them"))).status).toBe(403);
});

test("the scheme is case-insensitive", async () => {
  const { call } = setUp({ handler: { auth } });
  expect((await call("GET", "/stats", undefined, { Authorization: "bearer  admin-token-one" })).status).toBe(200);
});

test("a token in the query is ignored", async () => {
  const { call } = setUp({ handler: { auth } });
  expect((await call("GET", "/stats?token=admin-token-one")).status).toBe(401);
});

test("an enqueue token may enqueue jobs, but only an admin token recurring ones", async () => {
  const { call, queue } = setUp({ handler: { auth } });
  const job = { name: "fails", cron: "* * * * *" };
  expect((await call("POST", "/jobs", job, bearer("enqueue-token-one"))).status).toBe(403);
  expect(await queue.schedules.list()).toEqual([]);
  expect((await call("POST", "/jobs", job, bearer("admin-token-one"))).status).toBe(201);
});

test("a token without the scope writes nothing", async () => {
  const { call, queue } = setUp({ handler: { auth } });
  await queue.enqueue("fails", null, { id: "x", delay: "1h" });
  expect((await call("DELETE", "/jobs/x", undefined, bearer("enqueue-token-one"))).status).toBe(403);
  expect((await call("DELETE", "/jobs?state=pending", undefined, bearer("drain-token-one"))).status).toBe(403);
  expect((await queue.getStats()).pendingCount).toBe(1);
});

test('auth "none" allows everyone everything', async () => {
  const { call } = setUp({ handler: { auth: "none" } });
  for (const { method, path } of guarded) expect([401, 403]).not.toContain((await call(method, path)).status);
});

describe("a page of another site", () => {
  const elsewhere = [
    { "Sec-Fetch-Site": "cross-site" },
    { "Sec-Fetch-Site": "same-site", Origin: "http://queue.test" },
    { Origin: "http://evil.test" },
    { Origin: "http://queue.test:8080" },
    { Origin: "http://queue.test.evil.test" },
    { Origin: "null" },
  ];
  const changing = guarded.filter(({ method, line }) => method !== "GET" || line === "GET /drain");

  test.each(elsewhere)('changes nothing with auth "none": %j', async (headers) => {
    const { call, queue } = setUp();
    await queue.enqueue("fails", null, { id: "x", delay: "1h" });
    const before = await snapshot(queue);
    for (const { method, path } of changing) {
      const answer = await call(method, path, undefined, headers as Record<string, string>);
      expect(answer).toMatchObject({ status: 403, body: { code: "forbidden" } });
    }
    expect(await snapshot(queue)).toBe(before);
  });

  // Over plain HTTP, except for localhost, browsers send neither header with GET.
  test("cannot drain by a GET from a browser that sends no origin", async () => {
    const { call, queue } = setUp();
    await queue.enqueue("fails", null, { id: "x" });
    const before = await snapshot(queue);
    const browser = { "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "Accept-Language": "en" };
    expect(await call("GET", "/drain", undefined, browser)).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect(await snapshot(queue)).toBe(before);
  });

  test.each([
    { "User-Agent": "Mozilla/4.0 (compatible; cron-job.org; http://cron-job.org/abuse/)" },
    { "User-Agent": "node", "Accept-Language": "*" },
    { "User-Agent": "curl/8.5.0" },
    {},
  ])("is not assumed for the GET of a program that drains: %j", async (headers) => {
    const { call } = setUp();
    expect((await call("GET", "/drain", undefined, headers as Record<string, string>)).status).toBe(200);
  });

  test.each(elsewhere)("may read, as far as the browser allows: %j", async (headers) => {
    const { call } = setUp();
    expect((await call("GET", "/stats", undefined, headers as Record<string, string>)).status).toBe(200);
  });

  test.each([
    {},
    { "Sec-Fetch-Site": "none" },
    { "Sec-Fetch-Site": "same-origin", Origin: "http://queue.test" },
    { Origin: "http://queue.test" },
    { Origin: "https://queue.test" },
  ])("is none of these: %j", async (headers) => {
    const { call } = setUp();
    expect((await call("POST", "/pause", undefined, headers as Record<string, string>)).status).toBe(200);
  });

  test("may do what its token allows", async () => {
    const { call } = setUp({ handler: { auth } });
    const headers = { ...bearer("admin-token-one"), "Sec-Fetch-Site": "cross-site", Origin: "http://other.test" };
    expect((await call("POST", "/pause", undefined, headers)).status).toBe(200);
  });
});

describe("createHandler refuses to be built", () => {
  const queue = new Queue({ store: memoryStore() });
  const build = (tokens: unknown) => () => createHandler({ queue, auth: tokens as "none" });

  test.each([undefined, {}, { admin: [] }, { enqueue: [], drain: [] }])("without a token: %j", (tokens) => {
    expect(build(tokens)).toThrow(/at least one token.*"none"/);
  });

  test.each([
    [{ admin: [undefined] }, "auth.admin[0]"],
    [{ admin: ["a-long-token", ""] }, "auth.admin[1]"],
    [{ admin: ["x"] }, "auth.admin[0]"],
    [{ read: ["eleven-chrs"] }, "auth.read[0]"],
    [{ signal: ["eleven-chrs"] }, "auth.signal[0]"],
    [{ signals: ["a-long-token"] }, '"signals"'],
    [{ drain: [`${undefined}`] }, "auth.drain[0]"],
    [{ drain: [String(null)] }, "auth.drain[0]"],
    [{ drain: [String({})] }, "auth.drain[0]"],
    [{ drain: ["two long words"] }, "auth.drain[0]"],
    [{ drain: ["ein langer schlüssel"] }, "auth.drain[0]"],
    [{ read: ["x".repeat(1_001)] }, "auth.read[0]"],
    [{ enqueue: "token" }, "auth.enqueue"],
    [{ admin: ["a-long-token"], root: ["a-long-token"] }, '"root"'],
  ])("with %j, and names %s", (tokens, name) => {
    expect(build(tokens)).toThrow(name);
  });

  test("with a token of fewer than 12 characters, and accepts 12", () => {
    expect(build({ admin: ["twelve-chars"] })).not.toThrow();
    expect(build({ admin: ["eleven-chrs"] })).toThrow("a token of 12 to 1000 visible ASCII characters");
  });

  test("and never prints a token", () => {
    expect(build({ admin: ["my secret"] })).toThrow(/^auth\.admin\[0\] (?!.*my secret)/);
  });
});
