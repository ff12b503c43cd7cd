import { describe, expect, test } from "vitest";
import { dashboard } from "../../src/http/dashboard/index.ts";
import { defineJob, memoryStore, type Store } from "../../src/index.ts";
import { cookieOf } from "../dashboard/dashboard-handler.ts";
import { start } from "../support/clock.ts";
import { onEachPlainStore } from "../support/stores.ts";
import { type SetUp, setUp, withBackground } from "./memory-handler.ts";

const at = (ms: number) => new Date(start + ms).toISOString();
const day = 24 * 3_600_000;

/** A job that drafts a greeting, and then waits for the event of its payload. */
const greet = defineJob({
  name: "greet",
  async perform(event: string, job) {
    await job.step("draft", () => ({ text: "Dear Ada", at: new Date(start) }));
    return job.waitFor(event, { timeout: "7d" });
  },
});

const withGreet = ({ handler, queue }: SetUp = {}, store: Store = memoryStore()) => ({
  handler: { ...handler },
  queue: { jobs: [greet], store, ...queue },
});

async function waiting(event: string, parts?: SetUp, store?: Store) {
  const made = setUp(withGreet(parts, store));
  await made.queue.enqueue(greet, event, { id: "a" });
  await made.queue.drain();
  return made;
}

const signalAt = (event: string) => `/signals/${encodeURIComponent(event)}`;

/** Events that a path could change, or that a store could split. */
const hostileEvents = [
  ...["a/b", "/", "a//b/", "100%", "%2F", "%", "%3A", "a:b::c", "...", "a b", "a+b", "a?b=c&d#e", '"', "\\", "'", ","],
  ...["ü", "\u{1F600}/\u{1F600}", "__proto__", "constructor", "signals", "reply-42:1", "*", "["],
  ...["x".repeat(256), "ü".repeat(256), "\u{1F600}".repeat(128), "/".repeat(256)],
];

onEachPlainStore((kind) => {
  test("POST /signals/:event wakes the job that waits, with the data of the body", async () => {
    const { call, queue } = await waiting("reply-42", {}, kind.create());
    const before = (await call("GET", "/jobs/a")).body;
    expect(before["waitingFor"]).toEqual({ events: ["reply-42"], until: at(7 * day) });
    expect(before["steps"]).toEqual([
      {
        name: "draft",
        kind: "step",
        state: "completed",
        startedAt: at(0),
        endedAt: at(0),
        attempt: 1,
        result: { text: "Dear Ada", at: at(0) },
      },
      {
        name: "reply-42",
        kind: "wait",
        state: "waiting",
        startedAt: at(0),
        endedAt: null,
        attempt: 1,
        until: at(7 * day),
      },
    ]);
    const sent = await call("POST", "/signals/reply-42", { data: { text: "yes" } });
    expect(sent).toMatchObject({ status: 200, body: { woken: 1, kept: false } });
    const woken = (await call("GET", "/jobs/a")).body;
    expect(woken["state"]).toBe("ready");
    expect(woken).not.toHaveProperty("waitingFor");
    await queue.drain();
    expect((await call("GET", "/jobs/a")).body).toMatchObject({ state: "completed", result: { text: "yes" } });
  });

  test.each(hostileEvents)("the event %s is in the path as any text is in a URL", async (event) => {
    const { call, queue } = await waiting(event, {}, kind.create());
    expect((await call("GET", "/jobs/a")).body["waitingFor"]).toMatchObject({ events: [event] });
    expect((await call("POST", signalAt(event), { data: 7 })).body).toEqual({ woken: 1, kept: false });
    await queue.drain();
    expect(await queue.getJob("a")).toMatchObject({ state: "completed", result: 7 });
  });

  test("the codes of refusals: 413 for large data, 409 for too much that is kept, and nothing is stored", async () => {
    const { call, queue } = setUp(withGreet({}, kind.create()));
    const large = await call("POST", "/signals/a", { data: "x".repeat(256 * 1024) });
    expect(large).toMatchObject({
      status: 413,
      body: { code: "payload_too_large", detail: expect.stringContaining("larger than 256 KiB") },
    });
    expect((await call("POST", "/signals/a", { data: "x".repeat(250_000) })).body).toEqual({ woken: 0, kept: true });
    expect(await call("POST", "/signals/a", { data: "y".repeat(20_000) })).toMatchObject({
      status: 409,
      body: { code: "conflict", detail: expect.stringContaining('kept for "a" already') },
    });
    await queue.enqueueMany([1, 2].map((n) => ({ job: greet, payload: "a", id: `job-${n}` })));
    await queue.drain();
    expect(await queue.getJob("job-1")).toMatchObject({ result: "x".repeat(250_000) });
    expect(await queue.getJob("job-2")).toMatchObject({ state: "scheduled" });
  });
});

test("without a body the data is null, and the same id acts once", async () => {
  const { call, queue } = await waiting("a");
  expect((await call("POST", "/signals/a")).body).toEqual({ woken: 1, kept: false });
  await queue.drain();
  expect(await queue.getJob("a")).toMatchObject({ state: "completed", result: null });
  const kept = { woken: 0, kept: true };
  for (const data of [1, 2]) expect((await call("POST", "/signals/b", { data, id: "m-1" })).body).toEqual(kept);
  await queue.enqueueMany([1, 2].map((n) => ({ job: greet, payload: "b", id: `job-${n}` })));
  await queue.drain();
  expect(await queue.getJob("job-1")).toMatchObject({ result: 1 });
  expect(await queue.getJob("job-2")).toMatchObject({ state: "scheduled" });
});

test("keep says how long a signal is kept", async () => {
  const { call, queue, clock } = setUp(withGreet());
  expect((await call("POST", "/signals/a", { data: 1, keep: "0s" })).body).toEqual({ woken: 0, kept: false });
  expect((await call("POST", "/signals/a", { data: 2, keep: "1h" })).body).toEqual({ woken: 0, kept: true });
  expect((await call("POST", "/signals/a", { data: 3, keep: 7_200_000 })).body).toEqual({ woken: 0, kept: true });
  clock.now += 3_600_000;
  await queue.enqueue(greet, "a", { id: "a" });
  await queue.drain();
  expect(await queue.getJob("a")).toMatchObject({ result: 3 });
});

test.each([
  [{ dta: 1 }, 'Unknown option "dta"'],
  [{ data: 1, keep: "soon" }, "keep"],
  [{ data: 1, keep: -1 }, "keep"],
  [{ data: 1, id: "" }, "id"],
  [{ data: 1, id: "x".repeat(257) }, "id"],
  [{ data: 1, id: 7 }, "id"],
  [[1], "object"],
  [7, "object"],
  ["not JSON", "JSON"],
])("a wrong body is refused with 400, and nothing is kept: %j", async (body, detail) => {
  const { call, queue } = setUp(withGreet());
  expect(await call("POST", "/signals/a", body)).toMatchObject({
    status: 400,
    body: { code: "invalid_request", detail: expect.stringContaining(detail) },
  });
  await queue.enqueue(greet, "a", { id: "a" });
  await queue.drain();
  expect(await queue.getJob("a")).toMatchObject({ waitingFor: { events: ["a"] } });
});

test.each([
  ["x".repeat(257), 400],
  ["%", 400],
  ["%ED%A0%80", 400],
  ["", 404],
])("a wrong event is refused, and not with 500: %s", async (path, status) => {
  const { call } = setUp(withGreet());
  expect((await call("POST", `/signals/${path}`, { data: 1 })).status).toBe(status);
});

test("GET is not allowed, since a link must not send a signal", async () => {
  const { call } = await waiting("a");
  const { status, headers } = await call("GET", "/signals/a");
  expect([status, headers.get("allow")]).toEqual([405, "POST, OPTIONS"]);
});

test("each queue has its own signals, below its name", async () => {
  const store = memoryStore();
  const parts = (name: string) => setUp(withGreet({ queue: { name } }, store));
  const [first, second] = [parts("first"), parts("second")];
  const { call } = setUp({ handler: { queues: [first.queue, second.queue] } });
  for (const { queue } of [first, second]) {
    await queue.enqueue(greet, "a", { id: "a" });
    await queue.drain();
  }
  expect((await call("POST", "/queues/second/signals/a", { data: 2 })).body).toEqual({ woken: 1, kept: false });
  expect(await first.queue.getJob("a")).toMatchObject({ state: "scheduled" });
  expect((await call("POST", "/signals/a", { data: 1 })).body).toEqual({ woken: 1, kept: false });
  await Promise.all([first.queue.drain(), second.queue.drain()]);
  expect(await first.queue.getJob("a")).toMatchObject({ result: 1 });
  expect(await second.queue.getJob("a")).toMatchObject({ result: 2 });
  expect((await call("POST", "/queues/third/signals/a")).status).toBe(404);
});

describe("after the response", () => {
  test("the job that a signal has woken runs in the background", async () => {
    const { call, queue, settled } = withBackground(withGreet());
    await queue.enqueue(greet, "a", { id: "a" });
    await queue.drain();
    await call("POST", "/signals/a", { data: "yes" });
    await settled();
    expect(await queue.getJob("a")).toMatchObject({ state: "completed", result: "yes" });
  });

  test("nothing starts for a signal that no job waits for", async () => {
    const { call, promises } = withBackground(withGreet());
    expect((await call("POST", "/signals/a")).body).toEqual({ woken: 0, kept: true });
    expect(promises).toEqual([]);
  });
});

test("a session of the dashboard sends a signal only if its token may, and only from the page", async () => {
  const auth = { read: ["only-read-token", "token-of-both"], signal: ["token-of-both"] };
  const { call, app } = await waiting("a", { handler: { auth, dashboard: dashboard() } });
  const send = async (token: string, isFromPage: boolean) => {
    const signIn = new Request("http://queue.test/dashboard/sign-in", {
      method: "POST",
      headers: { Origin: "http://queue.test", Accept: "text/html" },
      body: new URLSearchParams({ token }),
    });
    const Cookie = cookieOf(await app.fetch(signIn));
    const { body } = await call("GET", "/dashboard/data?view=overview", undefined, { Cookie });
    const csrf = isFromPage ? { "Tidegate-CSRF": String(body["csrf"]) } : undefined;
    return (await call("POST", "/signals/a", {}, { Cookie, Origin: "http://queue.test", ...csrf })).status;
  };
  expect(await send("only-read-token", true)).toBe(403);
  expect(await send("token-of-both", false)).toBe(403);
  expect(await send("token-of-both", true)).toBe(200);
});

test.each([".", ".."])("a job cannot wait for %s, which no path can name", async (event) => {
  const { queue } = await waiting(event, { queue: { logger: null } });
  const refusal = { message: expect.stringContaining(`the name of a signal must not be "${event}"`) };
  expect(await queue.getJob("a")).toMatchObject({ errors: [refusal] });
  await expect(queue.signal(event)).rejects.toMatchObject({ code: "invalid_request", ...refusal });
});
