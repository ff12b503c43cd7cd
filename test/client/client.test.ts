import { describe, expect, test } from "vitest";
import { QueueClient } from "../../src/client/index.ts";
import { createHandler } from "../../src/http/handler.ts";
import { defineJob, InvalidPayloadError, memoryStore, Queue, TidegateError } from "../../src/index.ts";
import { fails, sendEmail, setUp } from "../http/memory-handler.ts";
import { start } from "../support/clock.ts";

const at = (ms: number) => new Date(start + ms);

/** A client of a handler in the same process, and the queue behind it. */
function connect() {
  const parts = setUp({ handler: { auth: { admin: ["the-admin-token"] } } });
  const fetch = (request: Request) => parts.app.fetch(request);
  return { ...parts, fetch, client: new QueueClient({ url: "http://queue.test/", token: "the-admin-token", fetch }) };
}

const notFound = expect.objectContaining({ code: "not_found" });

test("new QueueClient throws if the url is missing, as it is when a variable is not set", () => {
  const url = process.env.TIDEGATE_NO_SUCH_URL as string;
  expect(() => new QueueClient({ url })).toThrow(
    expect.objectContaining({ code: "invalid_request", message: "url is not set." }),
  );
});

test("the client lists the children of a job", async () => {
  const { queue, client } = connect();
  const children = [{ job: fails }, { job: fails }];
  const { id } = await queue.enqueue(fails, undefined, { children });
  const page = await client.listChildren(id, { limit: 1 });
  expect(page).toEqual(await queue.listChildren(id, { limit: 1 }));
  expect([page.jobs.length, page.cursor]).toEqual([1, "1"]);
  expect(await client.getJob(id)).toEqual(await queue.getJob(id));
});

test.each<[string, (client: QueueClient, when: Date) => Promise<unknown>]>([
  ["listJobs, of a date", (client, since) => client.listJobs({ since })],
  ["getFailures, of a date", (client, since) => client.getFailures({ since })],
  ["listDeadLetter, of dates", (client, when) => client.listDeadLetter({ since: when, before: when })],
  ["listDeadLetter, of milliseconds", (client, when) => client.listDeadLetter({ before: when.getTime() })],
])("the handler understands the query of %s", async (_, list) => {
  await expect(list(connect().client, at(0))).resolves.toMatchObject({ cursor: null });
});

describe("QueueClient with a token that can only enqueue", () => {
  const definition = defineJob({
    name: "import_rows",
    maxRetries: 8,
    backoff: { type: "fixed", base: "10m" },
    timeout: "5m",
    flowControl: { key: ({ tenant }: { readonly tenant: string }) => tenant, concurrency: 2 },
    perform(_: { readonly tenant: string }) {},
  });
  function connectEnqueuer() {
    const parts = setUp({ handler: { auth: { enqueue: ["the-enqueue-token"] } }, queue: { jobs: [definition] } });
    const fetch = (request: Request) => parts.app.fetch(request);
    return { ...parts, client: new QueueClient({ url: "http://queue.test/", token: "the-enqueue-token", fetch }) };
  }

  test("enqueues by a definition that has options and limits: the handler's definition decides them", async () => {
    const { client, queue } = connectEnqueuer();
    const payload = { tenant: "acme" };
    await client.enqueue(definition, payload, { id: "a", delay: "1h" });
    await Promise.all([client.enqueue(definition, payload), client.enqueue(definition, payload)]);
    await client.enqueueMany([{ job: definition, payload }]);
    expect(await queue.getJob("a")).toMatchObject({ maxRetries: 8 });
    expect(await queue.flowControl.get("acme")).toMatchObject({ concurrency: 2, waiting: 4 });
  });

  test("throws forbidden, naming the option, for one that the definition decides", async () => {
    const { client, queue } = connectEnqueuer();
    const refusal = { code: "forbidden", message: expect.stringMatching(/maxRetries needs .*enqueueOptions: "all"/) };
    const enqueue = (maxRetries?: number) =>
      client.enqueue(definition, { tenant: "acme" }, maxRetries === undefined ? {} : { maxRetries });
    await expect(enqueue(2)).rejects.toMatchObject(refusal);
    const [taken, refused] = await Promise.allSettled([enqueue(), enqueue(2)]);
    expect(taken).toMatchObject({ status: "fulfilled" });
    expect(refused).toMatchObject({ reason: refusal });
    await expect(
      client.enqueueMany([{ job: definition, payload: { tenant: "acme" }, maxRetries: 2 }]),
    ).rejects.toMatchObject(refusal);
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 1 });
  });
});

describe("QueueClient refuses, as Queue does, and changes nothing:", () => {
  const itself: Record<string, unknown> = {};
  itself["self"] = itself;
  test.each<[string, (client: QueueClient) => Promise<unknown>]>([
    ["a misspelt option of clear", (client) => client.clear({ sate: "dead" } as object)],
    ["a misspelt option of listJobs", (client) => client.listJobs({ sate: "dead" } as object)],
    ["a misspelt option of enqueue", (client) => client.enqueue("fails", null, { dealy: "1s" } as object)],
    ["a name among the options", (client) => client.enqueue("fails", 1, { name: "send_email" } as object)],
    ["a name beside a job of many", (client) => client.enqueueMany([{ job: "fails", name: "send_email" } as never])],
    ["a function as backoff", (client) => client.enqueue("fails", 1, { backoff: () => 5 } as object)],
    ["a payload with a BigInt", (client) => client.enqueue("fails", 1n)],
    ["a payload that contains itself", (client) => client.enqueue("fails", itself)],
    ["no job", (client) => client.enqueue(undefined as never, 1 as never, {})],
    ["many that are no array", (client) => client.enqueueMany(null as never)],
    ["many with null among them", (client) => client.enqueueMany([null] as never)],
    ["many with a hole among them", (client) => client.enqueueMany(Array(2) as never)],
    ["no id", (client) => client.getJob(undefined as never)],
    ["no key", (client) => client.flowControl.get(undefined as never)],
    ["a key that a URL drops", (client) => client.flowControl.pause("..")],
    ["a misspelt option of a list of keys", (client) => client.flowControl.list({ max: 5 } as object)],
    ["no limits", (client) => client.flowControl.set("acme", undefined as never)],
    ["limits that are a number", (client) => client.flowControl.set("acme", 2 as never)],
    ["a misspelt limit", (client) => client.flowControl.set("acme", { concurency: 2 } as object)],
    ["limits that contradict", (client) => client.flowControl.set("acme", { ordered: true, concurrency: 2 })],
    ["a rate without a period", (client) => client.flowControl.set("acme", { rate: 2 })],
    ["an id that is a number", (client) => client.getJob(7 as never)],
    ["no event", (client) => client.signal(undefined as never)],
    ["an event that a URL drops", (client) => client.signal("..")],
    ["an event that is too long", (client) => client.signal("x".repeat(257))],
    ["data with a BigInt", (client) => client.signal("a", 1n)],
    ["a misspelt option of signal", (client) => client.signal("a", 1, { kepe: "1h" } as object)],
    ["a time to keep that is none", (client) => client.signal("a", 1, { keep: "soon" as never })],
    ["a timeout of wait that is none", (client) => client.wait("a", { timeout: "soon" as never })],
  ])("%s", async (_, call) => {
    const { client, queue } = connect();
    await queue.enqueue("fails", null, { delay: "1h" });
    await expect(call(client)).rejects.toMatchObject({ code: "invalid_request" });
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 1, pendingCount: 1 });
    expect(await queue.flowControl.list()).toEqual({ keys: [], cursor: null });
  });
});

test("an option cannot replace the job or the payload", async () => {
  const { client, queue } = connect();
  const { id } = await client.enqueue("fails", 1, { job: "send_email", payload: 2 } as object);
  expect(await queue.getJob(id)).toMatchObject({ name: "fails", payload: 1 });
});

test("Queue.enqueueMany refuses a hole in its array like any other item that is not a job", async () => {
  const { queue } = connect();
  const jobs = Array(2);
  jobs[1] = { job: "fails" };
  await expect(queue.enqueueMany(jobs)).rejects.toMatchObject({ code: "invalid_request" });
});

test("the url may be a URL object", async () => {
  const { fetch } = connect();
  const client = new QueueClient({ url: new URL("http://queue.test"), token: "the-admin-token", fetch });
  expect(await client.getStats()).toMatchObject({ totalEnqueued: 0 });
});

describe("QueueClient returns what Queue returns", () => {
  test("enqueue", async () => {
    const { client, queue } = connect();
    const first = await client.enqueue(
      sendEmail,
      { to: "ada" },
      { id: "a", runAt: at(60_000), dedupe: { key: "k", ttl: "1m" } },
    );
    expect(first).toEqual({ id: "a", status: "enqueued", runAt: at(60_000) });
    expect(await client.enqueue("send_email", { to: "ada" }, { id: "a" })).toEqual({
      id: "a",
      status: "duplicate",
      runAt: at(60_000),
    });
    expect(await queue.getJob("a")).toMatchObject({ name: "send_email", payload: { to: "ada" } });
  });

  test("enqueue without a payload", async () => {
    const { client, queue } = connect();
    const { id } = await client.enqueue("fails");
    expect(await queue.getJob(id)).toMatchObject({ payload: null });
  });

  test("enqueue of a recurring job", async () => {
    const { client, queue } = connect();
    const answer = await client.enqueue(fails, null, { cron: "0 * * * *", id: "hourly" });
    expect(answer).toEqual({ id: "hourly", status: "enqueued", runAt: at(3_600_000) });
    expect(await queue.schedules.get("hourly")).not.toBeNull();
  });

  test("enqueueMany", async () => {
    const { client } = connect();
    const jobs = [
      { job: fails, id: "a" },
      { job: "send_email", payload: { to: "ada" }, id: "b", delay: "1s" as const },
    ];
    expect(await client.enqueueMany(jobs)).toEqual([
      { id: "a", status: "enqueued", runAt: at(0) },
      { id: "b", status: "enqueued", runAt: at(1_000) },
    ]);
  });

  test("enqueueMany of more than 1,000, in pieces", async () => {
    const { client, queue } = connect();
    const jobs = Array.from({ length: 2_500 }, (_, index) => ({ job: "fails", id: `job-${index}` }));
    const progress: number[] = [];
    const results = await client.enqueueMany(jobs, { onProgress: (done) => progress.push(done) });
    expect(results.map(({ id }) => id)).toEqual(jobs.map(({ id }) => id));
    expect(progress).toEqual([1_000, 2_000, 2_500]);
    expect((await queue.getStats()).readyCount).toBe(2_500);
    expect(await client.enqueueMany([])).toEqual([]);
  });

  test("enqueueMany reports how many jobs were stored before a piece was refused", async () => {
    const { client, queue } = connect();
    const jobs = [...Array(1_003).fill({ job: "fails" }), { job: "send_email", payload: {} }];
    const message = /^After 1000 stored jobs: Job 3: /;
    await expect(client.enqueueMany(jobs)).rejects.toMatchObject({
      code: "invalid_payload",
      message: expect.stringMatching(message),
    });
    expect((await queue.getStats()).readyCount).toBe(1_000);
    await expect(client.enqueueMany(jobs.slice(1_000))).rejects.toThrow(/^Job 3: /);
  });

  test.each(["a", "a/b?c#d", "%2F", "ä%", "日本"])("getJob for the id %s, in every state", async (id) => {
    const { client, queue, clock } = connect();
    expect(await client.getJob(id)).toBeNull();
    await queue.enqueue("fails", { runAt: "2026-03-01T12:00:00.000Z" }, { id, delay: "1s", maxRetries: 1 });
    expect(await client.getJob(id)).toEqual(await queue.getJob(id));
    for (const wait of [1_000, 60_000]) {
      clock.now += wait;
      await queue.drain();
      const job = await queue.getJob(id);
      expect(job?.errors.length).toBeGreaterThan(0);
      expect(await client.getJob(id)).toEqual(job);
    }
    expect(await client.getJob(id)).toMatchObject({ state: "dead", payload: { runAt: "2026-03-01T12:00:00.000Z" } });
  });

  test("getJob and wait by a definition, which give no job of another name", async () => {
    const { client, queue } = connect();
    await queue.enqueue(sendEmail, { to: "ada" }, { id: "a" });
    await queue.drain();
    const job = await queue.getJob("a");
    expect([await client.getJob(sendEmail, "a"), await client.wait(sendEmail, "a")]).toEqual([job, job]);
    expect([await client.getJob(fails, "a"), await client.wait(fails, "a", { timeout: "1s" })]).toEqual([null, null]);
    await expect(client.getJob(sendEmail, undefined as never)).rejects.toMatchObject({ code: "invalid_request" });
  });

  test("getJob of a schedule's job", async () => {
    const { client, queue, clock } = connect();
    await queue.schedules.upsert("s", { job: "send_email", payload: { to: "ada" }, cron: "* * * * *" });
    clock.now += 60_000;
    await queue.drain();
    const [job] = (await queue.listJobs({ state: "completed" })).jobs;
    expect(job?.schedule?.occurrence).toEqual(at(60_000));
    expect(await client.getJob(job?.id ?? "")).toEqual(job);
  });

  test("listJobs", async () => {
    const { client, queue } = connect();
    await queue.enqueueMany([{ job: "fails" }, { job: "fails" }, { job: "fails", delay: "1h" }]);
    const options = { state: "ready", name: "fails", limit: 1 } as const;
    const page = await client.listJobs(options);
    expect(page).toEqual(await queue.listJobs(options));
    const cursor = page.cursor ?? undefined;
    expect(await client.listJobs({ ...options, cursor })).toEqual(await queue.listJobs({ ...options, cursor }));
    expect(await client.listJobs()).toEqual(await queue.listJobs());
  });

  test("cancel", async () => {
    const { client, queue } = connect();
    await queue.enqueue("fails", null, { id: "a" });
    expect(await client.cancel("a")).toBeUndefined();
    expect(await queue.getJob("a")).toBeNull();
    await expect(client.cancel("a")).rejects.toEqual(notFound);
  });

  test.each([
    ["90s", 90_000],
    [at(5_000), 5_000],
    [at(5_000).toISOString(), 5_000],
    [start + 5_000, 5_000],
  ])("reschedule to %s", async (when, later) => {
    const { client, queue } = connect();
    await queue.enqueue("fails", null, { id: "a" });
    const job = await client.reschedule("a", when);
    expect(job.runAt).toEqual(at(later));
    expect(job).toEqual(await queue.getJob("a"));
  });

  test("update", async () => {
    const { client, queue } = connect();
    await queue.enqueue("send_email", { to: "ada" }, { id: "a" });
    const job = await client.update("a", { payload: { to: "eve" }, delay: "1m" });
    expect(job).toMatchObject({ payload: { to: "eve" }, runAt: at(60_000) });
  });

  test("getStats", async () => {
    const { client, queue } = connect();
    await queue.enqueue("fails", null, { delay: "1h" });
    const stats = await client.getStats();
    expect(stats.nextRunAt).toEqual(at(3_600_000));
    expect(stats).toMatchObject(await queue.getStats());
  });

  test("drain, pause and resume", async () => {
    const { client, queue } = connect();
    await queue.enqueueMany([{ job: "fails" }, { job: "fails", delay: "1h" }]);
    await client.pause();
    expect(await client.drain()).toMatchObject({ stoppedBy: "paused" });
    await client.resume();
    expect(await client.drain({ maxJobs: 9, timeBudget: "1s", budget: { roundTrips: 9 } })).toMatchObject({
      claimed: 1,
      nextRunAt: at(3_600_000),
    });
  });

  test("clear", async () => {
    const { client, queue } = connect();
    await queue.enqueueMany([{ job: "fails" }, { job: "fails", delay: "1h" }]);
    expect(await client.clear({ state: "scheduled" })).toEqual({ cleared: 1 });
    expect(await client.clear()).toEqual({ cleared: 1 });
  });
});

describe("the dead letter through QueueClient", () => {
  async function withDead() {
    const parts = connect();
    await parts.queue.enqueueMany(["a", "b", "c"].map((id) => ({ job: "fails", id })));
    await parts.queue.drain();
    return parts;
  }

  test("is listed as Queue lists it", async () => {
    const { client, queue } = await withDead();
    const page = await client.listDeadLetter({ limit: 2 });
    expect(page.jobs[0]?.failedAt).toEqual(at(0));
    expect(page).toEqual(await queue.listDeadLetter({ limit: 2 }));
  });

  test("is grouped as Queue groups it, and retried by group", async () => {
    const { client, queue } = await withDead();
    const page = await client.getFailures({ limit: 1 });
    expect(page).toEqual(await queue.getFailures());
    const group = page.failures[0]?.group as string;
    expect((await client.listDeadLetter({ group })).jobs).toHaveLength(3);
    expect(await client.retryFromDeadLetter({ group }, { dryRun: true })).toEqual({ retried: 3 });
    expect(await client.removeFromDeadLetter({ group })).toEqual({ removed: 3 });
  });

  test("is retried by id, ids, name, and all", async () => {
    const { client, queue } = await withDead();
    expect(await client.retryFromDeadLetter("a", { payload: { n: 2 } })).toEqual({ retried: 1 });
    expect(await queue.getJob("a")).toMatchObject({ state: "ready", payload: { n: 2 } });
    expect(await client.retryFromDeadLetter({ name: "fails" }, { dryRun: true })).toEqual({ retried: 2 });
    expect(await client.retryFromDeadLetter({ ids: ["b"] })).toEqual({ retried: 1 });
    expect(await client.retryFromDeadLetter({ all: true })).toEqual({ retried: 1 });
    await expect(client.retryFromDeadLetter("a")).rejects.toEqual(notFound);
  });

  test("is emptied by id and all", async () => {
    const { client, queue } = await withDead();
    expect(await client.removeFromDeadLetter("a", { dryRun: true })).toEqual({ removed: 1 });
    expect(await client.removeFromDeadLetter("a")).toEqual({ removed: 1 });
    expect(await client.removeFromDeadLetter({ all: true })).toEqual({ removed: 2 });
    expect((await queue.getStats()).deadLetterCount).toBe(0);
    await expect(client.removeFromDeadLetter("a")).rejects.toEqual(notFound);
  });
});

test.each(["acme", "a/b", "100%", "%2F", "\u{1F600}", "a?b#c", "x".repeat(256)])(
  "flow control keys are looked after as by Queue: %s",
  async (key) => {
    const { client, queue } = connect();
    expect(await client.flowControl.get(key)).toBeNull();
    const set = await client.flowControl.set(key, { rate: 1, period: "1m" });
    expect(set).toEqual(await queue.flowControl.get(key));
    expect(set).toMatchObject({ key, rate: 1, period: 60_000, pinned: true });
    const { id } = await client.enqueue(sendEmail, { to: "ada" }, { flowControl: { key } });
    await client.enqueue(sendEmail, { to: "bob" }, { flowControl: { key } });
    await queue.drain();
    expect(await client.flowControl.get(key)).toEqual(await queue.flowControl.get(key));
    expect(await client.flowControl.get(key)).toMatchObject({ windowEndsAt: at(60_000), startedInWindow: 1 });
    expect(await client.flowControl.unset(key)).toBeUndefined();
    expect(await client.flowControl.pause(key)).toBeUndefined();
    expect(await client.flowControl.get(key)).toMatchObject({ pinned: false, paused: true });
    expect(await client.flowControl.list({ limit: 10 })).toEqual(await queue.flowControl.list());
    expect(await client.flowControl.resume(key)).toEqual({ resumed: true });
    expect(await client.flowControl.get(key)).toMatchObject({ paused: false });
    expect((await client.getJob(id))?.state).toBe("completed");
  },
);

describe("steps and signals through QueueClient", () => {
  const inside = {
    at: "2026-03-01T12:00:00.000Z",
    until: "2026-03-02T12:00:00.000Z",
    occurrence: "2026-03-01T12:00:00Z",
  };
  const agent = defineJob({
    name: "agent",
    backoff: { type: "fixed", base: "1m" },
    async perform(events: readonly string[], job) {
      await job.step("draft", () => ({ ...inside, nested: [inside] }));
      await job.step("call", ({ attempt }) => (attempt === 1 ? Promise.reject(new RangeError("busy")) : "done"));
      await job.sleep("3d");
      await job.waitFor(events, { timeout: "7d" });
      await job.waitFor(events, { timeout: "7d" });
    },
  });
  const waits = defineJob({
    name: "waits",
    perform: (event: string, job) => job.waitFor(event, { timeout: "7d" }),
  });
  const open = () => {
    const parts = setUp({
      handler: { auth: { admin: ["the-admin-token"], signal: ["the-signal-token"] } },
      queue: { jobs: [agent, waits], logger: null },
    });
    const fetch = (request: Request) => parts.app.fetch(request);
    const as = (token: string) => new QueueClient({ url: "http://queue.test/", token, fetch });
    return { ...parts, client: as("the-admin-token"), signaller: as("the-signal-token") };
  };

  test("getJob gives the steps and what a job waits for as Queue does, with dates, and results as they are", async () => {
    const { client, queue, clock } = open();
    await queue.enqueue(agent, ["paid", "cancelled"], { id: "a" });
    const same = async () => {
      const job = await client.getJob("a");
      expect(job).toEqual(await queue.getJob("a"));
      return job;
    };
    await queue.drain();
    expect((await same())?.steps).toMatchObject([
      { startedAt: at(0), endedAt: at(0), result: { ...inside, nested: [inside] } },
      { state: "retrying", endedAt: null, error: { name: "RangeError", message: "busy" } },
    ]);
    clock.now += 60_000;
    await queue.drain();
    expect((await same())?.steps?.at(-1)).toMatchObject({ state: "sleeping", until: at(60_000 + 3 * 86_400_000) });
    clock.now += 3 * 86_400_000;
    await queue.drain();
    const waitingFor = { events: ["paid", "cancelled"], until: at(60_000 + 10 * 86_400_000) };
    expect(await same()).toMatchObject({ waitingFor });
    expect(await client.signal("cancelled", { ...inside, why: null })).toEqual({ woken: 1, kept: false });
    await queue.drain();
    expect((await same())?.steps?.at(-2)).toMatchObject({ state: "completed", result: { ...inside, why: null } });
  });

  test("signal does what Queue.signal does, with a token that can do nothing else", async () => {
    const { client, queue, signaller, clock } = open();
    expect(await signaller.signal("a/b?c#%2F", 1)).toEqual({ woken: 0, kept: true });
    expect(await signaller.signal("a", 1, { keep: "0s" })).toEqual({ woken: 0, kept: false });
    for (const _ of [1, 2]) expect(await signaller.signal("m", 2, { id: "msg" })).toEqual({ woken: 0, kept: true });
    await expect(signaller.getJob("a")).rejects.toMatchObject({ code: "forbidden" });
    await queue.enqueue(agent, ["a/b?c#%2F", "a", "m"], { id: "a" });
    for (const later of [60_000, 3 * 86_400_000, 0]) {
      await queue.drain();
      clock.now += later;
    }
    expect((await client.getJob("a"))?.steps?.flatMap(({ kind, result }) => (kind === "wait" ? [result] : []))).toEqual(
      [1, 2],
    );
    expect(await client.getJob("a")).toMatchObject({ state: "completed" });
    await expect(signaller.signal("a", "x".repeat(300_000))).rejects.toMatchObject({ code: "payload_too_large" });
  });

  test("the options of signal cannot replace its data", async () => {
    const { client, queue } = open();
    await client.signal("a", 1, { data: 2 } as object);
    await queue.enqueue(waits, "a", { id: "a" });
    await queue.drain();
    expect(await client.getJob("a")).toMatchObject({ state: "completed", result: 1 });
  });
});

test("getJob says why a job is held back, and until when", async () => {
  const { client, queue } = connect();
  const flowControl = { key: "api", rate: 1, period: "1m" } as const;
  await client.enqueue(fails, null, { id: "first", flowControl });
  await client.enqueue(fails, null, { id: "second", flowControl });
  await queue.drain();
  const job = await client.getJob("second");
  expect(job).toEqual(await queue.getJob("second"));
  expect(job?.heldBack).toEqual({ key: "api", reason: "rate", since: at(0), until: at(60_000) });
});

test("schedules are managed as with Queue", async () => {
  const { client, queue, clock } = connect();
  const key = "every/minute";
  const stored = await client.schedules.upsert(key, { job: fails, cron: "* * * * *", missed: "skip" });
  expect(stored.nextRunAt).toEqual(at(60_000));
  clock.now += 60_000;
  await queue.drain();
  const schedule = await queue.schedules.get(key);
  expect(schedule?.lastRunAt).toEqual(at(60_000));
  expect(await client.schedules.get(key)).toEqual(schedule);
  expect(await client.schedules.list()).toEqual([schedule]);
  expect(await client.schedules.preview(key, 2)).toEqual(await queue.schedules.preview(key, 2));
  expect(await client.schedules.preview(key)).toHaveLength(5);
  await client.schedules.remove(key);
  expect(await client.schedules.get(key)).toBeNull();
  await expect(client.schedules.remove(key)).rejects.toEqual(notFound);
});

test("one of several queues is reached by its name", async () => {
  const store = memoryStore();
  const queues = ["urgent", "bulk #1"].map((name) => new Queue({ name, store }));
  const app = createHandler({ queues, auth: "none" });
  const client = new QueueClient({
    url: "http://queue.test",
    queue: "bulk #1",
    fetch: (request) => app.fetch(request),
  });
  const { id } = await client.enqueue("anything");
  expect(await client.getJob(id)).toMatchObject({ queue: "bulk #1" });
});

describe("QueueClient throws", () => {
  test("InvalidPayloadError with the issues of the schema", async () => {
    const { client } = connect();
    const error = await client.enqueue("send_email", { to: 7 }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InvalidPayloadError);
    expect(error).toMatchObject({ code: "invalid_payload", issues: [{ path: ["to"], message: expect.any(String) }] });
  });

  test.each([
    ["invalid_request", (client: QueueClient) => client.enqueue("nobody")],
    ["invalid_request", (client: QueueClient) => client.drain({ maxJobs: 0 })],
    ["not_found", (client: QueueClient) => client.reschedule("nobody", "1m")],
    ["payload_too_large", (client: QueueClient) => client.enqueue("fails", "x".repeat(6 * 1024 * 1024))],
  ])("TidegateError %s if the handler answers with it", async (code, call) => {
    const { client } = connect();
    const error = await call(client).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TidegateError);
    expect(error).toMatchObject({ code });
  });

  test("unauthorized and forbidden", async () => {
    const { app } = setUp({ handler: { auth: { admin: ["the-admin-token"], drain: ["the-drain-token"] } } });
    const fetch = (request: Request) => app.fetch(request);
    const url = "http://queue.test";
    const codeOf = (client: QueueClient) => client.getJob("a").catch(({ code }: TidegateError) => code);
    expect(await codeOf(new QueueClient({ url, fetch }))).toBe("unauthorized");
    expect(await codeOf(new QueueClient({ url, fetch, token: "wrong" }))).toBe("unauthorized");
    expect(await codeOf(new QueueClient({ url, fetch, token: "the-drain-token" }))).toBe("forbidden");
  });

  test.each(["", ".", "..", "\ud800"])("for the id %j, which no URL can hold, and sends nothing", async (id) => {
    let requests = 0;
    const fetch = () => {
      requests++;
      return Response.json({});
    };
    const client = new QueueClient({ url: "http://queue.test", fetch });
    for (const call of [client.getJob(id), client.cancel(id), client.update(id, {}), client.schedules.remove(id)])
      await expect(call).rejects.toMatchObject({ code: "invalid_request" });
    expect(() => new QueueClient({ url: "http://queue.test", fetch, queue: id })).toThrow(TidegateError);
    expect(requests).toBe(0);
  });
});
