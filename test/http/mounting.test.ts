import { Hono } from "hono";
import { Hono as TinyHono } from "hono/tiny";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { createHandler } from "../../src/http/handler.ts";
import { routes } from "../../src/http/routes/index.ts";
import { memoryStore, Queue } from "../../src/index.ts";
import { clockByHand, start } from "../support/clock.ts";
import { fails, sendEmail, sender, setUp } from "./memory-handler.ts";

const auth = { admin: ["the-admin-token"] };
const admin = { Authorization: "Bearer the-admin-token" };

describe.each<[string, (outer: Hono, inner: Hono) => void]>([
  ["route", (outer, inner) => outer.route("/api/queue", inner)],
  ["mount", (outer, inner) => outer.mount("/api/queue", inner.fetch)],
])("below a base path by %s", (_, mount) => {
  function mounted() {
    const { app, queue } = setUp({ handler: { auth } });
    const outer = new Hono();
    outer.get("/", (context) => context.text("outer"));
    mount(outer, app);
    outer.get("/after", (context) => context.text("after"));
    return { queue, ...sender(outer.fetch, "/api/queue"), outer: sender(outer.fetch).call };
  }

  test("every part of the handler works as at the root", async () => {
    const { call } = mounted();
    expect((await call("POST", "/jobs", { name: "fails", id: "a/b%", delay: "1h" }, admin)).status).toBe(201);
    expect(await call("GET", "/jobs/a%2Fb%25", undefined, admin)).toMatchObject({ status: 200, body: { id: "a/b%" } });
    expect(await call("GET", "/queues/default/stats", undefined, admin)).toMatchObject({ body: { pendingCount: 1 } });
    expect((await call("DELETE", "/jobs/a%2Fb%25", undefined, admin)).status).toBe(204);
  });

  test("problems stay problems", async () => {
    const { call } = mounted();
    expect(await call("GET", "/stats")).toMatchObject({ status: 401, body: { code: "unauthorized" } });
    expect(await call("GET", "/nowhere")).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect((await call("PUT", "/stats")).headers.get("allow")).toBe("GET, HEAD, OPTIONS");
    expect(await call("POST", "/jobs", "{", admin)).toMatchObject({ status: 400, body: { code: "invalid_request" } });
  });

  test("routes beside it are left alone", async () => {
    const { outer } = mounted();
    expect(await outer("GET", "/")).toMatchObject({ status: 200, text: "outer" });
    expect(await outer("GET", "/after")).toMatchObject({ status: 200, text: "after" });
    expect((await outer("GET", "/jobs")).body).toEqual({});
  });
});

describe.each([
  ["hono", Hono],
  ["hono/tiny", TinyHono],
])("below a path of an app of %s whose parameters are named like the handler's", (_, Outer) => {
  const bodies: Readonly<Record<string, object>> = {
    updateJob: { delay: "1h" },
    addChildren: { children: [{ name: "fails" }], stored: 0, since: 0 },
    putSchedule: { name: "fails", cron: "0 9 * * *" },
  };
  const parametric = routes.filter(({ path }) => path.includes(":"));

  test("routes with parameters work", () => {
    expect(new Set(parametric.map(({ path }) => path)).size).toBeGreaterThan(5);
  });

  test.each(parametric.map((route) => [`${route.method} ${route.path}`, route] as const))(
    "%s reads its own parameters",
    async (_name, route) => {
      const store = memoryStore();
      const queues = ["first", "second"].map((name) => new Queue({ name, store, jobs: [fails] }));
      const answer = vi.spyOn(route, "respond").mockImplementation(async () => new Response());
      onTestFinished(() => answer.mockRestore());
      const outer = new Outer();
      outer.route("/:id/:key/:queue/in", createHandler({ queues, auth }));
      const { call } = sender(outer.fetch, "/job/nightly/second/in");
      const path = route.path.replace(/:\w+/, "mine");
      const body = route.body && (bodies[route.operation] ?? {});
      for (const [address, queue] of [
        [path, "first"],
        [`/queues/second${path}`, "second"],
      ] as const) {
        expect((await call(route.method, address, body, admin)).status).toBe(200);
        const [asked] = answer.mock.lastCall ?? [];
        expect([asked?.target, asked?.queue.name]).toEqual(["mine", queue]);
      }
    },
  );
});

test("a body that a middleware has already read is read again", async () => {
  const { app, queue } = setUp();
  const outer = new Hono();
  outer.use(async ({ req }, next) => {
    await req.json();
    await next();
  });
  outer.route("/", app);
  const { call } = sender(outer.fetch);
  expect((await call("POST", "/jobs", { name: "fails", id: "a" })).status).toBe(201);
  expect(await queue.getJob("a")).not.toBeNull();
});

test("headers of a middleware are kept", async () => {
  const { app } = setUp();
  const outer = new Hono();
  outer.use(async (context, next) => {
    await next();
    context.header("Access-Control-Allow-Origin", "*");
  });
  const { call } = sender(outer.route("/", app).fetch);
  expect((await call("GET", "/stats")).headers.get("access-control-allow-origin")).toBe("*");
});

describe("several queues", () => {
  function several() {
    const store = memoryStore();
    const ran: string[] = [];
    const clock = clockByHand(start);
    const named = (name: string) =>
      new Queue({
        name,
        store,
        clock,
        jobs: [{ name: "note", perform: () => void ran.push(name) }, fails, sendEmail],
      });
    const queues = [named("urgent"), named("bulk #1")];
    return { ran, ...setUp({ handler: { queues } }) };
  }
  const note = { name: "note" };

  test("are each served by name, and the first at the root", async () => {
    const { call } = several();
    await call("POST", "/jobs", { ...note, id: "u" });
    await call("POST", "/queues/bulk%20%231/jobs", { ...note, id: "b" });
    expect((await call("GET", "/queues/urgent/jobs/u")).body).toMatchObject({ queue: "urgent" });
    expect((await call("GET", "/queues/bulk%20%231/jobs/b")).body).toMatchObject({ queue: "bulk #1" });
    expect((await call("GET", "/jobs/b")).status).toBe(404);
  });

  test.each(["POST", "GET"])("are drained in order under one budget by %s /drain", async (method) => {
    const { call, ran } = several();
    await call("POST", "/queues/bulk%20%231/jobs", Array(3).fill(note));
    await call("POST", "/queues/urgent/jobs", Array(3).fill(note));
    expect((await call(method, "/drain?maxJobs=4")).body).toMatchObject({
      claimed: 4,
      completed: 4,
      stoppedBy: "maxJobs",
      backlog: true,
    });
    expect(ran).toEqual(["urgent", "urgent", "urgent", "bulk #1"]);
  });

  test("can be drained one by one by name", async () => {
    const { call, ran } = several();
    await call("POST", "/queues/bulk%20%231/jobs", note);
    await call("POST", "/jobs", note);
    expect((await call("POST", "/queues/bulk%20%231/drain")).body).toMatchObject({ claimed: 1 });
    expect(ran).toEqual(["bulk #1"]);
  });

  test("are paused separately", async () => {
    const { call } = several();
    await call("POST", "/queues/bulk%20%231/pause");
    expect((await call("GET", "/stats")).body).toMatchObject({ paused: false });
    expect((await call("GET", "/queues/bulk%20%231/stats")).body).toMatchObject({ paused: true });
  });
});

describe("createHandler refuses", () => {
  const queue = (name: string) => new Queue({ name, store: memoryStore() });

  test.each<[string, object, RegExp]>([
    ["to do without a queue", {}, /queue/],
    ["an empty list of queues", { queues: [] }, /at least one/],
    ["both queue and queues", { queue: queue("a"), queues: [queue("b")] }, /either/],
    ["two queues of one name", { queues: [queue("a"), queue("a")] }, /"a"/],
    ["drain options that make no sense", { queue: queue("a"), drain: { maxJobs: 0 } }, /maxJobs/],
    ["eager that is neither true nor false", { queue: queue("a"), eager: "no" }, /eager must be true or false/],
    ["a limit that makes no sense", { queue: queue("a"), maxBodyBytes: 0 }, /maxBodyBytes/],
  ])("%s", (_, options, message) => {
    expect(() => createHandler({ auth: "none", ...options })).toThrow(message);
  });
});
