import { describe, expect, test } from "vitest";
import { QueueClient } from "../../src/client/index.ts";
import { dashboard } from "../../src/http/dashboard/index.ts";
import { createHandler } from "../../src/http/handler.ts";
import { defineJob, memoryStore, Queue, type QueueOptions } from "../../src/index.ts";
import { createQStash } from "../../src/qstash/index.ts";
import { clockByHand, start } from "../support/clock.ts";
import { signingKeys } from "./served-qstash.ts";

// What belongs to the interface, and who may do what to it, by every door of the handler and of a queue.

const tokens = {
  enqueue: "the-enqueue-token",
  drain: "the-drain-token",
  read: "the-read-token",
  admin: "the-admin-token",
  qstash: "the-qstash-token",
};
type Caller = keyof typeof tokens;
const callers = Object.keys(tokens) as readonly Caller[];

const url = "https://app.test/hook";
const message = { url, method: "POST", header: {}, body: "forged" };
const ofRun = { ...message, workflow: { runId: "wfr_mine", createdAt: 0, role: "step" } };
const plain = defineJob({ name: "plain", perform() {} });

function made(options: Partial<QueueOptions> = {}) {
  const store = memoryStore();
  const clock = clockByHand(start);
  const qstash = createQStash({
    ...{ tokens: [tokens.qstash], signingKeys, targets: ["https://app.test/*"] },
    fetch: async () => new Response("", { status: 500 }),
  });
  const queue = new Queue({ store, jobs: [...qstash.jobs, plain], clock, logger: null, ...options });
  const { enqueue, drain, read, admin } = tokens;
  const auth = { enqueue: [enqueue], drain: [drain], read: [read], admin: [admin] };
  const app = createHandler({ queue, auth, qstash, dashboard: dashboard(), eager: false });
  const call = async (caller: Caller, method: string, path: string, body?: unknown, more: object = {}) => {
    const headers = { Authorization: `Bearer ${tokens[caller]}`, "Content-Type": "application/json", ...more };
    const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const answer = await app.fetch(new Request(`http://queue.test${path}`, init));
    const text = await answer.text();
    return { status: answer.status, text, body: text.startsWith("{") ? JSON.parse(text) : {} };
  };
  return { store, clock, qstash, queue, app, call };
}

/** A queue with a message that waits, one that is dead, the same of runs, a schedule and a queue of the interface. */
async function full() {
  const parts = made();
  const { call, queue } = parts;
  const send = async (method: string, path: string, headers: Record<string, string> = {}, body: unknown = "x") => {
    const answer = await call("qstash", method, `/v2/${path}`, body, headers);
    expect(answer.status, answer.text).toBeLessThan(300);
    return String(answer.body.messageId);
  };
  const dead = await send("POST", `publish/${url}`, { "Upstash-Retries": "0" });
  const run = (id: string) => ({ "Upstash-Workflow-RunId": `wfr_${id}`, "Upstash-Workflow-Init": "true" });
  await send("POST", `publish/${url}`, { ...run("failed"), "Upstash-Retries": "0" });
  for (const _ of [1, 2]) await queue.drain();
  await send("POST", `publish/${url}`, { ...run("mine"), "Upstash-Delay": "1h" });
  const waiting = await send("POST", `publish/${url}`, {
    "Upstash-Delay": "1h",
    "Upstash-Forward-X-Tenant": "the-forwarded-header",
    "Upstash-Forward-Authorization": "Bearer the-credential",
  });
  await send("POST", `schedules/${url}`, { "Upstash-Cron": "0 9 * * *", "Upstash-Schedule-Id": "nightly" });
  await send("POST", "queues", {}, { queueName: "exports", parallelism: 1 });
  return { ...parts, ids: { waiting, dead, ofRun: "wfr_mine:0", deadOfRun: "wfr_failed:0" } };
}

const snapshotOf = async (queue: Queue) =>
  JSON.stringify([
    ...[await queue.getStats(), await queue.listJobs({ limit: 1_000 }), await queue.listDeadLetter()],
    ...[await queue.schedules.list(), await queue.flowControl.list()],
  ]);

/** What a door answers to each caller that has its scope. Others get 403, and the token of the interface 401. */
interface Door {
  readonly what: string;
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly answers: Partial<Record<Caller, number>>;
}

const refused = { enqueue: 403, admin: 403 };
const enqueue = (what: string, body: object, answers: Door["answers"] = refused): Door => ({
  ...{ what: `enqueue ${what}`, method: "POST", path: "/jobs" },
  ...{ body, answers },
});
const byAdmin = (what: string, method: string, path: string, admin: number, body?: unknown): Door => ({
  ...{ what, method, path, body, answers: { admin } },
});
const occurrence = "nightly@2026-03-01T09:00:00.000Z";

const doors: readonly Door[] = [
  enqueue("a message", { name: "qstash_deliver", payload: message }),
  enqueue("a message of a run", { name: "qstash_deliver", payload: ofRun, id: "wfr_mine:1" }),
  enqueue("a fan-out", { name: "qstash_fan_out", payload: { destination: { url }, message } }),
  enqueue("a name to come", { name: "qstash_else" }),
  enqueue("a message among others", [{ name: "plain" }, { name: "qstash_deliver", payload: message }] as object),
  enqueue("under the id of a run's message", { name: "plain", id: "wfr_mine:1" }),
  enqueue("under the id of a callback", { name: "plain", id: "qstash:a-message:callback" }),
  enqueue("under the id of a scheduled message", { name: "plain", id: `${occurrence}:0` }),
  enqueue("under the id of a scheduled message's callback", { name: "plain", id: `${occurrence}:callback` }),
  enqueue("under the key of a queue", { name: "plain", flowControl: { key: "qstash:queue:exports", ordered: true } }),
  enqueue("under a flow control key", { name: "plain", flowControl: { key: "qstash:key:crm", concurrency: 9 } }),
  enqueue("under a deduplication id", { name: "plain", dedupe: { key: "qstash:id:hash", ttl: "1h" } }),
  enqueue("a schedule of messages", { name: "qstash_deliver", payload: message, cron: "* * * * *" }),
  enqueue("something else", { name: "plain", id: "order-wfr_7" }, { enqueue: 201, admin: 201 }),
  byAdmin("set a schedule of messages", "PUT", "/schedules/own", 403, { name: "qstash_deliver", cron: "* * * * *" }),
  byAdmin("replace a schedule", "PUT", "/schedules/nightly", 403, { name: "plain", cron: "* * * * *" }),
  byAdmin("set a schedule under the id of a run", "PUT", "/schedules/wfr_mine:1", 403, {
    ...{ name: "plain", cron: "* * * * *" },
  }),
  byAdmin("pause a schedule", "POST", "/schedules/nightly/pause", 200),
  byAdmin("run a schedule", "POST", "/schedules/nightly/run", 201),
  byAdmin("remove a schedule", "DELETE", "/schedules/nightly", 204),
  byAdmin("set the limits of a queue", "PUT", "/flow-control/qstash:queue:exports", 403, { concurrency: 9 }),
  byAdmin("unpin the limits of a queue", "DELETE", "/flow-control/qstash:queue:exports", 403),
  byAdmin("pause a queue", "POST", "/flow-control/qstash:queue:exports/pause", 200),
  byAdmin("resume a queue", "POST", "/flow-control/qstash:queue:exports/resume", 200),
  byAdmin("correct a message", "PATCH", "/jobs/WAITING", 200, { payload: message }),
  byAdmin("correct a message to another target", "PATCH", "/jobs/WAITING", 422, {
    payload: { ...message, url: "https://evil.test/" },
  }),
  byAdmin("make a message one of a run", "PATCH", "/jobs/WAITING", 403, { payload: ofRun }),
  byAdmin("give a message a callback to a run", "PATCH", "/jobs/WAITING", 403, {
    payload: { ...message, callback: { ...ofRun, retries: 3 } },
  }),
  byAdmin("change a message of a run", "PATCH", "/jobs/OF_RUN", 403, { payload: message }),
  byAdmin("move a message of a run", "PATCH", "/jobs/OF_RUN", 200, { delay: "2h" }),
  byAdmin("cancel a message", "DELETE", "/jobs/WAITING", 204),
  byAdmin("cancel all messages", "POST", "/jobs/cancel", 200, { name: "qstash_deliver" }),
  byAdmin("move all messages", "POST", "/jobs/reschedule", 200, { name: "qstash_deliver", delay: "2h" }),
  byAdmin("retry a message", "POST", "/dead-letter/DEAD/retry", 200, {}),
  byAdmin("retry a message with corrections", "POST", "/dead-letter/DEAD/retry", 200, { payload: message }),
  byAdmin("retry a message as one of a run", "POST", "/dead-letter/DEAD/retry", 403, { payload: ofRun }),
  byAdmin("retry a message of a run", "POST", "/dead-letter/DEAD_OF_RUN/retry", 200, {}),
  byAdmin("change a dead message of a run", "POST", "/dead-letter/DEAD_OF_RUN/retry", 403, { payload: message }),
  byAdmin("change all dead messages", "POST", "/dead-letter/retry", 403, { all: true, payload: message }),
  byAdmin("retry all dead messages", "POST", "/dead-letter/retry", 200, { all: true }),
  byAdmin("remove a dead message", "DELETE", "/dead-letter/DEAD", 204),
  ...["WAITING", "DEAD", "OF_RUN", "DEAD_OF_RUN"].map((id) => ({
    ...{ what: `see the message ${id}`, method: "GET", path: `/jobs/${id}` },
    answers: { enqueue: 403, read: 200, admin: 200 },
  })),
  ...["/jobs?state=scheduled", "/dead-letter", "/failures", "/schedules", "/schedules/nightly", "/flow-control"].map(
    (path) => ({ what: `read ${path}`, method: "GET", path, answers: { read: 200, admin: 200 } }),
  ),
];

describe.each(["", "/queues/default"])("what belongs to QStash's interface, by the handler's own routes%s", (place) => {
  // A caller who is refused leaves the world as it was, for those after it.
  let world: ReturnType<typeof full> | undefined;

  test.each(doors)("$what", async ({ method, path, body, answers }) => {
    for (const caller of callers) {
      world ??= full();
      const { call, queue, ids } = await world;
      const target = path
        .replace("DEAD_OF_RUN", ids.deadOfRun)
        .replace("OF_RUN", ids.ofRun)
        .replace("WAITING", ids.waiting)
        .replace("DEAD", ids.dead);
      const before = await snapshotOf(queue);
      const answer = await call(caller, method, place + target, body);
      expect([caller, answer.status, answer.text]).toEqual([
        ...[caller, answers[caller] ?? (caller === "qstash" ? 401 : 403)],
        expect.anything(),
      ]);
      expect(answer.text).not.toContain("the-credential");
      if (answer.status === 403) expect(answer.body).toMatchObject({ code: "forbidden" });
      if (answer.status >= 400) {
        expect(answer.text).not.toContain("the-forwarded-header");
        expect(await snapshotOf(queue)).toBe(before);
      } else if (method !== "GET") world = undefined;
    }
  });
});

test.each([
  ["POST", `publish/${url}`],
  ["POST", "batch"],
  ["POST", `enqueue/exports/${url}`],
  ["GET", "messages/WAITING"],
  ["DELETE", "messages/WAITING"],
  ["GET", "dlq"],
  ["GET", "schedules"],
  ["GET", "queues"],
  ["GET", "flowControl"],
  ["GET", "topics"],
  ["GET", "keys"],
  ["GET", "workflows/events"],
  ["POST", "notify/event"],
])("the interface takes its own tokens alone: %s /v2/%s", async (method, path) => {
  const { call, ids } = await full();
  const body = path === "batch" ? [{ destination: url }] : method === "POST" ? "x" : undefined;
  const statuses = callers.map(async (caller) => {
    const { status } = await call(caller, method, `/v2/${path.replace("WAITING", ids.waiting)}`, body);
    return [caller, status < 300 ? "does it" : status];
  });
  const expected = { enqueue: 401, drain: 401, read: 401, admin: 401, qstash: "does it" };
  expect(Object.fromEntries(await Promise.all(statuses))).toEqual(expected);
});

test("among jobs that are enqueued each for itself, only those of the interface are refused", async () => {
  const { call, queue } = made();
  const jobs = [{ name: "qstash_deliver", payload: message }, { name: "plain" }, { name: "plain", id: "wfr_mine:1" }];
  const { status, body } = await call("enqueue", "POST", "/jobs?each=true", jobs);
  expect([status, body.jobs]).toMatchObject([
    200,
    [{ error: { status: 403, code: "forbidden" } }, { status: "enqueued" }, { error: { code: "forbidden" } }],
  ]);
  expect(await queue.getStats()).toMatchObject({ totalEnqueued: 1 });
});

test("a client learns that they are forbidden", async () => {
  const { app, call } = made();
  const published = await call("qstash", "POST", `/v2/publish/${url}`, "x", { "Upstash-Delay": "1h" });
  const answer: typeof fetch = async (input, init) => app.fetch(new Request(input, init));
  const client = new QueueClient({ url: "http://queue.test", token: tokens.enqueue, fetch: answer });
  await expect(client.enqueue("qstash_deliver", message)).rejects.toMatchObject({ code: "forbidden" });
  await expect(client.getJob(published.body.messageId)).rejects.toMatchObject({ code: "forbidden" });
});

describe.each([
  ["with the jobs of the interface", () => made().queue],
  ["with other jobs", () => new Queue({ store: memoryStore(), jobs: [plain] })],
  ["without jobs", () => new Queue({ store: memoryStore() })],
])("in code, a queue %s refuses", (_, create) => {
  const [delivery] = made().qstash.jobs;
  const definition = delivery ?? plain;
  const recurring = { cron: "* * * * *" };
  test.each<[string, (queue: Queue) => Promise<unknown>]>([
    ["a message", (queue) => queue.enqueue("qstash_deliver", message)],
    ["a message by its definition", (queue) => queue.enqueue(definition, message)],
    ["a message among others", (queue) => queue.enqueueMany([{ job: "qstash_deliver", payload: message }])],
    ["a recurring message", (queue) => queue.enqueue("qstash_deliver", message, recurring)],
    ["a schedule of messages", (queue) => queue.schedules.upsert("own", { job: "qstash_deliver", ...recurring })],
    ["an id of a run", (queue) => queue.enqueue(plain, undefined, { id: "wfr_mine:1" })],
    ["a key of a queue", (queue) => queue.enqueue(plain, undefined, { flowControl: { key: "qstash:queue:exports" } })],
    ["a deduplication id", (queue) => queue.enqueue(plain, undefined, { dedupe: { key: "qstash:id:x", ttl: "1h" } })],
    ["limits for a key", (queue) => queue.flowControl.set("qstash:key:crm", { concurrency: 1 })],
    ["to unpin a key", (queue) => queue.flowControl.unset("qstash:key:crm")],
  ])("%s", async (_, act) => {
    const queue = create();
    await expect(act(queue)).rejects.toMatchObject({
      name: "ReservedError",
      code: "invalid_request",
      message: expect.stringContaining("reserved"),
    });
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
  });
});

describe("a definition", () => {
  const reserved = expect.objectContaining({ code: "invalid_request", message: expect.stringContaining("reserved") });

  test("takes no name of the interface", () => {
    expect(() => defineJob({ name: "qstash_deliver", perform() {} })).toThrow(reserved);
    expect(() => new Queue({ store: memoryStore(), jobs: [{ name: "qstash_own", perform() {} }] })).toThrow(reserved);
  });

  test("takes no flow control key of the interface, be it fixed or computed", async () => {
    const key = "qstash:queue:exports";
    const fixed = defineJob({ name: "fixed", flowControl: { key }, perform() {} });
    const computed = defineJob({ name: "computed", flowControl: { key: () => key }, perform() {} });
    const queue = new Queue({ store: memoryStore() });
    for (const job of [fixed, computed]) {
      await expect(queue.enqueue(job)).rejects.toEqual(reserved);
      await expect(queue.schedules.upsert("own", { job, cron: "* * * * *" })).rejects.toEqual(reserved);
    }
    const schedule = { cron: "* * * * *" };
    const declared = defineJob({ name: "declared", flowControl: { key }, schedule, perform() {} });
    expect(() => new Queue({ store: memoryStore(), jobs: [declared] })).toThrow(reserved);
  });
});

test("in code, the payload of a run's message stays as it is, also in a queue that does not perform it", async () => {
  const { queue, store, clock, ids } = await full();
  for (const each of [queue, new Queue({ store, clock })]) {
    await expect(each.update(ids.ofRun, { payload: message })).rejects.toMatchObject({ code: "invalid_request" });
    await expect(each.retryFromDeadLetter(ids.deadOfRun, { payload: message })).rejects.toMatchObject({
      code: "invalid_request",
    });
  }
  await queue.update(ids.waiting, { payload: message });
  await expect(new Queue({ store, clock }).update(ids.waiting, { payload: ofRun })).rejects.toMatchObject({
    code: "invalid_request",
  });
});

test("a new run has an id that nobody else can use for a job", async () => {
  const { call } = made();
  const headers = { "Upstash-Workflow-RunId": "mine", "Upstash-Workflow-Init": "true" };
  const answer = await call("qstash", "POST", `/v2/publish/${url}`, "x", headers);
  expect([answer.status, answer.body.error]).toEqual([412, expect.stringContaining('must begin with "wfr_"')]);
});

test("a callback has an id that nobody else can use for a job", async () => {
  const { call, queue } = made();
  const headers = { "Upstash-Retries": "0", "Upstash-Failure-Callback": url };
  const { body } = await call("qstash", "POST", `/v2/publish/${url}`, "x", headers);
  await queue.drain({ maxJobs: 1 });
  const id = `qstash:${body.messageId}:failure-callback`;
  expect(await queue.getJob(id)).toMatchObject({ name: "qstash_deliver" });
  await expect(queue.enqueue(plain, undefined, { id })).rejects.toMatchObject({ name: "ReservedError" });
});
