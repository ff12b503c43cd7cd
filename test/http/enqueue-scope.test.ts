import { describe, expect, test } from "vitest";
import { dashboard } from "../../src/http/dashboard/index.ts";
import type { HandlerOptions } from "../../src/http/handler.ts";
import { defineJob } from "../../src/index.ts";
import { cookieOf } from "../dashboard/dashboard-handler.ts";
import { start } from "../support/clock.ts";
import { setUp, snapshot } from "./memory-handler.ts";

const auth = { enqueue: ["enqueue-token"], read: ["read-token-of-test"], admin: ["admin-token-of-test"] };
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
const enqueuer = bearer("enqueue-token");

const at = (days: number) => new Date(start + days * 86_400_000).toISOString();
const email = { name: "send_email", payload: { to: "ada" } };

/** Who sends a request: what the handler is given for it, and the headers that it has. */
type Sender = readonly [string, Partial<HandlerOptions>, Record<string, string>];
const onlyEnqueue: Sender = ["the scope enqueue", { auth }, enqueuer];
const withAll: Sender = ['the scope enqueue and enqueueOptions: "all"', { auth, enqueueOptions: "all" }, enqueuer];
const free: readonly Sender[] = [
  ["the scope admin", { auth }, bearer("admin-token-of-test")],
  ['auth: "none"', { auth: "none" }, {}],
  [
    "the scopes enqueue and admin",
    { auth: { enqueue: ["token-of-both"], admin: ["token-of-both"] } },
    bearer("token-of-both"),
  ],
];

/** The ways in which POST /jobs takes a job. The wrong one stands behind one that is right. */
const forms = [
  ["alone", "/jobs", (job: object) => job],
  ["in an array", "/jobs", (job: object) => [email, job]],
  ["in an array with each=true", "/jobs?each=true", (job: object) => [email, job]],
] as const;

interface Told {
  readonly code: string;
  readonly detail: string;
}

/** Sends a job in each form, and gives what became of it: "taken", or the refusal. */
async function sendInEachForm(job: object, [, handler, headers]: Sender): Promise<readonly (Told | "taken")[]> {
  const told: (Told | "taken")[] = [];
  for (const [form, path, bodyOf] of forms) {
    const { call, queue } = setUp({ handler });
    const before = await snapshot(queue);
    const { status, body } = await call("POST", path, bodyOf(job), headers);
    const own = (status === 200 ? (body["jobs"] as Record<string, unknown>[]).at(-1) : body) ?? {};
    const problem = (own["error"] ?? own) as Partial<Told>;
    told.push(problem.code === undefined ? "taken" : { code: problem.code, detail: String(problem.detail) });
    // Only with each=true is the job beside it stored.
    if (status >= 400) expect(await snapshot(queue), form).toBe(before);
    else expect((await queue.getStats()).totalEnqueued).toBe(bodyOf(job) === job || own["error"] ? 1 : 2);
  }
  return told;
}

const taken = ["taken", "taken", "taken"];
const refused = (code: string, detail: RegExp) => forms.map(() => ({ code, detail: expect.stringMatching(detail) }));

describe("with the scope enqueue, POST /jobs takes", () => {
  test.each<[string, object]>([
    ["a payload alone", {}],
    ["an id", { id: "mail-7" }],
    ["a delay", { delay: "90d" }],
    ["a run time", { runAt: at(90) }],
    ["a run time in the past", { runAt: at(-400) }],
    ["when it expires", { expires: "10m" }],
    ["a dedupe key", { dedupe: { key: "ada", ttl: "7d" } }],
    ["a dedupe key that replaces", { dedupe: { key: "ada", ttl: "7d", replace: true } }],
    ["a flow control key", { flowControl: { key: "tenant-7" } }],
  ])("%s", async (_, options) => {
    for (const sender of [onlyEnqueue, withAll, ...free])
      expect(await sendInEachForm({ ...email, ...options }, sender), sender[0]).toEqual(taken);
  });
});

describe("with the scope enqueue, POST /jobs refuses what the definition decides:", () => {
  test.each<[string, object]>([
    ["maxRetries", { maxRetries: 0 }],
    ["maxRetries", { maxRetries: 500 }],
    ["backoff", { backoff: { type: "fixed", base: 0 } }],
    ["timeout", { timeout: "29000d" }],
    ["timeout", { timeout: "1s" }],
    ["flowControl.concurrency", { flowControl: { key: "k", concurrency: 1 } }],
    ["flowControl.rate", { flowControl: { key: "k", rate: 1_000_000_000, period: "1m" } }],
    ["flowControl.ordered", { flowControl: { key: "k", ordered: true } }],
    ["flowControl.ordered", { flowControl: { key: "k", ordered: false } }],
  ])("%s (%j)", async (field, options) => {
    const job = { ...email, ...options };
    const detail = new RegExp(`^(Job 1: )?${field} needs .*"admin", or .*enqueueOptions: "all"`);
    expect(await sendInEachForm(job, onlyEnqueue)).toEqual(refused("forbidden", detail));
    for (const sender of [withAll, ...free]) expect(await sendInEachForm(job, sender), sender[0]).toEqual(taken);
  });

  test("flowControl.period, with or without its rate", async () => {
    const { call } = setUp({ handler: { auth } });
    const answer = await call("POST", "/jobs", { ...email, flowControl: { key: "k", period: "1m" } }, enqueuer);
    expect(answer).toMatchObject({
      status: 403,
      body: { detail: expect.stringMatching(/^flowControl\.period needs/) },
    });
  });

  test.each([onlyEnqueue, withAll])("cron, which makes a schedule, with %s", async (_, handler, headers) => {
    const { call, queue } = setUp({ handler });
    const { status, body } = await call("POST", "/jobs", { ...email, cron: "* * * * *" }, headers);
    expect({ status, body }).toMatchObject({
      status: 403,
      body: { code: "forbidden", detail: 'cron needs a token with the scope "admin".' },
    });
    for (const [, path, bodyOf] of forms.slice(1))
      expect((await call("POST", path, bodyOf({ ...email, cron: "* * * * *" }), headers)).text).toMatch(
        /Unknown option/,
      );
    expect(await queue.schedules.list()).toEqual([]);
  });
});

describe("with the scope enqueue, POST /jobs has bounds:", () => {
  const large = { ...email, payload: { to: "x".repeat(1024 * 1024) } };
  test.each<[string, object, string, RegExp]>([
    ["delay", { ...email, delay: "91d" }, "forbidden", /delay is longer than 90d.*enqueueLimits\.maxDelay/],
    ["runAt", { ...email, runAt: at(91) }, "forbidden", /runAt is longer than 90d.*enqueueLimits\.maxDelay/],
    ["runAt", { ...email, runAt: "2108-01-01T00:00:00Z" }, "forbidden", /runAt is longer than 90d/],
    [
      "dedupe.ttl",
      { ...email, dedupe: { key: "index-shop", ttl: "29000d" } },
      "forbidden",
      /dedupe\.ttl is longer than 7d.*enqueueLimits\.maxDedupeTtl/,
    ],
    ["the payload", large, "payload_too_large", /larger than 1048576 bytes.*enqueueLimits\.maxPayloadBytes/],
  ])("%s (%#)", async (_, job, code, detail) => {
    for (const sender of [onlyEnqueue, withAll])
      expect(await sendInEachForm(job, sender), sender[0]).toEqual(refused(code, detail));
    for (const sender of free) expect(await sendInEachForm(job, sender), sender[0]).toEqual(taken);
  });

  const short = { name: "fails", payload: "12345678", delay: "1h", dedupe: { key: "k", ttl: "1m" } };
  test.each<[number, object]>([
    [201, short],
    [413, { ...short, payload: "123456789" }],
    [413, { ...short, payload: "ééééé" }],
    [403, { ...short, delay: "61m" }],
    [403, { ...short, dedupe: { key: "k", ttl: "61s" } }],
  ])("enqueueLimits tighten them: %i for %j", async (status, job) => {
    const enqueueLimits = { maxDelay: "1h", maxDedupeTtl: "1m", maxPayloadBytes: 10 } as const;
    const { call } = setUp({ handler: { auth, enqueueLimits } });
    expect((await call("POST", "/jobs", job, enqueuer)).status).toBe(status);
  });

  test("enqueueLimits lift them", async () => {
    const enqueueLimits = { maxDelay: "29000d", maxDedupeTtl: "29000d", maxPayloadBytes: 2_000_000 } as const;
    const sender: Sender = ["", { auth, enqueueLimits }, enqueuer];
    const longest = { delay: "10000d", dedupe: { key: "k", ttl: "10000d" } } as const;
    expect(await sendInEachForm({ ...large, ...longest }, sender)).toEqual(taken);
  });
});

test("the scope enqueue with read is bounded like enqueue alone, also in a session of the dashboard", async () => {
  const both = { enqueue: ["token-of-both"], read: ["token-of-both"], admin: auth.admin };
  const { call, app, queue } = setUp({ handler: { auth: both, dashboard: dashboard() } });
  const job = { ...email, maxRetries: 500 };
  expect((await call("POST", "/jobs", job, bearer("token-of-both"))).status).toBe(403);
  const signIn = new Request("http://queue.test/dashboard/sign-in", {
    method: "POST",
    headers: { Origin: "http://queue.test", Accept: "text/html" },
    body: new URLSearchParams({ token: "token-of-both" }),
  });
  const Cookie = cookieOf(await app.fetch(signIn));
  const { body } = await call("GET", "/dashboard/data?view=overview", undefined, { Cookie });
  const headers = { Cookie, Origin: "http://queue.test", "Tidegate-CSRF": String(body["csrf"]) };
  expect((await call("POST", "/jobs", job, headers)).body).toMatchObject({ code: "forbidden" });
  expect((await queue.getStats()).totalEnqueued).toBe(0);
  expect((await call("POST", "/jobs", email, headers)).status).toBe(201);
});

describe("a flow control key that a token with the scope enqueue chooses", () => {
  const provider = { key: "mail-provider", rate: 10, period: "1m" } as const;
  const mail = defineJob({ name: "mail", flowControl: provider, perform() {} });
  const free = defineJob({ name: "free", perform() {} });
  const slow = defineJob({ name: "slow", flowControl: { key: "slow", concurrency: 1 }, perform() {} });
  const open = () => setUp({ handler: { auth }, queue: { jobs: [mail, free, slow] } });
  const asFree = { name: "free", flowControl: { key: "mail-provider" } };
  const asSlow = { ...asFree, name: "slow" };

  test.each([
    ["alone", "/jobs", [asFree, asSlow]],
    ["in an array", "/jobs", [[asFree, asSlow]]],
    ["in an array with each=true", "/jobs?each=true", [[asFree, asSlow]]],
    ["as children", "/jobs", [{ name: "free", children: [asFree, asSlow] }]],
  ])("keeps the limits that it has, with jobs %s", async (_, path, bodies) => {
    const { call, queue } = open();
    await queue.enqueue(mail, undefined, { delay: "1h" });
    const limits = await queue.flowControl.get("mail-provider");
    expect(limits).toMatchObject({ rate: 10, period: 60_000, waiting: 1 });
    for (const body of bodies) expect([200, 201]).toContain((await call("POST", path, body, enqueuer)).status);
    expect(await queue.flowControl.get("mail-provider")).toEqual({ ...limits, waiting: 3 });
  });

  test("has those of the job's definition if nothing is known of it", async () => {
    const { call, queue } = open();
    await call("POST", "/jobs", { name: "slow", flowControl: { key: "fast" } }, enqueuer);
    expect(await queue.flowControl.get("fast")).toMatchObject({ concurrency: 1, rate: null });
    await queue.enqueue(mail, undefined, { flowControl: { key: "fast" } });
    expect(await queue.flowControl.get("fast")).toMatchObject({ concurrency: null, rate: 10, waiting: 2 });
  });

  test("gets the limits of the definition where a token with the scope admin chooses it, as in code", async () => {
    const { call, queue } = open();
    await queue.enqueue(mail, undefined, { delay: "1h" });
    await call("POST", "/jobs", asFree, bearer("admin-token-of-test"));
    expect(await queue.flowControl.get("mail-provider")).toMatchObject({ rate: null, waiting: 2 });
  });
});

describe("GET /jobs/:id with the scope enqueue", () => {
  const pay = defineJob({
    name: "pay",
    maxRetries: 1,
    backoff: { type: "fixed", base: 0 },
    perform(_: unknown, job) {
      job.log("connecting to postgres://app:hunter2@db.internal/shop");
      throw new RangeError("postgres://app:hunter2@db.internal/shop refused");
    },
  });

  test("shows the name of each error, but no message, no stack and no log lines", async () => {
    const { call, queue } = setUp({ handler: { auth }, queue: { jobs: [pay], logger: null } });
    await queue.enqueue(pay, { card: "1" }, { id: "order-7" });
    await queue.drain();
    await queue.drain();
    const shown = await call("GET", "/jobs/order-7", undefined, enqueuer);
    expect(shown.text).not.toMatch(/hunter2|stack|\.ts/);
    const error = { name: "RangeError", message: expect.stringContaining('the scope "read"') };
    expect(shown.body).toMatchObject({
      state: "dead",
      payload: { card: "1" },
      error,
      errors: [
        { ...error, attempt: 1, failedAt: at(0) },
        { ...error, attempt: 2, failedAt: at(0) },
      ],
      logs: [],
    });
    for (const token of ["read-token-of-test", "admin-token-of-test"]) {
      const { body } = await call("GET", "/jobs/order-7", undefined, bearer(token));
      expect(body).toMatchObject({
        error: { message: expect.stringContaining("hunter2"), stack: expect.any(String) },
        logs: [{ attempt: 1 }, { attempt: 2 }],
      });
    }
  });

  test("shows the steps of a job and what it waits for, without results, errors and data of signals", async () => {
    const onboard = defineJob({
      name: "onboard",
      maxRetries: 0,
      async perform(_: undefined, job) {
        await job.step("token", () => ({ secret: "hunter2" }));
        await job.step("call", () => Promise.reject(new RangeError("hunter2 refused"))).catch(() => {});
        await job.waitFor("approved", { timeout: "1h" });
        await job.waitFor("left", { timeout: "1h" });
      },
    });
    const { call, queue } = setUp({ handler: { auth }, queue: { jobs: [onboard], logger: null } });
    await queue.enqueue(onboard, undefined, { id: "a" });
    await queue.signal("approved", "hunter2");
    await queue.drain();
    const { body, text } = await call("GET", "/jobs/a", undefined, enqueuer);
    expect(text).not.toMatch(/hunter2|RangeError/);
    const times = { startedAt: at(0), endedAt: at(0), attempt: 1 };
    expect(body["steps"]).toEqual([
      { name: "token", kind: "step", state: "completed", ...times },
      { name: "call", kind: "step", state: "failed", ...times },
      { name: "approved", kind: "wait", state: "completed", ...times, until: expect.any(String) },
      { name: "left", kind: "wait", state: "waiting", ...times, endedAt: null, until: at(1 / 24) },
    ]);
    expect(body["waitingFor"]).toEqual({ events: ["left"], until: at(1 / 24) });
    for (const token of ["read-token-of-test", "admin-token-of-test"]) {
      const { steps } = (await call("GET", "/jobs/a", undefined, bearer(token))).body;
      expect(steps).toMatchObject([
        { result: { secret: "hunter2" } },
        { error: { name: "RangeError", message: "hunter2 refused" } },
        { result: "hunter2" },
        {},
      ]);
    }
  });

  test("shows the result of a job", async () => {
    const { call, queue } = setUp({ handler: { auth } });
    await queue.enqueue("send_email", email.payload, { id: "a" });
    await queue.drain();
    const { body } = await call("GET", "/jobs/a", undefined, enqueuer);
    expect(body).toMatchObject({ state: "completed", result: { sent: true }, errors: [] });
    expect(body).not.toHaveProperty("error");
  });
});

test("the error for an unknown job lists the jobs of the queue only to those who may read", async () => {
  const unknown = { name: "send_mail", payload: { to: "ada" } };
  for (const told of await sendInEachForm(unknown, onlyEnqueue))
    expect(told).toEqual({
      code: "invalid_request",
      detail: expect.stringMatching(/^(Job 1: )?No job is named "send_mail"\. (?!.*(send_email|fails))/),
    });
  const both = { enqueue: ["token-of-both"], read: ["token-of-both"] };
  for (const sender of [...free, ["", { auth: both }, bearer("token-of-both")] as const])
    expect(await sendInEachForm(unknown, sender)).toEqual(
      refused("invalid_request", /This queue knows: send_email, fails/),
    );
});
