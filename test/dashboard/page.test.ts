import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { memoryStore } from "../../src/index.ts";
import { setUp } from "../http/memory-handler.ts";
import { aroundStore } from "../support/around-calls.ts";
import { clockByHand, start } from "../support/clock.ts";
import { setUpDashboard } from "./dashboard-handler.ts";

const hashOf = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

describe("GET /dashboard", () => {
  test("is a single page that loads nothing else, and allows only its own script and style", async () => {
    const { call } = setUpDashboard();
    const { status, headers, text } = await call("GET", "/dashboard");
    expect(status).toBe(200);
    const [, script = ""] = /<script type="module">(.*)<\/script>/s.exec(text) ?? [];
    const [, style = ""] = /<style>(.*)<\/style>/s.exec(text) ?? [];
    expect(Object.fromEntries(headers)).toEqual({
      "cache-control": "no-store",
      "content-type": "text/html; charset=utf-8",
      "referrer-policy": "same-origin",
      "x-content-type-options": "nosniff",
      "content-security-policy": `default-src 'none'; script-src ${hashOf(script)}; style-src ${hashOf(style)}; connect-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'`,
    });
    expect(text.match(/<script|<style|<link/g)).toEqual(["<link", "<style", "<script"]);
    expect(text).not.toMatch(/ style=|javascript:| on[a-z]+=/);
  });

  test("is the same for everyone: its data needs a token or a session", async () => {
    const { call, session } = setUpDashboard();
    const { cookie } = await session();
    const signedIn = await call("GET", "/dashboard", undefined, { Cookie: cookie });
    expect(signedIn.text).toBe((await call("GET", "/dashboard")).text);
    expect(await call("GET", "/dashboard/data?view=overview")).toMatchObject({ status: 401 });
    const enqueuer = { Authorization: "Bearer the-enqueue-token" };
    expect(await call("GET", "/dashboard/data?view=overview", undefined, enqueuer)).toMatchObject({ status: 403 });
  });

  test("without the option is not found, and says how to turn it on", async () => {
    const { call } = setUp();
    const { status, body } = await call("GET", "/dashboard");
    expect(status).toBe(404);
    expect(body["detail"]).toContain("createHandler({ dashboard: dashboard(), ... }), from tidegate/dashboard");
  });

  test.each([
    ["POST", "/dashboard", "GET, HEAD, OPTIONS"],
    ["DELETE", "/dashboard/sign-in", "GET, HEAD, POST, OPTIONS"],
    ["PUT", "/dashboard/sign-out", "POST, OPTIONS"],
  ])("refuses %s %s", async (method, path, allow) => {
    const { call } = setUpDashboard();
    const answer = await call(method, path);
    expect(answer.status).toBe(405);
    expect(answer.headers.get("allow")).toBe(allow);
  });

  test("is where a sign-in address leads", async () => {
    const { call } = setUpDashboard();
    expect((await call("GET", "/dashboard/sign-in")).headers.get("location")).toBe("../dashboard");
  });
});

describe("the data of the page", () => {
  test("has the queue's activity, its cost, and what the user may do", async () => {
    const { call, queue } = setUpDashboard({ handler: { auth: "none" } });
    await queue.enqueue("fails", { secret: 1 });
    await queue.drain();
    const { body } = await call("GET", "/dashboard/data?view=overview");
    expect(body).toMatchObject({
      queue: "default",
      queues: ["default"],
      names: ["send_email", "fails"],
      mayChange: true,
      csrf: null,
      commands: 0,
      activity: { stats: { deadLetterCount: 1 } },
    });
    expect(body).not.toHaveProperty("jobs");
  });

  test("says only that nothing has happened if its mark is still the same", async () => {
    const { call, queue, clock } = setUpDashboard({ handler: { auth: "none" } });
    const read = async (mark: string) => (await call("GET", `/dashboard/data?view=overview&mark=${mark}`)).body;
    const { mark } = await read("new");
    clock.now += 1_000;
    expect(await read(String(mark))).toEqual({
      ...{ at: new Date(clock.now).toISOString(), commands: 0 },
      ...{ isFree: true, isUnchanged: true },
    });
    await queue.enqueue("send_email", { to: "ada" });
    const changed = await read(String(mark));
    expect(changed).toMatchObject({ activity: { stats: { readyCount: 1 } } });
    expect(changed["mark"]).not.toBe(mark);
  });

  test("of jobs is short, whatever their payloads", async () => {
    const { call, queue } = setUpDashboard({ handler: { auth: "none" } });
    await queue.enqueue("fails", { text: "x".repeat(10_000) });
    await queue.drain();
    const { text, body } = await call("GET", "/dashboard/data?view=jobs&state=dead");
    expect(text.length).toBeLessThan(7_000);
    expect(body).toMatchObject({ jobs: { rows: [{ state: "dead", error: { name: "Error", message: "no luck" } }] } });
    expect(text).not.toContain("stack");
  });

  test("of a search is the job with the id, or those with the name", async () => {
    const { call, queue } = setUpDashboard({ handler: { auth: "none" } });
    await queue.enqueue("fails", null, { id: "order 7" });
    await queue.enqueue("send_email", { to: "a" }, { id: "mail" });
    const ids = async (search: string) => {
      const { body } = await call("GET", `/dashboard/data?view=jobs&search=${encodeURIComponent(search)}`);
      return (body["jobs"] as { rows: { id: string }[] }).rows.map(({ id }) => id);
    };
    expect(await ids("order 7")).toEqual(["order 7"]);
    expect(await ids("send_email")).toEqual(["mail"]);
    expect(await ids("nothing")).toEqual([]);
    // Jobs with the text as a whole value come first, however it was searched.
    for (const [id, order] of [
      ["one", "A-2010"],
      ["two", "A-2011"],
      ["whole", "A-201"],
    ] as const)
      await queue.enqueue("fails", { order }, { id });
    for (const search of ["A-201", "order=A-201"]) {
      expect((await ids(search))[0]).toBe("whole");
      expect(await ids(search)).toHaveLength(3);
    }
    await queue.enqueue("fails", { customer: 5 }, { id: "of-five" });
    await queue.enqueue("fails", { customer: 55 }, { id: "of-fifty-five" });
    for (const search of ["customer=5", "customer 5", "customer: 5"]) expect(await ids(search)).toEqual(["of-five"]);
    expect((await ids("5"))[0]).toBe("of-five");
    // The punctuation of JSON is no text of a payload.
    for (const search of ['"', "{", ":"]) expect(await ids(search)).toEqual([]);
    await queue.enqueue("fails", { pipes: [{ of: '5" or {4}' }] }, { id: "punctuated" });
    for (const search of ['"', "{", '" or {']) expect(await ids(search)).toEqual(["punctuated"]);
  });

  test("of a search in a state has jobs of that state, and of a long text the job with that id", async () => {
    const { call, queue } = setUpDashboard({ handler: { auth: "none" } });
    const long = "x".repeat(256);
    await queue.enqueueMany([
      { job: "fails", payload: null, id: "order 7" },
      { job: "fails", payload: null, id: long },
    ]);
    const ids = async (query: Record<string, string>) => {
      const { status, body } = await call("GET", `/dashboard/data?view=jobs&${new URLSearchParams(query)}`);
      expect(status).toBe(200);
      return (body["jobs"] as { rows: { id: string }[] }).rows.map(({ id }) => id);
    };
    expect(await ids({ state: "ready", search: "order 7" })).toEqual(["order 7"]);
    expect(await ids({ state: "dead", search: "order 7" })).toEqual([]);
    expect(await ids({ search: long })).toEqual([long]);
    expect(await ids({ search: "y".repeat(256) })).toEqual([]);
    expect(await ids({ state: "dead", search: long })).toEqual([]);
  });

  test("of a search ends after 18 MiB of payloads, or after 5 seconds, and says how far it has come", async () => {
    const clock = clockByHand(start);
    let seconds = 0;
    const store = aroundStore(memoryStore(), (_, run) => {
      clock.now += seconds * 1_000;
      return run();
    });
    const { call, queue } = setUpDashboard({ handler: { auth: "none" }, queue: { store, clock } });
    for (let job = 0; job < 10; job++) await queue.enqueue("fails", "x".repeat(2 * 1024 * 1024), { delay: "1h" });
    const search = async (query: string) => {
      const { body } = await call("GET", `/dashboard/data?view=jobs&by=payload&search=y${query}`);
      return body["jobs"] as { readonly examined: number; readonly cursor: string | null };
    };
    const first = await search("");
    expect(first).toEqual({ rows: [], examined: 6, cursor: expect.any(String) });
    expect(await search(`&cursor=${encodeURIComponent(String(first.cursor))}`)).toMatchObject({
      examined: 4,
      cursor: null,
    });
    seconds = 2;
    expect(await search("&state=scheduled")).toMatchObject({ examined: 3, cursor: expect.any(String) });
  });

  test("of a job has the first 20,000 characters of a large payload, result and progress, and all of a small one", async () => {
    const { call, queue } = setUpDashboard({ handler: { auth: "none" } });
    await queue.enqueue("fails", "x".repeat(1_000_000), { id: "large" });
    await queue.enqueue("fails", { order: 7 }, { id: "small" });
    const read = async (id: string) =>
      (await call("GET", `/dashboard/data?view=job&id=${id}&only=contents`)).body["job"];
    const large = await read("large");
    expect(large).toMatchObject({ id: "large", beginnings: { payload: `"${"x".repeat(20_000)}` } });
    expect(large).not.toHaveProperty("payload");
    expect(await read("small")).toMatchObject({ payload: { order: 7 } });
    expect(await read("small")).not.toHaveProperty("beginnings");
  });

  test("of schedules has their next five occurrences", async () => {
    const { call, queue } = setUpDashboard({ handler: { auth: "none" } });
    await queue.schedules.upsert("report", { job: "fails", cron: "0 9 * * *", timeZone: "Europe/Paris" });
    const { body } = await call("GET", "/dashboard/data?view=schedules");
    const days = ["02", "03", "04", "05", "06"];
    const occurrences = days.map((day) => `2026-03-${day}T08:00:00.000Z`);
    expect(body).toMatchObject({ schedules: [{ key: "report", occurrences }] });
  });

  test("of schedules survives a time zone that this runtime does not know", async () => {
    const store = memoryStore();
    const { call, queue } = setUpDashboard({ handler: { auth: "none" }, queue: { store } });
    await queue.schedules.upsert("report", { job: "fails", cron: "0 9 * * *" });
    const rule = { name: "fails", cron: "0 9 * * *", timeZone: "Mars/Olympus", missed: "once", overlap: "allow" };
    await store
      .open(queue.name)
      .changeSchedules({ put: [{ key: "new", record: `1:${JSON.stringify(rule)}`, next: start }] });
    const { status, body } = await call("GET", "/dashboard/data?view=schedules");
    expect(status).toBe(200);
    expect(body).toMatchObject({ schedules: [{ key: "new", occurrences: [] }, { key: "report" }] });
  });

  test.each([
    "",
    "?view=none",
    "?view=jobs&state=lost",
    "?view=jobs&state=dead&cursor=x",
    "?view=job&id=",
    "?view=overview&more=1",
  ])("of an invalid query is a problem: %s", async (query) => {
    const { call } = setUpDashboard({ handler: { auth: "none" } });
    expect(await call("GET", `/dashboard/data${query}`)).toMatchObject({
      status: 400,
      body: { code: "invalid_request" },
    });
  });

  test("of an unknown queue is a problem", async () => {
    const { call } = setUpDashboard({ handler: { auth: "none" } });
    expect((await call("GET", "/dashboard/data?view=overview&queue=other")).status).toBe(404);
  });
});

// Text that is parsed as HTML could become more than text, and a misspelt name of an action would compile.
test("the page never parses HTML, and its templates name no action as mere text", () => {
  const folder = join(import.meta.dirname, "../../src/http/dashboard/page");
  for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((each) => each.endsWith(".ts")))
    expect(
      readFileSync(join(folder, file), "utf8").match(
        /innerHTML|outerHTML|insertAdjacent|DOMParser|write\(|data-(click|change|input|submit|pointermove)="\w/g,
      ) ?? [],
      file,
    ).toEqual([]);
});
