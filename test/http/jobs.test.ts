import { describe, expect, test } from "vitest";
import { start } from "../support/clock.ts";
import { setUp, snapshot } from "./memory-handler.ts";

const at = (ms: number) => new Date(start + ms).toISOString();

describe("POST /jobs", () => {
  test("stores a job and answers 201 with its id, status and run time", async () => {
    const { call, queue } = setUp();
    const answer = await call("POST", "/jobs", { name: "send_email", payload: { to: "ada" } });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({ id: expect.any(String), status: "enqueued", runAt: at(0) });
    expect(await queue.getJob(String(answer.body["id"]))).toMatchObject({ name: "send_email", payload: { to: "ada" } });
  });

  test("answers 200 and names the existing job for an id that is taken", async () => {
    const { call, queue } = setUp();
    const job = { name: "send_email", payload: { to: "ada" }, id: "welcome", delay: "5m" };
    expect((await call("POST", "/jobs", job)).status).toBe(201);
    const second = await call("POST", "/jobs", job);
    expect(second.status).toBe(200);
    expect(second.body).toEqual({ id: "welcome", status: "duplicate", runAt: at(300_000) });
    expect((await queue.getStats()).pendingCount).toBe(1);
  });

  test("takes every option of enqueue", async () => {
    const { call, queue } = setUp();
    const options = {
      id: "all",
      runAt: at(60_000),
      maxRetries: 7,
      backoff: { type: "fixed", base: "10s", max: "1m", jitter: 0.5 },
      timeout: 5_000,
      dedupe: { key: "user-7", ttl: "10m" },
    };
    expect((await call("POST", "/jobs", { name: "fails", payload: null, ...options })).status).toBe(201);
    expect(await queue.getJob("all")).toMatchObject({ maxRetries: 7, payload: null, runAt: new Date(start + 60_000) });
    const again = await call("POST", "/jobs", { name: "fails", dedupe: options.dedupe });
    expect(again.body).toEqual({ id: "all", status: "duplicate", runAt: at(60_000) });
  });

  test("answers 200 where a newer call has replaced what a job is to do", async () => {
    const { call, queue } = setUp();
    const newest = (payload: number) => ({
      name: "fails",
      payload,
      delay: payload * 1_000,
      dedupe: { key: "user-7", ttl: "10m", replace: true },
    });
    const first = await call("POST", "/jobs", newest(1));
    expect(first.status).toBe(201);
    const { id } = first.body;
    expect(await call("POST", "/jobs", newest(2))).toMatchObject({
      status: 200,
      body: { id, status: "replaced", runAt: at(2_000) },
    });
    expect(await queue.getJob(String(id))).toMatchObject({ payload: 2 });
  });

  test("stores an array at once and answers for each job in order", async () => {
    const { call, queue } = setUp();
    const answer = await call("POST", "/jobs", [
      { name: "fails", id: "a" },
      { name: "fails", id: "b", delay: 1_000 },
      { name: "fails", id: "a" },
    ]);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      jobs: [
        { id: "a", status: "enqueued", runAt: at(0) },
        { id: "b", status: "enqueued", runAt: at(1_000) },
        { id: "a", status: "duplicate", runAt: at(0) },
      ],
    });
    expect((await queue.getStats()).pendingCount).toBe(2);
  });

  test("stores no job of an array if one is refused, and says which", async () => {
    const { call, queue } = setUp();
    const before = await snapshot(queue);
    const shape = await call("POST", "/jobs", [{ name: "fails" }, { name: "fails", delay: "soon" }]);
    expect(shape).toMatchObject({ status: 400, body: { detail: expect.stringContaining("jobs[1].delay") } });
    const payload = await call("POST", "/jobs", [{ name: "fails" }, { name: "send_email", payload: {} }]);
    expect(payload).toMatchObject({ status: 422, body: { detail: expect.stringContaining("Job 1: ") } });
    expect(await snapshot(queue)).toBe(before);
  });

  test("takes 1,000 jobs and refuses 1,001", async () => {
    const { call, queue } = setUp();
    const jobs = Array.from({ length: 1_001 }, () => ({ name: "fails" }));
    expect(await call("POST", "/jobs", jobs)).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    expect((await queue.getStats()).pendingCount).toBe(0);
    expect((await call("POST", "/jobs", jobs.slice(1))).status).toBe(200);
    expect((await queue.getStats()).pendingCount).toBe(1_000);
  });

  test("refuses jobs that are larger than 8 MiB together, whatever the body may have, and stores none", async () => {
    const { call, queue } = setUp({ handler: { maxBodyBytes: 64 * 1024 * 1024 } });
    const jobs = Array.from({ length: 40 }, () => ({ name: "fails", payload: "x".repeat(256 * 1024) }));
    expect(await call("POST", "/jobs", jobs)).toMatchObject({
      status: 413,
      body: {
        code: "payload_too_large",
        detail: expect.stringContaining("Jobs 0 to 39 are larger than 8 MiB together"),
      },
    });
    expect((await queue.getStats()).pendingCount).toBe(0);
  });

  test("answers an empty array with an empty list", async () => {
    const { call } = setUp();
    expect(await call("POST", "/jobs", [])).toMatchObject({ status: 200, body: { jobs: [] } });
  });

  test("with cron creates a recurring job", async () => {
    const { call, queue } = setUp();
    const job = {
      name: "send_email",
      payload: { to: "ada" },
      id: "daily",
      cron: "0 0 9 * * *",
      timeZone: "Europe/Paris",
    };
    const first = await call("POST", "/jobs", job);
    expect(first.status).toBe(201);
    expect(first.body).toEqual({ id: "daily", status: "enqueued", runAt: "2026-03-02T08:00:00.000Z" });
    expect((await call("POST", "/jobs", job)).status).toBe(200);
    expect(await queue.schedules.get("daily")).toMatchObject({ name: "send_email", timeZone: "Europe/Paris" });
  });

  test("refuses a payload that does not fit with the issues of the schema", async () => {
    const { call } = setUp();
    const answer = await call("POST", "/jobs", { name: "send_email", payload: { to: 7 } });
    expect(answer).toMatchObject({ status: 422, body: { code: "invalid_payload", status: 422 } });
    expect(answer.body["issues"]).toEqual([{ path: ["to"], message: expect.any(String) }]);
  });

  test("refuses a name that the queue does not know", async () => {
    const { call } = setUp();
    const answer = await call("POST", "/jobs", { name: "nobody" });
    expect(answer).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    expect(answer.body["detail"]).toContain("send_email");
  });

  test("answers 413 for a payload above 5 MiB", async () => {
    const { call, queue } = setUp();
    const payload = { to: "x".repeat(5 * 1024 * 1024) };
    const answer = await call("POST", "/jobs", { name: "send_email", payload });
    expect(answer).toMatchObject({ status: 413, body: { code: "payload_too_large" } });
    expect((await queue.getStats()).pendingCount).toBe(0);
  });

  test.each([
    [{}, "name"],
    [{ name: 7 }, "name"],
    [{ name: "fails", id: "" }, "id"],
    [{ name: "fails", id: "x".repeat(257) }, "id"],
    [{ name: "fails", id: null }, "id"],
    [{ name: "fails", delay: -1 }, "delay"],
    [{ name: "fails", delay: "1s", runAt: at(0) }, "delay or runAt"],
    [{ name: "fails", runAt: "tomorrow" }, "runAt"],
    [{ name: "fails", runAt: "2030-01-01T00:00:00" }, "runAt"],
    [{ name: "fails", maxRetries: 1.5 }, "maxRetries"],
    [{ name: "fails", backoff: [] }, "backoff"],
    [{ name: "fails", backoff: { type: "cubic" } }, "backoff.type"],
    [{ name: "fails", backoff: { base: {} } }, "backoff.base"],
    [{ name: "fails", backoff: { jitter: 2 } }, "backoff.jitter"],
    [{ name: "fails", backoff: { first: 2 } }, 'option "first" in backoff'],
    [{ name: "fails", timeout: 0 }, "timeout"],
    [{ name: "fails", dedupe: { key: "k" } }, "dedupe.ttl"],
    [{ name: "fails", dedupe: { key: "", ttl: "1s" } }, "dedupe.key"],
    [{ name: "fails", dedupe: { key: "k", ttl: "1s", replace: "yes" } }, "dedupe.replace"],
    [{ name: "fails", delya: "1s" }, "delya"],
    [{ name: "fails", toString: 1 }, "toString"],
    [{ name: "fails", cron: "never" }, "cron"],
    [{ name: "fails", cron: 5 }, "cron"],
    [{ name: "fails", cron: "* * * * *", delay: "1s" }, "delay"],
    [{ name: "fails", cron: "* * * * *", timeZone: "Mars/Olympus" }, "Mars/Olympus"],
    [[{ name: "fails", cron: "* * * * *" }], 'option "cron" in jobs[0]'],
    [[[]], "jobs[0]"],
    ["null", "The body"],
    ["7", "The body"],
  ])("refuses %j by naming %s", async (body, field) => {
    const { call, queue } = setUp();
    const before = await snapshot(queue);
    const answer = await call("POST", "/jobs", body);
    expect(answer).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    expect(answer.body["detail"]).toContain(field);
    expect(await snapshot(queue)).toBe(before);
  });
});

describe("GET /jobs", () => {
  test("lists jobs page by page, by state and name", async () => {
    const { call, queue } = setUp();
    await queue.enqueueMany([
      { job: "fails", id: "a" },
      { job: "send_email", payload: { to: "ada" }, id: "b" },
      { job: "fails", id: "c", delay: "1h" },
    ]);
    const first = await call("GET", "/jobs?limit=2");
    expect(first.status).toBe(200);
    expect(first.body["jobs"]).toHaveLength(2);
    const rest = await call("GET", `/jobs?limit=2&cursor=${encodeURIComponent(String(first.body["cursor"]))}`);
    const all = [first, rest].flatMap(({ body }) => (body["jobs"] as { id: string }[]).map(({ id }) => id));
    expect(all.sort()).toEqual(["a", "b", "c"]);
    const ready = await call("GET", "/jobs?state=ready&name=fails");
    expect(ready.body).toEqual({
      jobs: [expect.objectContaining({ id: "a", state: "ready", runAt: at(0) })],
      cursor: null,
    });
  });

  test.each([
    ["state=lost", "state"],
    ["limit=0", "limit"],
    ["limit=1e3", "limit"],
    ["limit=", "limit"],
    ["name=", "name"],
    ["cursor=nonsense", "cursor"],
    ["stat=ready", "stat"],
    ["state=ready&state=dead", "state"],
    ["__proto__=1", "__proto__"],
  ])("refuses %s by naming %s", async (query, field) => {
    const { call } = setUp();
    const answer = await call("GET", `/jobs?${query}`);
    expect(answer).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    expect(answer.body["detail"]).toContain(field);
  });
});

describe("one job", () => {
  const strange = [
    "a/b",
    "a%2Fb",
    "%",
    "%zz",
    "ä ö?#&=+",
    "retry",
    "日本/..",
    ";:@$,",
    "__proto__",
    "a\\b",
    "~.-_!*'()",
  ];

  test.each(strange)("is found, changed and cancelled by the id %s", async (id) => {
    const { call } = setUp();
    const path = `/jobs/${encodeURIComponent(id)}`;
    expect((await call("POST", "/jobs", { name: "fails", id, delay: "1h" })).status).toBe(201);
    expect(await call("GET", path)).toMatchObject({ status: 200, body: { id, name: "fails", state: "scheduled" } });
    expect(await call("PATCH", path, { delay: "2h" })).toMatchObject({
      status: 200,
      body: { id, runAt: at(7_200_000) },
    });
    expect(await call("DELETE", path)).toMatchObject({ status: 204, text: "" });
    expect(await call("GET", path)).toMatchObject({ status: 404, body: { code: "not_found" } });
  });

  test("shows a completed job with its result", async () => {
    const { call, queue } = setUp();
    const { id } = await queue.enqueue("send_email", { to: "ada" });
    await queue.drain();
    const { body } = await call("GET", `/jobs/${id}`);
    expect(body).toMatchObject({ state: "completed", result: { sent: true }, runAt: null, completedAt: at(0) });
  });

  test("can get a new run time, a new payload, or both", async () => {
    const { call, queue } = setUp();
    await queue.enqueue("send_email", { to: "ada" }, { id: "a", delay: "1h" });
    expect((await call("PATCH", "/jobs/a", { runAt: at(1_000) })).body).toMatchObject({ runAt: at(1_000) });
    expect((await call("PATCH", "/jobs/a", { payload: { to: "eve" } })).body).toMatchObject({
      runAt: at(1_000),
      payload: { to: "eve" },
    });
    const both = await call("PATCH", "/jobs/a", { delay: "1m", payload: { to: "bob" } });
    expect(both.body).toMatchObject({ runAt: at(60_000), payload: { to: "bob" } });
  });

  test.each([
    [{}, 400, "invalid_request"],
    [{ delay: "1m", runAt: at(0) }, 400, "invalid_request"],
    [{ name: "fails" }, 400, "invalid_request"],
    [[], 400, "invalid_request"],
    [{ payload: { to: 7 } }, 422, "invalid_payload"],
  ])("is not changed by %j", async (body, status, code) => {
    const { call, queue } = setUp();
    await queue.enqueue("send_email", { to: "ada" }, { id: "a", delay: "1h" });
    const before = await snapshot(queue);
    expect(await call("PATCH", "/jobs/a", body)).toMatchObject({ status, body: { code } });
    expect(await snapshot(queue)).toBe(before);
  });

  test("that has ended can be neither changed nor cancelled", async () => {
    const { call, queue } = setUp();
    const { id } = await queue.enqueue("send_email", { to: "ada" });
    await queue.drain();
    expect(await call("PATCH", `/jobs/${id}`, { delay: 0 })).toMatchObject({ status: 409, body: { code: "conflict" } });
    expect(await call("DELETE", `/jobs/${id}`)).toMatchObject({ status: 409, body: { code: "conflict" } });
  });

  test.each(["GET", "PATCH", "DELETE"])("that does not exist gets 404 from %s", async (method) => {
    const { call } = setUp();
    const answer = await call(method, "/jobs/nobody", method === "PATCH" ? { delay: 0 } : undefined);
    expect(answer).toMatchObject({ status: 404, body: { code: "not_found" } });
  });
});

describe("DELETE /jobs", () => {
  test("clears the jobs of one state", async () => {
    const { call, queue } = setUp();
    await queue.enqueueMany([{ job: "fails" }, { job: "fails", delay: "1h" }]);
    expect(await call("DELETE", "/jobs?state=scheduled")).toMatchObject({ status: 200, body: { cleared: 1 } });
    expect(await call("DELETE", "/jobs?state=pending")).toMatchObject({ status: 200, body: { cleared: 1 } });
    expect((await queue.getStats()).pendingCount).toBe(0);
  });

  test.each(["", "?state=running", "?state=", "?State=pending"])("clears nothing for the query '%s'", async (query) => {
    const { call, queue } = setUp();
    await queue.enqueue("fails");
    expect(await call("DELETE", `/jobs${query}`)).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    expect((await queue.getStats()).pendingCount).toBe(1);
  });
});
