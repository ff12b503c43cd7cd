import { describe, expect, test } from "vitest";
import { defineJob, memoryStore, type Store } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { onMemoryAtLeast } from "../support/stores.ts";
import { type SetUp, setUp, snapshot, withBackground } from "./memory-handler.ts";

const at = (ms: number) => new Date(start + ms).toISOString();
const minute = 60_000;

const sync = defineJob({
  name: "sync",
  flowControl: { key: (payload: { readonly tenant: string }) => payload.tenant, concurrency: 1 },
  perform() {},
});

const withSync = (parts: SetUp = {}) => setUp({ ...parts, queue: { jobs: [sync], ...parts.queue } });

/** The path of a key. */
const keyAt = (key: string) => `/flow-control/${encodeURIComponent(key)}`;

/** Keys that a path could change, or that a store could split. */
const hostileKeys = [
  "a/b",
  "/",
  "a//b/",
  "100%",
  "%2F",
  "%",
  "a:b::c",
  "%3A",
  "...",
  "ü",
  "\u{1F600}/\u{1F600}",
  "a b",
  "a?b=c&d#e",
  "a+b",
  "pause",
  "__proto__",
  "constructor",
  "lane:a",
  "x".repeat(256),
  "ü".repeat(256),
  "\u{1F600}".repeat(128),
  "/".repeat(256),
];

describe("the routes of flow control", () => {
  test("a key is unknown until something is known of it", async () => {
    const { call, queue } = withSync();
    expect(await call("GET", keyAt("acme"))).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect((await call("GET", "/flow-control")).body).toEqual({ keys: [], cursor: null });
    await queue.enqueue(sync, { tenant: "acme" });
    const key = {
      key: "acme",
      concurrency: 1,
      rate: null,
      period: null,
      ordered: false,
      running: 0,
      waiting: 1,
      startedInWindow: 0,
      windowEndsAt: null,
      paused: false,
      pinned: false,
    };
    expect(await call("GET", keyAt("acme"))).toMatchObject({ status: 200, body: key });
    expect((await call("GET", "/flow-control")).body).toEqual({ keys: [key], cursor: null });
  });

  test("PUT replaces all limits and pins them, and DELETE lets the next enqueue change them", async () => {
    const { call, queue } = withSync();
    const put = await call("PUT", keyAt("acme"), { rate: 10, period: "1m" });
    const pinned = { concurrency: null, rate: 10, period: minute, ordered: false, pinned: true };
    expect(put).toMatchObject({ status: 200, body: { key: "acme", ...pinned, waiting: 0 } });
    await queue.enqueue(sync, { tenant: "acme" });
    expect((await call("GET", keyAt("acme"))).body).toMatchObject({ ...pinned, waiting: 1 });
    expect(await call("DELETE", keyAt("acme"))).toMatchObject({ status: 204, text: "" });
    expect((await call("GET", keyAt("acme"))).body).toMatchObject({ ...pinned, pinned: false });
    await queue.enqueue(sync, { tenant: "acme" });
    expect((await call("GET", keyAt("acme"))).body).toMatchObject({ concurrency: 1, rate: null, period: null });
  });

  test("an empty body sets no limit, and DELETE of a key that is not pinned changes nothing", async () => {
    const { call, queue } = withSync();
    await queue.enqueue(sync, { tenant: "acme" });
    const { body } = await call("PUT", keyAt("acme"));
    expect(body).toMatchObject({ concurrency: null, rate: null, ordered: false, pinned: true });
    expect((await call("DELETE", keyAt("other"))).status).toBe(204);
    expect((await call("GET", keyAt("other"))).status).toBe(404);
  });

  test("a paused key starts nothing until it is resumed, and its job says why it waits", async () => {
    const { call, clock, queue } = withSync();
    expect((await call("POST", `${keyAt("acme")}/pause`)).body).toEqual({ paused: true });
    await call("POST", "/jobs", { name: "sync", payload: { tenant: "acme" }, id: "one" });
    clock.now += 1_000;
    expect((await call("POST", "/drain")).body).toMatchObject({ claimed: 0, backlog: false, nextRunAt: null });
    expect((await call("GET", "/jobs/one")).body).toMatchObject({
      state: "ready",
      heldBack: { key: "acme", reason: "paused", since: at(0), until: null },
    });
    expect((await call("POST", `${keyAt("acme")}/resume`)).body).toEqual({ resumed: true });
    expect((await call("POST", "/drain")).body).toMatchObject({ completed: 1 });
    expect(await queue.flowControl.get("acme")).toBe(null);
  });

  test("keys are listed in pages", async () => {
    const { call, queue } = withSync();
    const tenants = Array.from({ length: 5 }, (_, index) => `tenant-${index}`);
    await queue.enqueueMany(tenants.map((tenant) => ({ job: sync, payload: { tenant } })));
    const first = await call("GET", "/flow-control?limit=3");
    expect(first.body["keys"]).toHaveLength(3);
    const rest = await call("GET", `/flow-control?limit=3&cursor=${first.body["cursor"]}`);
    const keys = [first, rest].flatMap(({ body }) => body["keys"] as { key: string }[]);
    expect(keys.map(({ key }) => key).sort()).toEqual(tenants);
    expect(rest.body["cursor"]).toBeNull();
  });

  test("those that hold jobs back are listed alone, the busiest first", async () => {
    const { call, queue } = withSync();
    const jobs = ["free", "few", "many", "many"].map((tenant) => ({ job: sync, payload: { tenant } }));
    await queue.enqueueMany(jobs);
    await queue.flowControl.pause("few");
    await queue.flowControl.pause("many");
    const holding = async (query: string) =>
      ((await call("GET", `/flow-control?holding=true${query}`)).body["keys"] as { key: string }[]).map(
        ({ key }) => key,
      );
    expect(await holding("")).toEqual(["many", "few"]);
    expect(await holding("&limit=1")).toEqual(["many"]);
  });

  test.each(hostileKeys)("take the key %j, at the root and of a named queue", async (key) => {
    const { call } = withSync();
    for (const place of ["", "/queues/default"]) {
      const path = place + keyAt(key);
      const job = { name: "sync", payload: { tenant: key }, id: "one" };
      expect((await call("POST", `${place}/jobs`, job)).status).toBe(201);
      expect((await call("GET", path)).body).toMatchObject({ key, waiting: 1 });
      expect((await call("PUT", path, { concurrency: 2 })).body).toMatchObject({ key, concurrency: 2, pinned: true });
      expect((await call("POST", `${path}/pause`)).status).toBe(200);
      expect((await call("GET", `${place}/jobs/one`)).body["heldBack"]).toMatchObject({ key, reason: "paused" });
      expect((await call("GET", `${place}/flow-control`)).body["keys"]).toMatchObject([{ key, paused: true }]);
      expect((await call("POST", `${path}/resume`)).status).toBe(200);
      expect((await call("DELETE", path)).status).toBe(204);
      expect((await call("DELETE", `${place}/jobs/one`)).status).toBe(204);
      expect((await call("GET", path)).status).toBe(404);
    }
  });

  test.each([
    [{ concurrency: 0 }, "concurrency"],
    [{ concurrency: "2" }, "concurrency"],
    [{ rate: 10 }, "rate needs a period"],
    [{ period: "1m" }, "period needs a rate"],
    [{ rate: 10, period: "soon" }, "period"],
    [{ rate: 10, period: "32d" }, "31 days"],
    [{ ordered: 1 }, "ordered"],
    [{ ordered: true, concurrency: 2 }, "ordered"],
    [{ key: "other" }, "key"],
    [{ burst: 2 }, "burst"],
    [[], "flowControl.set"],
  ])("PUT refuses %j by naming %s, and stores nothing", async (body, field) => {
    const { call, queue } = withSync();
    const answer = await call("PUT", keyAt("acme"), body);
    expect(answer).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    expect(answer.body["detail"]).toContain(field);
    expect(await queue.flowControl.get("acme")).toBe(null);
  });

  test.each([`${"x".repeat(257)}`, "%00", "a%0Ab", "%20a", "%ff", "%"])("refuse the key %j", async (key) => {
    const { call, queue } = withSync();
    for (const [method, rest] of [
      ["GET", ""],
      ["PUT", ""],
      ["DELETE", ""],
      ["POST", "/pause"],
      ["POST", "/resume"],
    ] as const)
      expect((await call(method, `/flow-control/${key}${rest}`)).status).toBe(400);
    expect((await queue.flowControl.list()).keys).toEqual([]);
  });
});

describe("flowControl in POST /jobs", () => {
  test("sets the key and the limits over those of the definition", async () => {
    const { call, queue } = withSync();
    const body = { name: "sync", payload: { tenant: "acme" }, flowControl: { concurrency: 3 } };
    expect((await call("POST", "/jobs", body)).status).toBe(201);
    const other = { key: "api", rate: 5, period: "1m" };
    expect((await call("POST", "/jobs", [{ ...body, flowControl: other }])).status).toBe(200);
    expect(await queue.flowControl.get("acme")).toMatchObject({ concurrency: 3 });
    expect(await queue.flowControl.get("api")).toMatchObject({ concurrency: 1, rate: 5, period: minute });
  });

  test.each([
    [{ key: "" }, "flowControl.key"],
    [{ key: "x".repeat(257) }, "flowControl.key"],
    [{ key: ".." }, "flowControl.key"],
    [{ key: 7 }, "flowControl.key"],
    [{ rate: 5 }, "flowControl.rate"],
    [{ ordered: true, concurrency: 2 }, "flowControl.ordered"],
    [{ limit: 5 }, 'option "limit" in flowControl'],
    ["acme", "flowControl"],
    [null, "flowControl"],
  ])("is refused as %j by naming %s, and stores nothing", async (flowControl, field) => {
    const { call, queue } = withSync();
    const before = await snapshot(queue);
    const answer = await call("POST", "/jobs", { name: "sync", payload: { tenant: "acme" }, flowControl });
    expect(answer).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    expect(answer.body["detail"]).toContain(field);
    expect(await snapshot(queue)).toBe(before);
    expect((await queue.flowControl.list()).keys).toEqual([]);
  });

  test("needs a key, from the definition or from the body", async () => {
    const { call } = setUp();
    const answer = await call("POST", "/jobs", { name: "fails", flowControl: { concurrency: 1 } });
    expect(answer).toMatchObject({ status: 400, body: { detail: expect.stringContaining("flowControl needs a key") } });
  });

  test("is refused for a recurring job", async () => {
    const { call, queue } = setUp();
    const answer = await call("POST", "/jobs", { name: "fails", cron: "@daily", flowControl: { key: "acme" } });
    expect(answer).toMatchObject({ status: 400, body: { detail: expect.stringContaining("flowControl") } });
    expect(await queue.schedules.list()).toEqual([]);
  });
});

describe("a job that its key holds back", () => {
  test("starts no work in the background of the request that enqueues it", async () => {
    const { call, queue, promises } = withBackground({ queue: { jobs: [sync] } });
    await queue.flowControl.pause("acme");
    const job = { name: "sync", payload: { tenant: "acme" } };
    expect((await call("POST", "/jobs", job)).status).toBe(201);
    expect((await call("POST", "/jobs", [job, job])).status).toBe(200);
    expect((await call("POST", "/jobs?each=true", [job, job])).status).toBe(200);
    expect(promises).toEqual([]);
    expect(await queue.getStats()).toMatchObject({ readyCount: 5 });
  });

  test("is left out of what /stats says is late or next, and so are those of a full window until it closes", async () => {
    const { call, clock, queue } = withSync();
    const flowControl = { rate: 1, period: "1h" } as const;
    await queue.enqueueMany(Array(3).fill({ job: sync, payload: { tenant: "acme" }, flowControl }));
    await call("POST", "/drain");
    clock.now += 30 * minute;
    const late = { readyCount: 2, oldestReadyAgeMs: null, nextRunAt: at(60 * minute) };
    expect((await call("GET", "/stats")).body).toMatchObject(late);
    expect((await call("GET", "/metrics")).text).toContain(
      '\ntidegate_oldest_ready_job_age_seconds{queue="default"} 0\n',
    );
    await queue.flowControl.pause("acme");
    expect((await call("GET", "/stats")).body).toMatchObject({ ...late, nextRunAt: null });
  });

  test("costs a drain that lingers nothing until it may start, and starts then", async () => {
    const clock = testClock(start);
    const { call, queue } = withSync({ queue: { clock, store: clock.watch(memoryStore()) } });
    const flowControl = { rate: 1, period: "20s" } as const;
    await queue.enqueueMany(Array(3).fill({ job: sync, payload: { tenant: "acme" }, flowControl }));
    const drain = call("POST", "/drain", { linger: "50s" });
    await clock.advance("1m");
    const { body } = await drain;
    expect(body).toMatchObject({ completed: 3, backlog: false });
    expect(body["roundTrips"]).toBeLessThanOrEqual(9);
  });
});

describe("GET /jobs/:id says why a job that is due does not run", () => {
  const enqueue = async (flowControl: object, ids = ["one", "two"]) => {
    const parts = setUp({ queue: { jobs: [defineJob({ name: "work", perform() {} })] } });
    for (const id of ids)
      await parts.call("POST", "/jobs", { name: "work", id, flowControl: { key: "k", ...flowControl } });
    return parts;
  };

  test("a window that is full, and when it closes", async () => {
    const { call, clock } = await enqueue({ rate: 1, period: "1m" });
    clock.now += 5_000;
    await call("POST", "/drain");
    const heldBack = { key: "k", reason: "rate", since: at(0), until: at(5_000 + minute) };
    expect((await call("GET", "/jobs/two")).body["heldBack"]).toEqual(heldBack);
  });

  test("a job before it, in order", async () => {
    const { call } = await enqueue({ ordered: true });
    expect((await call("GET", "/jobs/one")).body).not.toHaveProperty("heldBack");
    const heldBack = { key: "k", reason: "order", since: at(0), until: null };
    expect((await call("GET", "/jobs/two")).body["heldBack"]).toEqual(heldBack);
    expect((await call("GET", "/jobs?state=ready")).body["jobs"]).not.toMatchObject([
      { heldBack: {} },
      { heldBack: {} },
    ]);
  });
});

onMemoryAtLeast((kind) => {
  const serve = () => withSync({ queue: { store: kind.create() as Store } });

  test.each(["", "-1", "x", "0:0", "99999999999999999999", "9/0", "0/x", "1".repeat(30)])(
    "a cursor that is made up gets no failure: %j",
    async (cursor) => {
      const { call, queue } = serve();
      await queue.enqueue(sync, { tenant: "acme" });
      const { status } = await call("GET", `/flow-control?cursor=${encodeURIComponent(cursor)}`);
      expect([200, 400]).toContain(status);
    },
  );

  test.each(hostileKeys)("the key %j is read and changed as itself", async (key) => {
    const { call, queue } = serve();
    await queue.enqueueMany([key, "other"].map((tenant) => ({ job: sync, payload: { tenant } })));
    expect((await call("PUT", keyAt(key), { concurrency: 7 })).body).toMatchObject({ key, concurrency: 7, waiting: 1 });
    expect((await call("GET", keyAt("other"))).body).toMatchObject({ concurrency: 1, pinned: false });
    await call("POST", `${keyAt(key)}/pause`);
    expect((await call("POST", "/drain")).body).toMatchObject({ completed: 1 });
    expect((await call("GET", keyAt(key))).body).toMatchObject({ key, waiting: 1, paused: true });
  });
});
