import { describe, expect, test } from "vitest";
import { memoryStore } from "../../src/index.ts";
import { faultyStore } from "../../src/testing/index.ts";
import { aroundStore } from "../support/around-calls.ts";
import { start } from "../support/clock.ts";
import { setUp, withBackground } from "./memory-handler.ts";

const at = (ms: number) => new Date(start + ms).toISOString();
const email = { name: "send_email", payload: { to: "ada" } };

/** An array in 130 levels, two more than a body may have. */
const deep = Array.from({ length: 130 }).reduce<unknown>((inner) => [inner], 1);

describe("POST /jobs?each=true", () => {
  test("answers for each job in order, whatever happens to the others", async () => {
    const { call, queue } = setUp();
    const { status, body } = await call("POST", "/jobs?each=true", [
      { ...email, id: "a", delay: "1m" },
      { name: "send_email", payload: { to: 7 } },
      { ...email, id: "a" },
      { name: "nobody" },
      { ...email, id: "b" },
    ]);
    expect(status).toBe(200);
    expect(body).toEqual({
      jobs: [
        { id: "a", status: "enqueued", runAt: at(60_000) },
        { error: expect.objectContaining({ status: 422, code: "invalid_payload" }) },
        { id: "a", status: "duplicate", runAt: at(60_000) },
        { error: expect.objectContaining({ status: 400, code: "invalid_request" }) },
        { id: "b", status: "enqueued", runAt: at(0) },
      ],
    });
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 2 });
  });

  test("stores the valid jobs in one request", async () => {
    const stored: number[] = [];
    const store = aroundStore(memoryStore(), ({ method, parameters: [jobs] }, run) => {
      if (method === "enqueue") stored.push((jobs as readonly unknown[]).length);
      return run();
    });
    const { call } = setUp({ queue: { store } });
    await call("POST", "/jobs?each=true", [...Array(99).fill(email), { name: "nobody" }]);
    expect(stored).toEqual([99]);
  });

  test.each<[string, unknown]>([
    ["a payload that does not fit", { name: "send_email", payload: { to: 7 } }],
    ["an unknown name", { name: "nobody" }],
    ["an unknown option", { ...email, dealy: "1s" }],
    ["a wrong option", { ...email, delay: "soon" }],
    ["an id that a schedule's job would have", { ...email, id: "daily@2026-03-01T13:00:00.000Z" }],
    ["half a character", { ...email, payload: { to: "\ud800" } }],
    ["a number that is too large", { ...email, payload: 1e308 }],
    ["a payload that is nested too deeply", { ...email, payload: deep }],
    ["no name", {}],
    ["no object", 7],
    ["nothing", null],
  ])("answers %s as it would for a single job", async (_, job) => {
    const { call } = setUp();
    const text = JSON.stringify(job).replace("1e+308", "1e309");
    const { body } = await call("POST", "/jobs?each=true", `[${JSON.stringify(email)},${text}]`);
    expect(body["jobs"]).toEqual([expect.objectContaining({ status: "enqueued" }), { error: expect.anything() }]);
    const [, refused] = body["jobs"] as { error: unknown }[];
    const alone = await call("POST", "/jobs", text);
    expect(alone.status).toBeGreaterThanOrEqual(400);
    expect(refused?.error).toEqual(alone.body);
  });

  test('answers a field named "__proto__" as it would for a single job', async () => {
    const { call } = setUp();
    const job = '{"name":"send_email","payload":{"__proto__":1}}';
    const { body } = await call("POST", "/jobs?each=true", `[${job}]`);
    expect(body["jobs"]).toEqual([{ error: (await call("POST", "/jobs", job)).body }]);
  });

  test("refuses a job with cron, whatever the token", async () => {
    const { call, queue } = setUp();
    const { body } = await call("POST", "/jobs?each=true", [{ ...email, cron: "@daily" }, email]);
    expect(body["jobs"]).toMatchObject([{ error: { code: "invalid_request" } }, { status: "enqueued" }]);
    expect(await queue.schedules.list()).toEqual([]);
  });

  test("takes 1,000 jobs and refuses 1,001 as a whole", async () => {
    const { call, queue } = setUp();
    const jobs = Array(1_001).fill(email);
    expect(await call("POST", "/jobs?each=true", jobs)).toMatchObject({
      status: 400,
      body: { code: "invalid_request", detail: "The body must be an array of at most 1000." },
    });
    expect((await queue.getStats()).pendingCount).toBe(0);
    expect((await call("POST", "/jobs?each=true", jobs.slice(1))).status).toBe(200);
    expect((await queue.getStats()).pendingCount).toBe(1_000);
  });

  test("answers an empty array with an empty list, and accepts a single job", async () => {
    const { call } = setUp();
    expect(await call("POST", "/jobs?each=true", [])).toMatchObject({ status: 200, body: { jobs: [] } });
    expect(await call("POST", "/jobs?each=true", email)).toMatchObject({ status: 201, body: { status: "enqueued" } });
  });

  test("refuses an each that is neither true nor false, and false stores all or none", async () => {
    const { call, queue } = setUp();
    const jobs = [email, { name: "nobody" }];
    expect(await call("POST", "/jobs?each=1", jobs)).toMatchObject({ status: 400 });
    expect(await call("POST", "/jobs?each=false", jobs)).toMatchObject({ status: 400 });
    expect((await queue.getStats()).pendingCount).toBe(0);
  });

  test("calls the hooks for each job", async () => {
    const events: unknown[] = [];
    const { call } = setUp({ queue: { hooks: { onEnqueue: ({ id, status }) => void events.push([id, status]) } } });
    await call("POST", "/jobs?each=true", [{ ...email, id: "a" }, { name: "nobody" }, { ...email, id: "a" }]);
    expect(events).toEqual([
      ["a", "enqueued"],
      ["a", "duplicate"],
    ]);
  });

  test("answers each job with the store's failure, and reports it once", async () => {
    const errors: unknown[] = [];
    const store = faultyStore(memoryStore(), "before");
    const { call } = setUp({ queue: { store }, handler: { onError: (error) => errors.push(error) } });
    const { status, body } = await call("POST", "/jobs?each=true", [email, { name: "nobody" }, email]);
    expect(status).toBe(200);
    const away = { error: expect.objectContaining({ status: 503, code: "store_unavailable" }) };
    expect(body["jobs"]).toEqual([away, { error: expect.objectContaining({ status: 400 }) }, away]);
    expect(errors).toEqual([expect.objectContaining({ code: "store_unavailable" })]);
  });

  test("does not reveal an error that is not Tidegate's, and reports it", async () => {
    const errors: unknown[] = [];
    const store = aroundStore(memoryStore(), ({ method }, run) =>
      method === "enqueue" ? Promise.reject(new RangeError("secret")) : run(),
    );
    const { call } = setUp({ queue: { store }, handler: { onError: (error) => errors.push(error) } });
    const { text, body } = await call("POST", "/jobs?each=true", [email, email]);
    expect(body["jobs"]).toMatchObject([{ error: { status: 500 } }, { error: { code: "internal_error" } }]);
    expect(text).not.toContain("secret");
    expect(errors).toEqual([expect.any(RangeError)]);
  });
});

describe("after POST /jobs?each=true", () => {
  test("as many due jobs run in the background as concurrency allows, and the others wait", async () => {
    const { call, queue, settled, promises } = withBackground({ handler: { drain: { concurrency: 3 } } });
    await call("POST", "/jobs?each=true", [{ name: "send_email", payload: {} }, ...Array(5).fill(email)]);
    expect(promises).toHaveLength(1);
    await settled();
    expect(await queue.getStats()).toMatchObject({ completedCount: 3, readyCount: 2, runningCount: 0 });
  });

  test("nothing starts for a duplicate, nor with eager: false", async () => {
    const { call, settled, promises, queue } = withBackground();
    await call("POST", "/jobs?each=true", [{ ...email, id: "a" }]);
    await settled();
    await call("POST", "/jobs?each=true", [{ ...email, id: "a" }]);
    expect(promises).toHaveLength(1);
    expect(await queue.getStats()).toMatchObject({ completedCount: 1 });
    const still = withBackground({ handler: { eager: false } });
    await still.call("POST", "/jobs?each=true", [email, email]);
    expect(still.promises).toEqual([]);
    expect((await still.queue.getStats()).readyCount).toBe(2);
  });

  test("a job with a short delay is on time", async () => {
    const { call, promises } = withBackground();
    await call("POST", "/jobs?each=true", [{ ...email, delay: "1m" }]);
    expect(promises).toEqual([]);
    await call("POST", "/jobs?each=true", [{ ...email, delay: "1ms" }]);
    expect(promises).toHaveLength(1);
  });
});
