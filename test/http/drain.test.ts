import { describe, expect, test, vi } from "vitest";
import { memoryStore } from "../../src/index.ts";
import { faultyStore } from "../../src/testing/index.ts";
import { wrapStore } from "../../src/testing/wrap-store.ts";
import { setUp, snapshot, start } from "./memory-handler.ts";

const now = new Date(start).toISOString();

describe.each(["POST", "GET"])("%s /drain", (method) => {
  test("drains and answers with the report", async () => {
    const { call, queue } = setUp();
    await queue.enqueueMany([
      { job: "send_email", payload: { to: "ada" } },
      { job: "fails" },
      { job: "fails", delay: "1h" },
    ]);
    const { status, body } = await call(method, "/drain");
    expect(status).toBe(200);
    expect(body).toEqual({
      claimed: 2,
      completed: 1,
      retried: 0,
      deadLettered: 1,
      snoozed: 0,
      released: 0,
      lost: 0,
      rearmed: 0,
      roundTrips: expect.any(Number),
      commands: 0,
      stoppedBy: "empty",
      nextRunAt: new Date(start + 3_600_000).toISOString(),
      backlog: false,
    });
  });

  test("takes its bounds from the query", async () => {
    const { call, queue } = setUp();
    await queue.enqueueMany(Array(5).fill({ job: "fails" }));
    const query =
      "maxJobs=2&concurrency=1&timeBudget=10s&grace=1500&linger=0&batchSize=1&budget.roundTrips=9&budget.commands=90";
    expect((await call(method, `/drain?${query}`)).body).toMatchObject({
      claimed: 2,
      stoppedBy: "maxJobs",
      backlog: true,
    });
  });

  test.each([
    ["maxJobs=0", "maxJobs"],
    ["maxJobs=1e3", "maxJobs"],
    ["concurrency=0", "concurrency"],
    ["timeBudget=soon", "timeBudget"],
    ["grace=-1", "grace"],
    ["linger=", "linger"],
    ["batchSize=1001", "batchSize"],
    ["budget.roundTrips=1", "budget.roundTrips"],
    ["budget.commands=0", "budget.commands"],
    ["budget=40", "budget"],
    ["signal=x", "signal"],
    ["held=x", "held"],
  ])("refuses %s by naming %s", async (query, field) => {
    const { call, queue } = setUp();
    await queue.enqueue("fails");
    const before = await snapshot(queue);
    const answer = await call(method, `/drain?${query}`);
    expect(answer).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    expect(answer.body["detail"]).toContain(field);
    expect(await snapshot(queue)).toBe(before);
  });
});

describe("POST /drain", () => {
  test("takes its bounds from the body, which wins over the query", async () => {
    const { call, queue } = setUp();
    await queue.enqueueMany(Array(5).fill({ job: "fails" }));
    const body = { maxJobs: 3, budget: { roundTrips: 9, commands: 90 } };
    expect((await call("POST", "/drain?maxJobs=1", body)).body).toMatchObject({ claimed: 3 });
  });

  test("takes the rest of a budget from the handler's options", async () => {
    const drain = { maxJobs: 4, budget: { roundTrips: 3 } };
    const { call, queue } = setUp({ handler: { drain } });
    await queue.enqueueMany(Array(9).fill({ job: "fails" }));
    const { body } = await call("POST", "/drain", { batchSize: 1, concurrency: 1, budget: { commands: 500 } });
    expect(body).toMatchObject({ stoppedBy: "budget" });
    expect((await call("POST", "/drain", { budget: { roundTrips: 40 } })).body).toMatchObject({ claimed: 4 });
  });

  test.each([{ maxJob: 1 }, { budget: 5 }, { budget: { trips: 5 } }, [], { held: [] }, { signal: {} }])(
    "refuses %j",
    async (body) => {
      const { call } = setUp();
      expect(await call("POST", "/drain", body)).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    },
  );
});

test("HEAD /drain drains nothing", async () => {
  const { call, queue } = setUp();
  await queue.enqueue("fails");
  expect(await call("HEAD", "/drain")).toMatchObject({ status: 405 });
  expect((await queue.getStats()).pendingCount).toBe(1);
});

test("POST /pause keeps drains from starting jobs until POST /resume", async () => {
  const { call, queue } = setUp();
  await queue.enqueue("fails");
  expect(await call("POST", "/pause")).toMatchObject({ status: 200, body: { paused: true } });
  expect((await call("POST", "/drain")).body).toMatchObject({ claimed: 0, stoppedBy: "paused" });
  expect(await call("POST", "/resume")).toMatchObject({ status: 200, body: { paused: false } });
  expect((await call("POST", "/drain")).body).toMatchObject({ claimed: 1 });
});

test("GET /stats counts, with times as ISO 8601", async () => {
  const { call, queue, clock } = setUp();
  await queue.enqueueMany([{ job: "fails" }, { job: "fails", delay: "1h" }]);
  clock.now += 1_000;
  expect(await call("GET", "/stats")).toMatchObject({
    status: 200,
    body: {
      totalEnqueued: 2,
      totalProcessed: 0,
      totalFailed: 0,
      totalRetried: 0,
      pendingCount: 2,
      scheduledCount: 1,
      readyCount: 1,
      runningCount: 0,
      deadLetterCount: 0,
      completedCount: 0,
      nextRunAt: now,
      oldestReadyAgeMs: 1_000,
      paused: false,
    },
  });
});

describe("GET /health", () => {
  const auth = { enqueue: ["the-enqueue-token"], admin: ["the-admin-token"] };
  const token = { Authorization: "Bearer the-enqueue-token" };

  test("says to anyone that the store answers, and nothing else", async () => {
    const { call } = setUp({ handler: { auth } });
    expect(await call("GET", "/health")).toMatchObject({ status: 200, text: '{"status":"ok"}' });
  });

  test("answers 503 where the store does not", async () => {
    const store = faultyStore(memoryStore());
    const { call } = setUp({ handler: { auth, onError: () => {} }, queue: { store } });
    store.plan("before");
    const answer = await call("GET", "/health");
    expect(answer).toMatchObject({ status: 503, body: { code: "store_unavailable" } });
    expect(answer.headers.get("retry-after")).toBe("5");
  });

  test("looks again for a token at once, and for anyone after five seconds", async () => {
    const store = faultyStore(memoryStore());
    const { call, clock } = setUp({ handler: { auth, onError: () => {} }, queue: { store } });
    expect((await call("GET", "/health")).status).toBe(200);
    store.plan("before");
    clock.now += 4_999;
    expect((await call("GET", "/health")).status).toBe(200);
    clock.now += 1;
    expect((await call("GET", "/health")).status).toBe(503);
    store.plan();
    expect((await call("GET", "/health")).status).toBe(503);
    expect((await call("GET", "/health", undefined, token)).status).toBe(200);
    expect((await call("GET", "/health")).status).toBe(200);
    store.plan("before");
    clock.now = start - 5_000;
    expect((await call("GET", "/health")).status).toBe(503);
  });

  /** A store whose looks wait until they are let go. */
  function slowStore() {
    const waiting: (() => void)[] = [];
    const gate = () => new Promise<void>((resolve) => waiting.push(resolve));
    const store = wrapStore(memoryStore(), (_, run) => gate().then(run));
    const letGo = () => {
      for (const resolve of waiting.splice(0)) resolve();
    };
    return { store, waiting, letGo };
  }

  test.each([{ auth }, { auth: "none" as const }])(
    "looks once for 500 requests at once, where auth is %j",
    async (handler) => {
      const { store, waiting, letGo } = slowStore();
      const { call, clock } = setUp({ handler, queue: { store } });
      const ask = () => Promise.all(Array.from({ length: 500 }, () => call("GET", "/health")));
      for (const age of [0, 6_000, 600_000]) {
        clock.now += age;
        const answers = ask();
        await vi.waitFor(() => expect(waiting).not.toEqual([]));
        expect(waiting).toHaveLength(1);
        letGo();
        expect((await answers).every(({ status }) => status === 200)).toBe(true);
      }
    },
  );

  test("takes over a look that never came back", async () => {
    const { store, waiting, letGo } = slowStore();
    const { call, clock } = setUp({ handler: { auth }, queue: { store } });
    void call("GET", "/health");
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    waiting.length = 0;
    const second = call("GET", "/health");
    clock.now += 5_000;
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    letGo();
    expect((await second).status).toBe(200);
  });

  test("does not cost a command for each request without a token", async () => {
    const store = faultyStore(memoryStore());
    const { call } = setUp({ handler: { auth }, queue: { store } });
    for (let i = 0; i < 5; i++) await call("GET", "/health");
    await call("GET", "/health", undefined, { Authorization: "Bearer unknown" });
    expect(store.calls).toHaveLength(1);
  });
});
