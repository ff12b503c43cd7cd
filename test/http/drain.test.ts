import { describe, expect, test } from "vitest";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { clockByHand, start } from "../support/clock.ts";
import { fails, sendEmail, setUp, snapshot } from "./memory-handler.ts";

const at = (ms: number) => new Date(start + ms).toISOString();

describe.each(["POST", "GET"])("%s /drain", (method) => {
  test("drains and returns the report", async () => {
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
      expired: 0,
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

  test("takes its limits from the query", async () => {
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
    ["attempts=1", "attempts"],
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
  test("takes its limits from the body, which overrides the query", async () => {
    const { call, queue } = setUp();
    await queue.enqueueMany(Array(5).fill({ job: "fails" }));
    const body = { maxJobs: 3, budget: { roundTrips: 9, commands: 90 } };
    expect((await call("POST", "/drain?maxJobs=1", body)).body).toMatchObject({ claimed: 3 });
  });

  test("takes a missing part of the budget from the handler's options", async () => {
    const drain = { maxJobs: 4, budget: { roundTrips: 4 } };
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

describe.each([
  ["POST", "/drain", { attempts: true, concurrency: 1 }],
  ["GET", "/drain?attempts=true&concurrency=1", undefined],
])("%s %s with attempts", (method, path, body) => {
  const ended = { queue: "default", attempt: 1, ranMs: 0, endedAt: new Date(start).toISOString() };

  test("lists how each attempt ended, in order, with no payload and no stack", async () => {
    const waits = defineJob({ name: "waits", perform: (_: undefined, job) => job.snooze("1m") });
    const { call, queue } = setUp({ queue: { jobs: [sendEmail, fails, waits] } });
    await queue.enqueueMany([
      { job: "send_email", id: "a", payload: { to: "ada" } },
      { job: "fails", id: "b" },
      { job: "fails", id: "c", maxRetries: 1, backoff: { type: "fixed", base: "10s", jitter: 0 } },
      { job: "waits", id: "d" },
    ]);
    const error = { name: "Error", message: "no luck" };
    const answer = await call(method, path, body);
    expect(answer.body).toMatchObject({ claimed: 4, attemptsLeftOut: 0 });
    expect(answer.body["attempts"]).toEqual([
      { ...ended, id: "a", name: "send_email", maxRetries: 3, outcome: "completed" },
      { ...ended, id: "b", name: "fails", maxRetries: 0, outcome: "dead", error },
      { ...ended, id: "c", name: "fails", maxRetries: 1, outcome: "retried", error, runAt: at(10_000) },
      { ...ended, id: "d", name: "waits", maxRetries: 3, outcome: "snoozed", runAt: at(60_000) },
    ]);
  });

  test("needs a token that may read too, and drains nothing without", async () => {
    const [both, drainOnly, admin] = ["a-token-with-both", "a-drain-token", "an-admin-token"];
    const auth = { drain: [both, drainOnly], read: [both], admin: [admin] };
    const { call, queue } = setUp({ handler: { auth } });
    await queue.enqueue("fails");
    const as = (token: string) => call(method, path, body, { Authorization: `Bearer ${token}` });
    const refused = await as(drainOnly);
    expect(refused).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect(refused.body["detail"]).toBe('attempts needs a token with the scope "read" or "admin".');
    expect((await queue.getStats()).readyCount).toBe(1);
    expect((await as(both)).body).toMatchObject({ attempts: [{ outcome: "dead" }] });
    expect((await as(admin)).body).toMatchObject({ attempts: [] });
  });
});

describe("The attempts of a drain", () => {
  test("are those of all queues that it drains", async () => {
    const clock = clockByHand(start);
    const queues = ["urgent", "bulk"].map((name) => new Queue({ name, store: memoryStore(), jobs: [fails], clock }));
    for (const each of queues) await each.enqueue("fails");
    const { call } = setUp({ handler: { queues } });
    const { body } = await call("POST", "/drain", { attempts: true });
    expect(body).toMatchObject({ claimed: 2, attempts: [{ queue: "urgent" }, { queue: "bulk" }] });
  });

  test("are the last 1,000, and say how many are left out", async () => {
    const { call, queue } = setUp();
    const jobs = Array.from({ length: 1_003 }, (_, index) => ({ job: "fails", id: `${10_000 + index}` }));
    await queue.enqueueMany(jobs.slice(0, 1_000));
    await queue.enqueueMany(jobs.slice(1_000));
    const { body } = await call("POST", "/drain", { attempts: true, maxJobs: 2_000, concurrency: 1 });
    const ids = (body["attempts"] as { id: string }[]).map(({ id }) => id);
    expect(body).toMatchObject({ claimed: 1_003, attemptsLeftOut: 3 });
    expect(ids).toEqual(jobs.slice(3).map(({ id }) => id));
  });

  test("include those whose leases expired, and no job that was released unstarted", async () => {
    const store = memoryStore();
    const other = new Queue({ store, jobs: [{ ...fails, name: "slow" }], clock: () => start + 120_000 });
    const slow = defineJob({
      name: "slow",
      async perform() {
        clock.now += 120_000;
        await other.drain({ maxJobs: 1 });
        throw new Error("too late");
      },
    });
    const { call, queue, clock } = setUp({ queue: { store, jobs: [fails, slow] } });
    await queue.enqueueMany(["fails", "slow", "fails"].map((job, index) => ({ job, id: `${index}` })));
    const { body } = await call("POST", "/drain", { attempts: true, concurrency: 1 });
    expect(body).toMatchObject({ claimed: 3, deadLettered: 1, lost: 1, released: 1, attemptsLeftOut: 0 });
    const attempt = { queue: "default", attempt: 1, maxRetries: 3 };
    expect(body["attempts"]).toEqual([
      expect.objectContaining({ id: "0", outcome: "dead" }),
      { ...attempt, id: "1", name: "slow", outcome: "lost", endedAt: at(120_000), ranMs: 120_000 },
    ]);
  });
});

test("HEAD /drain drains nothing", async () => {
  const { call, queue } = setUp();
  await queue.enqueue("fails");
  expect(await call("HEAD", "/drain")).toMatchObject({ status: 405 });
  expect((await queue.getStats()).pendingCount).toBe(1);
});
