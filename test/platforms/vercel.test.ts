import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { createHandler } from "../../src/http/handler.ts";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { createRoute, type RouteOptions, vercelHobby, vercelPro } from "../../src/platforms/vercel.ts";
import { testClock } from "../../src/testing/index.ts";

const greet = defineJob({ name: "greet", schema: z.object({ to: z.string() }), perform: ({ to }) => `Hello ${to}` });
const contextKey = Symbol.for("@vercel/request-context");

function setUp(options: Partial<RouteOptions> = {}) {
  const queue = new Queue({ store: memoryStore(), jobs: [greet] });
  const route = createRoute({ queue, auth: { admin: ["the-admin-token"] }, basePath: "/api/queue", ...options });
  const call = (method: keyof typeof route, path: string, token = "the-admin-token", body?: unknown) =>
    route[method](
      new Request(`https://app.test/api/queue${path}`, {
        method,
        headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    );
  return { queue, route, call };
}

/** Does what Vercel does around each request. */
function onVercel(context: object): void {
  vi.stubGlobal(contextKey as never, { get: () => context });
}

beforeEach(() => {
  vi.stubEnv("CRON_SECRET", "the-cron-token");
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe("the address", () => {
  test("is that of the handler below the base path, for every method", async () => {
    const { call } = setUp();
    const job = { name: "greet", payload: { to: "Ada" }, id: "first", delay: "1h" };
    expect((await call("POST", "/jobs", "the-admin-token", job)).status).toBe(201);
    expect(await (await call("GET", "/jobs/first")).json()).toMatchObject({ id: "first", payload: { to: "Ada" } });
    expect((await call("HEAD", "/jobs/first")).status).toBe(200);
    expect((await call("PATCH", "/jobs/first", "the-admin-token", { delay: "2h" })).status).toBe(200);
    expect((await call("OPTIONS", "/jobs/first")).headers.get("allow")).toContain("PATCH");
    const daily = { name: "greet", payload: { to: "Ada" }, cron: "0 9 * * *" };
    expect((await call("PUT", "/schedules/daily", "the-admin-token", daily)).ok).toBe(true);
    expect((await call("DELETE", "/jobs/first")).status).toBe(204);
  });

  test("keeps its query", async () => {
    const { call, queue } = setUp();
    await queue.enqueueMany(["Ada", "Ben"].map((to) => ({ job: greet, payload: { to } })));
    expect(await (await call("GET", "/jobs?limit=1")).json()).toMatchObject({ jobs: [{ payload: { to: "Ada" } }] });
  });

  test.for(["path", "rest", "segments[]"])(
    "may repeat its segments in the query, as %s of Next.js on the edge",
    async (name) => {
      const { route, queue } = setUp();
      const headers = { Authorization: "Bearer the-admin-token", "Content-Type": "application/json" };
      const added = (...segments: string[]) =>
        segments.map((each) => `${encodeURIComponent(name)}=${encodeURIComponent(each)}`).join("&");
      const body = JSON.stringify({ name: "greet", payload: { to: "Ada" }, id: "a b", delay: "1h" });
      const create = new Request(`https://app.test/api/queue/jobs?${added("jobs")}`, { method: "POST", headers, body });
      expect((await route.POST(create)).status).toBe(201);
      await queue.enqueue(greet, { to: "Ben" }, { delay: "1h" });
      const get = (path: string) => route.GET(new Request(`https://app.test/api/queue${path}`, { headers }));
      expect(await (await get(`/jobs/a%20b?${added("jobs", "a b")}`)).json()).toMatchObject({ id: "a b" });
      const page = await get(`/jobs?limit=1&state=scheduled&${added("jobs")}`);
      expect(((await page.json()) as { jobs: unknown[] }).jobs).toHaveLength(1);
    },
  );

  test.for(["path=jobs&path=jobs", "path=job", "path=jobs&path=first", "path=", "jobs"])(
    "is checked as ever with the query %s, which is not what Next.js adds",
    async (query) => {
      expect((await setUp().call("GET", `/jobs?${query}`)).status).toBe(400);
    },
  );

  test("keeps a filter that equals its segments", async () => {
    const { call, queue } = setUp();
    await queue.enqueue(greet, { to: "Ada" }, { delay: "1h" });
    expect(await (await call("GET", "/jobs?name=jobs")).json()).toEqual({ jobs: [], cursor: null });
  });

  test.for([undefined, "/", "/api/queue/"])("is found with the base path %s", async (basePath) => {
    const queue = new Queue({ store: memoryStore() });
    const { GET } = createRoute({ queue, ...(basePath !== undefined && { basePath }) });
    const prefix = basePath?.replace(/\/$/, "") ?? "";
    expect((await GET(new Request(`https://app.test${prefix}/health`))).status).toBe(200);
  });

  test("with the same prefix is not taken for one below the base path", async () => {
    const { route } = setUp();
    for (const neighbour of ["/api/queues/health", "/api/queuehealth"])
      expect((await route.GET(new Request(`https://app.test${neighbour}`))).status).toBe(404);
  });

  test.for(["api/queue", "/api?x=1", "/api#x", 5])("cannot begin with %s", (basePath) => {
    expect(() => setUp({ basePath: basePath as string })).toThrow(/basePath must be a path/);
  });
});

describe("CRON_SECRET", () => {
  test("allows a drain, and nothing else", async () => {
    const { call, queue } = setUp();
    await queue.enqueue(greet, { to: "Ada" });
    expect(await (await call("GET", "/drain", "the-cron-token")).json()).toMatchObject({ completed: 1 });
    expect((await call("GET", "/stats", "the-cron-token")).status).toBe(403);
    expect((await call("POST", "/signals/paid", "the-cron-token")).status).toBe(403);
  });

  test("is enough for a route that has no other token", async () => {
    const queue = new Queue({ store: memoryStore() });
    const { GET } = createRoute({ queue });
    const drain = (token: string) =>
      GET(new Request("https://app.test/drain", { headers: { Authorization: `Bearer ${token}` } }));
    expect((await drain("the-cron-token")).status).toBe(200);
    expect((await drain("guess")).status).toBe(401);
  });

  test("is a drain token in addition to others", async () => {
    const { call } = setUp({ auth: { drain: ["the-mine-token"] } });
    expect((await call("GET", "/drain", "the-cron-token")).status).toBe(200);
    expect((await call("GET", "/drain", "the-mine-token")).status).toBe(200);
  });

  test("is read again when it changes", async () => {
    const { call } = setUp();
    vi.stubEnv("CRON_SECRET", "the-new-cron-token");
    expect((await call("GET", "/drain", "the-new-cron-token")).status).toBe(200);
    expect((await call("GET", "/drain", "the-cron-token")).status).toBe(401);
  });

  test("that disappears closes a route that has no other token, and the answer says so", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const { GET } = createRoute({ queue: new Queue({ store: memoryStore() }) });
    vi.stubEnv("CRON_SECRET", "");
    const ask = () =>
      GET(new Request("https://app.test/drain", { headers: { Authorization: "Bearer the-cron-token" } }));
    const answer = await ask();
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ title: "The route is misconfigured", code: "store_unavailable" });
    expect(logged.mock.calls.join()).toMatch(/set CRON_SECRET/);
    vi.stubEnv("CRON_SECRET", "the-cron-token");
    expect((await ask()).status).toBe(200);
  });

  test.for(["", undefined])("is not a token if it is %j", async (secret) => {
    vi.stubEnv("CRON_SECRET", secret);
    const { call } = setUp();
    expect((await call("GET", "/drain", "undefined")).status).toBe(401);
    expect(() => setUp({ auth: {} })).toThrow(/createRoute needs at least one token: set CRON_SECRET/);
  });

  test('does not close a route with auth "none"', async () => {
    const { call } = setUp({ auth: "none" });
    expect((await call("GET", "/stats", "whoever")).status).toBe(200);
  });
});

describe("jobs that are due when they are enqueued", () => {
  const job = { name: "greet", payload: { to: "Ada" } };

  test("start in the background of Vercel's request context", async () => {
    const background: Promise<unknown>[] = [];
    onVercel({ waitUntil: (work: Promise<unknown>) => background.push(work) });
    const { call, queue } = setUp();
    expect((await call("POST", "/jobs", "the-admin-token", job)).status).toBe(201);
    await Promise.all(background);
    expect((await queue.getStats()).completedCount).toBe(1);
  });

  test("start in the background that the option gives", async () => {
    const background: Promise<unknown>[] = [];
    onVercel({ waitUntil: () => expect.unreachable() });
    const { call, queue } = setUp({ waitUntil: (work) => background.push(work) });
    await call("POST", "/jobs", "the-admin-token", job);
    await Promise.all(background);
    expect((await queue.getStats()).completedCount).toBe(1);
  });

  test.for([undefined, {}])("wait for a drain if the request context is %j", async (context) => {
    if (context) onVercel(context);
    const { call, queue } = setUp();
    await call("POST", "/jobs", "the-admin-token", job);
    expect(await queue.getStats()).toMatchObject({ readyCount: 1, runningCount: 0 });
  });
});

describe("a drain", () => {
  const bounds = { timeBudget: "60s", linger: "40s", maxJobs: 7 } as const;
  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
  afterEach(() => void vi.useRealTimers());
  const inMs = (ms: number) => () => new Date(Date.now() + ms);

  async function boundsOf(options: Partial<RouteOptions>, path = "/drain") {
    const { queue, call } = setUp(options);
    const drain = vi.spyOn(internalsOf(queue), "drainWithin");
    await call("GET", path, "the-cron-token");
    return drain.mock.lastCall?.[0];
  }

  test("has the given limits if there is no deadline", async () => {
    expect(await boundsOf({ drain: bounds, getDeadline: () => undefined })).toMatchObject({
      timeBudgetMs: 60_000,
      lingerMs: 40_000,
      maxJobs: 7,
    });
  });

  test("has its own limits if the deadline is far away", async () => {
    const found = await boundsOf({ drain: bounds, getDeadline: inMs(300_000) });
    expect(found).toMatchObject({ timeBudgetMs: 60_000, lingerMs: 40_000, maxJobs: 7 });
    expect(found?.graceMs).toBe(235_000);
  });

  test("starts no job late, and ends 5 s before the deadline", async () => {
    const found = await boundsOf({ drain: bounds, getDeadline: inMs(45_000) });
    expect(found?.timeBudgetMs).toBe(30_000);
    expect(found?.lingerMs).toBe(30_000);
    expect(found?.graceMs).toBe(10_000);
  });

  test("starts nothing if the deadline is imminent", async () => {
    const { call, queue } = setUp({ getDeadline: inMs(4_000) });
    await queue.enqueue(greet, { to: "Ada" });
    expect(await (await call("GET", "/drain", "the-cron-token")).json()).toMatchObject({ completed: 0, backlog: true });
  });

  test("keeps Vercel's deadline", async () => {
    onVercel({ deadline: new Date(Date.now() + 25_000).toISOString() });
    expect((await boundsOf({}))?.timeBudgetMs).toBe(15_000);
    onVercel({ deadline: "soon" });
    expect(await boundsOf({ drain: { timeBudget: "9s" } })).toMatchObject({ timeBudgetMs: 9_000 });
  });

  test("keeps the deadline whatever the request asks for", async () => {
    const found = await boundsOf({ getDeadline: inMs(25_000) }, "/drain?timeBudget=60s&linger=40s&grace=50s");
    expect(found?.timeBudgetMs).toBe(15_000);
    expect(found?.lingerMs).toBe(15_000);
    expect(found?.graceMs).toBe(5_000);
  });

  test("after the response keeps the deadline of the request, however late it begins", async () => {
    const clock = testClock();
    const background: Promise<unknown>[] = [];
    const deadline = clock.now + 15_000;
    const began: number[] = [];
    const late = defineJob({ name: "late", perform: () => void began.push(clock.now) });
    const route = createRoute({
      queue: new Queue({ store: memoryStore(), jobs: [late], clock }),
      auth: { admin: ["the-admin-token"] },
      waitUntil: (work) => background.push(work),
      getDeadline: () => new Date(deadline),
    });
    const post = (delay: string) =>
      route.POST(
        new Request("https://app.test/jobs", {
          method: "POST",
          headers: { Authorization: "Bearer the-admin-token", "Content-Type": "application/json" },
          body: JSON.stringify({ name: "late", delay }),
        }),
      );
    await post("6s");
    await post("9s");
    await clock.advance("15s");
    await Promise.all(background);
    expect(began).toEqual([deadline - 9_000]);
  });

  test("after the response aborts what still runs 5 s before the deadline", async () => {
    const clock = testClock();
    const deadline = clock.now + 15_000;
    const aborted: number[] = [];
    const hangs = defineJob({
      name: "hangs",
      perform: (_: unknown, { signal }) => {
        signal.addEventListener("abort", () => aborted.push(deadline - clock.now));
        return new Promise(() => {});
      },
    });
    const route = createRoute({
      queue: new Queue({ store: memoryStore(), jobs: [hangs], clock }),
      auth: { admin: ["the-admin-token"] },
      waitUntil: () => {},
      getDeadline: () => new Date(deadline),
    });
    const headers = { Authorization: "Bearer the-admin-token", "Content-Type": "application/json" };
    const body = JSON.stringify({ name: "hangs" });
    await route.POST(new Request("https://app.test/jobs", { method: "POST", headers, body }));
    await clock.advance("15s");
    expect(aborted).toEqual([5_000]);
  });

  test("may also be limited by the request", async () => {
    const found = await boundsOf({ drain: bounds, getDeadline: inMs(300_000) }, "/drain?maxJobs=3");
    expect(found).toMatchObject({ maxJobs: 3, timeBudgetMs: 60_000 });
  });
});

test.for([vercelHobby, vercelPro])("a preset is used unchanged, and its drain does not linger", async (preset) => {
  const { call, queue } = setUp({ drain: preset });
  await queue.enqueue(greet, { to: "Ada" }, { delay: "30s" });
  expect(await (await call("GET", "/drain", "the-cron-token")).json()).toMatchObject({ claimed: 0 });
});

describe("limits as a function", () => {
  test("are computed for each request", async () => {
    const queue = new Queue({ store: memoryStore(), jobs: [greet] });
    let maxJobs = 1;
    const handler = createHandler({ queue, auth: "none", drain: () => ({ maxJobs }) });
    await queue.enqueueMany(["Ada", "Ben", "Cy", "Di"].map((to) => ({ job: greet, payload: { to } })));
    expect(await (await handler.request("/drain", { method: "POST" })).json()).toMatchObject({ claimed: 1 });
    maxJobs = 2;
    expect(await (await handler.request("/drain", { method: "POST" })).json()).toMatchObject({ claimed: 2 });
  });

  test("are checked when the handler is created", () => {
    const queue = new Queue({ store: memoryStore() });
    expect(() => createHandler({ queue, auth: "none", drain: () => ({ maxJobs: 0 }) })).toThrow(/maxJobs/);
  });
});

test("a basePath that URLs escape reaches the handler", async () => {
  for (const [basePath, path] of [
    ["/ü", "/ü"],
    ["/a b", "/a b"],
    ["/%C3%BC", "/ü"],
  ] as const) {
    const { route } = setUp({ basePath });
    expect((await route.GET(new Request(`https://app.test${path}/health`))).status).toBe(200);
  }
});

test("a CRON_SECRET that is too short is named in the error", () => {
  vi.stubEnv("CRON_SECRET", "short");
  expect(() => setUp()).toThrow(/^CRON_SECRET must be a token of 12 to 1000 visible/);
});
