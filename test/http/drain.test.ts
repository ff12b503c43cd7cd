import { describe, expect, test } from "vitest";
import { start } from "../support/clock.ts";
import { setUp, snapshot } from "./memory-handler.ts";

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

test("HEAD /drain drains nothing", async () => {
  const { call, queue } = setUp();
  await queue.enqueue("fails");
  expect(await call("HEAD", "/drain")).toMatchObject({ status: 405 });
  expect((await queue.getStats()).pendingCount).toBe(1);
});
