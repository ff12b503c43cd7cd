import { describe, expect, test } from "vitest";
import { findJobs } from "../../src/core/manage/search.ts";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { wrapStore } from "../../src/testing/wrap-store.ts";
import { fails, sendEmail, setUp } from "./memory-handler.ts";

// Lists that the page and the command line read beyond what `Queue` lists.

const toAda = { to: "ada@example.com" };

describe("GET /jobs?search=", () => {
  async function searched(query: string): Promise<unknown> {
    const { call, queue } = setUp();
    await queue.enqueue(sendEmail, toAda, { id: "one" });
    await queue.enqueue(sendEmail, { to: "ben@example.com" }, { id: "two", flowControl: { key: "mail" } });
    await queue.enqueue(fails, undefined, { id: "0197a2c4" });
    await queue.drain({ maxJobs: 3 });
    const { body } = await call("GET", `/jobs?search=${query}`);
    return (body["jobs"] as { id: string }[] | undefined)?.map(({ id }) => id).sort() ?? body["detail"];
  }

  test.each([
    ["BEN@", ["two"]],
    ["send_", ["one", "two"]],
    ["no luck", ["0197a2c4"]],
    ["to=ADA@&in=payload", ["one"]],
    ["cc=ada&in=payload", []],
    ["ben&in=payload", ["two"]],
    ["no luck&in=error", ["0197a2c4"]],
    ["send&in=name", []],
    ["97a2c4&in=id", ["0197a2c4"]],
    ["0197…&in=id", ["0197a2c4"]],
    ["send_&state=dead", []],
  ])("%s finds %j", async (query, ids) => {
    expect(await searched(query)).toEqual(ids);
  });

  test("a job that moves to another state meanwhile is found once, as it was found last", async () => {
    const store = memoryStore();
    const moving = new Queue({ store, jobs: [sendEmail] });
    await moving.enqueue(sendEmail, toAda, { id: "moved" });
    let lists = 0;
    const watched = wrapStore(store, async ({ method }, run) => {
      const reply = await run();
      // The third state that a search reads is "ready", and the next one "scheduled".
      if (method === "list" && ++lists === 3) await moving.reschedule("moved", "1h");
      return reply;
    });
    const queue = new Queue({ store: watched, jobs: [sendEmail] });
    const found = await findJobs(internalsOf(queue), { text: "ada", by: "any" });
    expect(found).toMatchObject({ jobs: [{ id: "moved", state: "scheduled" }], examined: 2 });
  });

  test("a number in a payload is compared as a whole", async () => {
    const { call, queue } = setUp();
    for (const customer of [5, 15, 50]) await queue.enqueue(fails.name, { customer }, { id: `of-${customer}` });
    const { body } = await call("GET", "/jobs?search=customer=5&in=payload");
    expect(body["jobs"]).toMatchObject([{ id: "of-5" }]);
  });

  test.each(["x&limit=3", "x&name=fails", "x&each=3", "x&since=1h"])("%s is refused", async (query) => {
    expect(await searched(query)).toMatch(/^With search, leave out /);
  });

  test("finds what was retried since a time, whatever has become of it", async () => {
    const { call, queue, clock } = setUp();
    const searched = async (since: string) => {
      const { body } = await call("GET", `/jobs?search=${since}&in=retried`);
      return (body["jobs"] as { id: string; state: string }[] | undefined)?.map(({ id, state }) => `${id} ${state}`);
    };
    const id = ["again", "corrected", "early", "later", "never"];
    await queue.enqueueMany(id.map((id) => ({ job: fails.name, id, maxRetries: 0 })));
    await queue.drain();
    await queue.retryFromDeadLetter("early");
    clock.now += 60_000;
    const since = new Date(clock.now).toISOString();
    await queue.retryFromDeadLetter("again");
    await queue.retryFromDeadLetter("later", { over: "1h" });
    await queue.reschedule("later", "1h");
    expect(await searched("59s")).toEqual(["again ready", "later scheduled"]);
    await queue.drain();
    expect(await searched(since)).toEqual(["again dead", "later scheduled"]);
    expect(await searched("2m")).toEqual(["early dead", "again dead", "later scheduled"]);
    // Two minutes ago, one was: an interval leaves out what was retried later.
    const before = new Date(clock.now - 60_000).toISOString();
    expect(await searched(`${before}/${before}`)).toEqual(["early dead"]);
    expect(await searched(`${before}/soon`)).toBeUndefined();
    expect(await queue.getJob("again")).toMatchObject({ retriedAt: new Date(since), failedAt: new Date(clock.now) });
    expect(await queue.getJob("never")).not.toHaveProperty("retriedAt");
    expect((await call("GET", "/jobs?search=soon&in=retried")).body["detail"]).toMatch(
      /^search must be a duration such as "5m", a Date/,
    );
    expect(await call("GET", "/jobs?in=retried")).toMatchObject({ status: 400 });
  });

  test("examines about 1,000 jobs, the dead first, and goes on from its cursor", async () => {
    const { call, queue } = setUp();
    for (let piece = 0; piece < 3; piece++)
      await queue.enqueueMany(Array.from({ length: 500 }, () => ({ job: sendEmail, payload: toAda })));
    await queue.enqueue(sendEmail, { to: "ben" }, { id: "the-one" });
    const { body } = await call("GET", "/jobs?search=ben&in=payload");
    expect(body).toMatchObject({ jobs: [], examined: 1_000, cursor: expect.any(String) });
    const next = await call("GET", `/jobs?search=ben&in=payload&cursor=${encodeURIComponent(String(body["cursor"]))}`);
    expect(next.body).toMatchObject({ jobs: [{ id: "the-one" }], examined: 501, cursor: null });
    await queue.enqueue("fails", null, { id: "broken", maxRetries: 0 });
    while (!(await queue.getStats()).deadLetterCount) await queue.drain();
    const dead = await call("GET", "/jobs?search=no+luck&in=error");
    expect(dead.body).toMatchObject({ jobs: [{ id: "broken" }] });
  });
});

test("GET /jobs?each= lists the first jobs of each state, the nearest in time first", async () => {
  const { call, queue, clock } = setUp();
  await queue.enqueue(sendEmail, toAda, { id: "done" });
  await queue.drain();
  clock.now += 60_000;
  await queue.enqueue(fails, undefined, { id: "dead" });
  await queue.drain();
  clock.now += 60_000;
  for (const minutes of [3, 1, 2] as const)
    await queue.enqueue(sendEmail, toAda, { id: `in-${minutes}`, delay: `${minutes}m` });
  await queue.enqueue(sendEmail, toAda, { id: "due" });
  const { body } = await call("GET", "/jobs?each=2");
  expect(body["jobs"]).toMatchObject(["due", "dead", "done", "in-1", "in-2"].map((id) => ({ id })));
  expect(body).toMatchObject({ isCut: true, cursor: null });
  expect((await call("GET", "/jobs?each=3&name=fails")).body).toMatchObject({ jobs: [{ id: "dead" }], isCut: false });
  expect((await call("GET", "/jobs?each=2&state=dead")).status).toBe(400);
});

describe("what the last jobs of schedules became", () => {
  const flaky = defineJob({ name: "flaky", perform: () => Promise.reject(new Error("not yet")) });

  async function fired() {
    const made = setUp({ queue: { jobs: [sendEmail, fails, flaky] } });
    const { queue, clock } = made;
    await queue.schedules.upsert("mails", { job: sendEmail, payload: { to: "ada" }, every: "1h" });
    await queue.schedules.upsert("invoices", { job: fails, every: "1h" });
    await queue.schedules.upsert("sync", { job: flaky, every: "2h" });
    for (let hour = 0; hour < 2; hour++) {
      clock.now += 3_600_000;
      await queue.drain();
    }
    return made;
  }

  test("is in the list with runs=true, and for one schedule", async () => {
    const { call } = await fired();
    const run = (hour: number, state: string, error?: string) =>
      expect.objectContaining({ at: `2026-03-01T${hour}:00:00.000Z`, state, ...(error && { error }) });
    const { body } = await call("GET", "/schedules?runs=true");
    expect(body["schedules"]).toMatchObject([
      { key: "invoices", failing: true, runs: [run(13, "dead", "Error: no luck"), run(14, "dead", "Error: no luck")] },
      { key: "mails", failing: false, runs: [run(13, "completed"), run(14, "completed")] },
      { key: "sync", failing: true, runs: [run(14, "scheduled", "Error: not yet")] },
    ]);
    const one = await call("GET", "/schedules/mails?runs=true");
    expect(one.body).toMatchObject({ key: "mails", occurrences: { length: 5 }, runs: { length: 2 } });
    expect((await call("GET", "/schedules")).body).not.toHaveProperty("schedules.0.runs");
  });

  test("is joined by what comes next in GET /upcoming", async () => {
    const { call, queue } = await fired();
    await queue.enqueue(sendEmail, toAda, { id: "later", delay: "10m" });
    const { body } = await call("GET", "/upcoming");
    expect(body).toMatchObject({ isCut: false, more: 0, minutes: { length: 60 } });
    expect(body["next"]).toMatchObject([
      { kind: "retry", name: "flaky" },
      { kind: "job", of: "later", at: "2026-03-01T14:10:00.000Z" },
    ]);
  });

  test("is not in GET /upcoming while the job type, the flow control key or the queue is paused", async () => {
    const { call, queue } = await fired();
    await queue.schedules.upsert("thirds", { job: fails, every: "20m" });
    await queue.pauseJobs("send_email", { by: "on-call" });
    await queue.flowControl.pause("acme");
    await queue.enqueue(fails, { order: 1 }, { delay: "10m", flowControl: { key: "acme", concurrency: 1 } });
    await queue.enqueue(sendEmail, toAda, { delay: "10m" });
    await queue.drain();
    const names = async () =>
      ((await call("GET", "/upcoming")).body["next"] as { name: string }[]).map(({ name }) => name);
    expect(await names()).toEqual(["flaky", "fails"]);
    const { next } = (await call("GET", "/upcoming")).body as { next: { of: string; count: number }[] };
    expect(next.find(({ of }) => of === "thirds")?.count).toBe(2);
    await queue.schedules.pause("thirds");
    expect(await names()).toEqual(["flaky"]);
    await queue.enqueueMany(Array(250).fill({ job: sendEmail, payload: toAda, delay: "10m" }));
    expect((await call("GET", "/upcoming")).body).toMatchObject({ isCut: true, next: [{ name: "flaky" }] });
    await queue.pause();
    expect(await names()).toEqual([]);
  });
});

test("GET /failures?latest=true begins with what broke last, and says how many groups it leaves out", async () => {
  const job = defineJob({ name: "charge", maxRetries: 0, perform: (text: string) => Promise.reject(new Error(text)) });
  const { call, queue, clock } = setUp({ queue: { jobs: [job] } });
  const die = async (...texts: string[]) => {
    for (const text of texts) await queue.enqueue(job, text);
    await queue.drain();
  };
  await die("over", "goes on", "goes on");
  clock.now += 30 * 3_600_000;
  await die("goes on");
  clock.now += 10 * 3_600_000;
  await die("began");
  const { body } = await call("GET", "/failures?latest=true&limit=2");
  expect(body).toMatchObject({
    failures: [
      { error: { message: "began" }, age: "new" },
      { error: { message: "goes on" }, age: null, count: 3 },
    ],
    older: 1,
  });
  const since = await call("GET", "/failures?since=11h");
  expect(since.body["failures"]).toHaveLength(2);
  const { failures } = (await call("GET", "/failures")).body as { failures: { age: string | null }[] };
  expect(failures.map(({ age }) => age)).toEqual([null, "new", "over"]);
  expect((await call("GET", "/failures?since=2999-01-01T00:00:00Z")).status).toBe(400);
});

test.each(["retry", "remove"])(
  "POST /dead-letter/%s with a limit takes the newest, and a cursor goes on",
  async (what) => {
    const { call, queue, clock } = setUp();
    for (const id of ["a", "b", "c"]) {
      await queue.enqueue(fails, undefined, { id });
      await queue.drain();
      clock.now += 60_000;
    }
    const done = what === "retry" ? "retried" : "removed";
    const first = await call("POST", `/dead-letter/${what}`, { all: true, limit: 2 });
    expect(first.body).toEqual({ [done]: 2, cursor: expect.any(String) });
    expect((await queue.listDeadLetter()).jobs).toMatchObject([{ id: "a" }]);
    const second = await call("POST", `/dead-letter/${what}`, { all: true, limit: 2, cursor: first.body["cursor"] });
    expect(second.body).toEqual({ [done]: 1, cursor: null });
    expect((await call("POST", `/dead-letter/${what}`, { ids: ["a"], limit: 2 })).status).toBe(400);
  },
);

test("DELETE /jobs?dryRun=true counts the jobs of a state, shows the first, and removes none", async () => {
  const { call, queue } = setUp();
  await queue.enqueueMany([
    { job: fails, id: "now" },
    { job: fails, id: "later", delay: "1h" },
  ]);
  const shown = (...ids: string[]) => ({ cleared: ids.length, jobs: ids.map((id) => ({ id })) });
  expect((await call("DELETE", "/jobs?state=pending&dryRun=true")).body).toMatchObject(shown("later", "now"));
  expect((await call("DELETE", "/jobs?state=ready&dryRun=true")).body).toMatchObject(shown("now"));
  expect(await queue.getStats()).toMatchObject({ pendingCount: 2 });
});
