import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { ExpectationError, enqueued, expectEnqueued, expectNotEnqueued, testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { onMemoryAtLeast } from "../support/stores.ts";

const sendEmail = defineJob({
  name: "send_email",
  schema: z.object({ to: z.string(), tags: z.array(z.string()).optional(), at: z.coerce.date().optional() }),
  perform: () => {},
});
const other = defineJob({ name: "other", perform: (_: { deep: { a: number; b: number } }) => {} });
const nothing = defineJob({ name: "nothing", perform: () => {} });

async function setUp(store = memoryStore()) {
  const clock = testClock(start);
  const queue = new Queue({ store, clock, jobs: [sendEmail, other, nothing] });
  await queue.enqueue(sendEmail, { to: "ada@example.com", tags: ["a", "b"] }, { delay: "5m", id: "ada" });
  await queue.enqueue(sendEmail, { to: "bob@example.com" }, { id: "bob" });
  await queue.enqueue(other, { deep: { a: 1, b: 2 } }, { id: "deep", maxRetries: 7 });
  return { queue, clock };
}

const ids = (jobs: readonly { id: string }[]) => jobs.map(({ id }) => id);

onMemoryAtLeast((kind) => {
  test("enqueued lists waiting jobs, due ones first, beyond one page", async () => {
    const { queue } = await setUp(kind.create());
    expect(ids(await enqueued(queue))).toEqual(["bob", "deep", "ada"]);
    expect(ids(await enqueued(queue, sendEmail))).toEqual(["bob", "ada"]);
    expect(ids(await enqueued(queue, "other"))).toEqual(["deep"]);
    for (let i = 0; i < 2; i++) {
      await queue.enqueueMany(Array.from({ length: 600 }, () => ({ job: other, payload: { deep: { a: 3, b: 4 } } })));
    }
    expect(await enqueued(queue, other)).toHaveLength(1_201);
    await queue.drain({ maxJobs: 2 });
    expect(await enqueued(queue, undefined, { state: "completed" })).toHaveLength(2);
  });
});

describe("expectEnqueued", () => {
  test("returns the jobs that match every given field", async () => {
    const { queue } = await setUp();
    expect(ids(await expectEnqueued(queue, sendEmail))).toEqual(["bob", "ada"]);
    const ada = [
      { payload: { to: "ada@example.com" } },
      { payload: { tags: ["a", "b"] } },
      { payload: { to: expect.stringContaining("ada"), tags: expect.any(Array) } },
      { payload: ({ to }: { to: string }) => to.startsWith("ada") },
      { delay: "5m" },
      { runAt: new Date(start + 300_000), count: 1 },
      { state: "scheduled" },
      { id: "ada" },
    ] as const;
    for (const expected of ada) expect(ids(await expectEnqueued(queue, sendEmail, expected))).toEqual(["ada"]);
    await expectEnqueued(queue, other, { payload: { deep: { b: 2 } }, maxRetries: 7, delay: 0 });
    await expectEnqueued(queue, "send_email", { count: 2 });
    await expectNotEnqueued(queue, "send_email", { expires: "10m" });
    await queue.enqueue(other, { deep: { a: 1, b: 2 } }, { delay: "1h", expires: "10m" });
    await expectEnqueued(queue, other, { expires: 600_000, count: 1 });
  });

  test("compares a Date as it is stored", async () => {
    const { queue } = await setUp();
    const at = new Date(start);
    await queue.enqueue(sendEmail, { to: "eve@example.com", at });
    await expectEnqueued(queue, sendEmail, { payload: { at } });
  });

  test("finds jobs in another state if asked", async () => {
    const { queue } = await setUp();
    await queue.drain();
    await expect(expectEnqueued(queue, other)).rejects.toThrow(ExpectationError);
    await expectEnqueued(queue, other, { state: "completed", payload: { deep: { a: 1 } } });
  });

  test("shows how each job differs", async () => {
    const { queue } = await setUp();
    const failure = await expectEnqueued(queue, sendEmail, {
      payload: { to: "eve@example.com", tags: ["a"] },
      delay: "1h",
    }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ExpectationError);
    expect((failure as Error).message).toBe(
      `A job "send_email" with payload {"to":"eve@example.com","tags":["a"]}, delay "1h" should have been enqueued in queue "default".
  differs: bob, ready, to run at 2026-03-01T12:00:00.000Z
    delay in ms: expected 3600000, is 0
    payload.to: expected "eve@example.com", is "bob@example.com"
    payload.tags: expected ["a"], is undefined
  differs: ada, scheduled, to run at 2026-03-01T12:05:00.000Z
    delay in ms: expected 3600000, is 300000
    payload.to: expected "eve@example.com", is "ada@example.com"
    payload.tags.length: expected 1, is 2`,
    );
  });

  test("says how many there are if the count is wrong", async () => {
    const { queue } = await setUp();
    await expect(expectEnqueued(queue, sendEmail, { count: 1 })).rejects.toThrow(
      /^1 job "send_email" should have been enqueued in queue "default". It has 2.\n {2}matches: bob, ready/,
    );
    await expect(expectEnqueued(queue, sendEmail, { payload: () => false })).rejects.toThrow("the function refuses");
    await expect(expectEnqueued(queue, nothing)).rejects.toThrow("No job has this name");
  });

  test("cuts a long list and long values", async () => {
    const { queue } = await setUp();
    const to = "x".repeat(1_000);
    await queue.enqueueMany(Array.from({ length: 100 }, () => ({ job: sendEmail, payload: { to } })));
    const failure: Error = await expectEnqueued(queue, sendEmail, { payload: { to: "nobody" } }).catch(
      (error) => error,
    );
    expect(failure.message.length).toBeLessThan(10_000);
    expect(failure.message).toMatch(/and \d+ more lines$/);
  });
});

describe("heldBack", () => {
  async function held() {
    const clock = testClock(start);
    const queue = new Queue({ store: memoryStore(), clock, jobs: [nothing, other] });
    const flowControl = { key: "api", rate: 1, period: "1m" } as const;
    for (const id of ["first", "second", "third"]) await queue.enqueue(nothing, undefined, { id, flowControl });
    await queue.enqueue(nothing, undefined, { id: "free" });
    await queue.drain({ maxJobs: 2 });
    await queue.enqueue(nothing, undefined, { id: "later", delay: "1h" });
    return queue;
  }

  test("selects jobs by what holds them back, and null those that nothing does", async () => {
    const queue = await held();
    const until = new Date(start + 60_000);
    const expected = [
      { key: "api" },
      { reason: "rate" },
      { key: "api", reason: "rate", since: new Date(start), until },
      { key: expect.stringMatching(/^a/) },
    ] as const;
    for (const heldBack of expected) await expectEnqueued(queue, nothing, { heldBack, count: 2 });
    expect(ids(await expectEnqueued(queue, nothing, { heldBack: null }))).toEqual(["later"]);
    await expectNotEnqueued(queue, nothing, { heldBack: { reason: "concurrency" } });
    await expectNotEnqueued(queue, nothing, { heldBack: { key: "other" } });
    await expectNotEnqueued(queue, nothing, { heldBack: { until: null } });
  });

  test("shows what holds a job back if that is not what was expected", async () => {
    const queue = await held();
    const failure = await expectEnqueued(queue, nothing, { id: "second", heldBack: { reason: "order" } }).catch(String);
    expect(failure).toContain('heldBack.reason: expected "order", is "rate"');
    expect(failure).toContain('heldBack: expected {"reason":"order"}, is null');
    await expect(expectNotEnqueued(queue, nothing, { heldBack: { key: "api" } })).rejects.toThrow(ExpectationError);
  });

  test.each([{ why: "rate" }, { reason: "speed" }, "rate"])(
    "that could never match is refused: %j",
    async (heldBack) => {
      const queue = await held();
      const refusal = { code: "invalid_request" };
      await expect(expectEnqueued(queue, nothing, { heldBack: heldBack as never })).rejects.toMatchObject(refusal);
      await expect(expectNotEnqueued(queue, nothing, { heldBack: heldBack as never })).rejects.toMatchObject(refusal);
    },
  );
});

describe("children", () => {
  test("selects jobs by what became of their children, and null those that have none", async () => {
    const queue = new Queue({ store: memoryStore(), jobs: [nothing, other] });
    const child = { job: other, payload: { deep: { a: 1, b: 2 } } };
    await queue.enqueue(nothing, undefined, { id: "two", children: [child, child] });
    await queue.enqueue(nothing, undefined, { id: "one", children: [child] });
    await queue.enqueue(nothing, undefined, { id: "none" });
    await queue.cancel((await queue.listChildren("two")).jobs[0]?.id ?? "");
    const ids = (jobs: readonly { id: string }[]) => jobs.map(({ id }) => id).sort();
    expect(ids(await expectEnqueued(queue, nothing, { children: { pending: 1 } }))).toEqual(["one", "two"]);
    expect(ids(await expectEnqueued(queue, nothing, { children: { total: 2, dropped: 1 } }))).toEqual(["two"]);
    expect(ids(await expectEnqueued(queue, nothing, { children: null }))).toEqual(["none"]);
    await expectEnqueued(queue, other, { count: 2 });
    const failure = await expectEnqueued(queue, nothing, { id: "two", children: { total: 3 } }).catch(String);
    expect(failure).toContain("children.total: expected 3, is 2");
    await expect(expectEnqueued(queue, nothing, { children: { all: 3 } as object })).rejects.toMatchObject({
      code: "invalid_request",
    });
  });
});

describe("waitingFor", () => {
  test("selects jobs by the signals that they wait for, and null those that wait for none", async () => {
    const asks = defineJob({
      name: "asks",
      perform: (user: number, job) => job.waitFor([`reply-${user}`, "stop"], { timeout: "7d" }),
    });
    const queue = new Queue({ store: memoryStore(), jobs: [asks], clock: testClock(start) });
    await queue.enqueue(asks, 42, { id: "waits" });
    await queue.drain();
    await queue.enqueue(asks, 43, { id: "begins" });
    const until = new Date(start + 7 * 86_400_000);
    const ids = (jobs: readonly { id: string }[]) => jobs.map(({ id }) => id);
    const events = ["reply-42", "stop"];
    expect(ids(await expectEnqueued(queue, asks, { waitingFor: { events, until } }))).toEqual(["waits"]);
    expect(ids(await expectEnqueued(queue, asks, { waitingFor: { until } }))).toEqual(["waits"]);
    expect(ids(await expectEnqueued(queue, asks, { waitingFor: null }))).toEqual(["begins"]);
    await expectNotEnqueued(queue, asks, { waitingFor: { events: ["reply-43", "stop"] } });
    const failure = await expectEnqueued(queue, asks, { waitingFor: { events: ["reply-7", "stop"] } }).catch(String);
    expect(failure).toContain('waitingFor.events[0]: expected "reply-7", is "reply-42"');
    await expect(expectEnqueued(queue, asks, { waitingFor: { event: "stop" } as object })).rejects.toMatchObject({
      code: "invalid_request",
    });
  });
});

describe("expectNotEnqueued", () => {
  test("passes if no job matches, and shows those that do", async () => {
    const { queue } = await setUp();
    await expectNotEnqueued(queue, sendEmail, { payload: { to: "eve@example.com" } });
    await expectNotEnqueued(queue, nothing);
    await expect(expectNotEnqueued(queue, sendEmail, { payload: { to: "bob@example.com" } })).rejects.toThrow(
      'No job "send_email" with payload {"to":"bob@example.com"} should have been enqueued in queue "default".\n  matches: bob',
    );
  });
});

describe("an assertion that could never fail is refused:", () => {
  const invalid = { code: "invalid_request" };

  test.for([{ count: 1 }, { payloads: { to: "ada" } }, { runat: start }])("the option of %j", async (options) => {
    const { queue } = await setUp();
    await expect(expectNotEnqueued(queue, sendEmail, options as object)).rejects.toMatchObject(invalid);
    await expect(enqueued(queue, sendEmail, options as object)).rejects.toMatchObject(invalid);
    if (!("count" in options)) {
      await expect(expectEnqueued(queue, sendEmail, options as object)).rejects.toMatchObject(invalid);
    }
  });

  test("a name that none of the queue's jobs has, unless the queue has no jobs at all", async () => {
    const { queue } = await setUp();
    const message = /No job of the queue is named "send_emial"\. Known names: send_email, other/;
    await expect(expectNotEnqueued(queue, "send_emial")).rejects.toThrow(message);
    await expect(expectEnqueued(queue, "send_emial")).rejects.toThrow(message);
    await expect(enqueued(queue, "send_emial")).rejects.toThrow(message);
    await expectNotEnqueued(new Queue({ store: memoryStore() }), "send_emial");
  });

  test.for([
    ["that is asynchronous", async (): Promise<unknown> => false],
    ["that returns nothing", (): unknown => undefined],
  ] as const)("a function for the payload %s", async ([, payload]) => {
    const { queue } = await setUp();
    const expected = { payload: payload as never };
    await expect(expectEnqueued(queue, sendEmail, expected)).rejects.toThrow("must return true or false");
    await expect(expectNotEnqueued(queue, sendEmail, expected)).rejects.toThrow("must return true or false");
  });

  test.for([
    ["payload", "Map", new Map([["to", "bob"]])],
    ["payload", "RegExp", /bob/],
    ["payload.to", "Set", { to: new Set(["bob"]) }],
    ["payload.tags[1]", "RegExp", { tags: ["a", /b/] }],
    ["payload.to", "function", { to: () => true }],
    ["payload.to", "NaN", { to: Number.NaN }],
    ["payload.to", "bigint", { to: 7n }],
    ["payload.to", "Promise", { to: Promise.resolve("bob") }],
  ] as const)("%s with a %s", async ([path, kind, payload]) => {
    const { queue } = await setUp();
    const message = `${path}: payloads are stored as JSON, which holds no ${kind}.`;
    await expect(expectEnqueued(queue, "send_email", { payload })).rejects.toThrow(message);
    await expect(expectNotEnqueued(queue, "other", { payload })).rejects.toThrow(message);
  });
});

test("a field that is undefined, -0 and a URL are compared as they are stored", async () => {
  const { queue } = await setUp();
  const to = new URL("https://ada.example.com/");
  await queue.enqueue(nothing, { to, zero: -0 } as never);
  await expectEnqueued(queue, nothing, { payload: { to, zero: -0, other: undefined } as never });
});
