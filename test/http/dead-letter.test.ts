import { describe, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { start } from "../support/clock.ts";
import { setUp, snapshot } from "./memory-handler.ts";

const now = new Date(start).toISOString();

async function withDead(...ids: string[]) {
  const parts = setUp();
  await parts.queue.enqueueMany(ids.map((id) => ({ job: "fails", id, payload: { n: 1 } })));
  await parts.queue.drain();
  return parts;
}

describe("GET /dead-letter", () => {
  test("lists dead jobs with the error, the attempts and the time", async () => {
    const { call } = await withDead("a");
    const { status, body } = await call("GET", "/dead-letter");
    expect(status).toBe(200);
    expect(body).toEqual({
      jobs: [
        expect.objectContaining({
          id: "a",
          state: "dead",
          attempts: 1,
          failedAt: now,
          error: { name: "Error", message: "no luck", stack: expect.stringContaining("no luck") },
        }),
      ],
      cursor: null,
    });
  });

  test("pages and filters by name", async () => {
    const { call } = await withDead("a", "b", "c");
    const first = await call("GET", "/dead-letter?limit=2");
    expect(first.body["jobs"]).toHaveLength(2);
    const cursor = encodeURIComponent(String(first.body["cursor"]));
    expect((await call("GET", `/dead-letter?limit=2&cursor=${cursor}`)).body["jobs"]).toHaveLength(1);
    expect((await call("GET", "/dead-letter?name=send_email")).body["jobs"]).toEqual([]);
  });

  test("refuses a state", async () => {
    const { call } = setUp();
    expect((await call("GET", "/dead-letter?state=dead")).status).toBe(400);
  });
});

describe("GET /failures", () => {
  test("groups dead jobs by name and error, and its groups select them", async () => {
    const { call } = await withDead("a", "b", "c");
    const { status, body } = await call("GET", "/failures");
    const group = expect.stringMatching(/^[0-9a-f]{12}$/);
    const error = { name: "Error", message: "no luck" };
    const trend = [...Array.from({ length: 23 }, () => 0), 3];
    const all = { group, name: "fails", error, count: 3, firstAt: now, lastAt: now, sampleId: "c", trend, age: "new" };
    expect({ status, body }).toEqual({ status: 200, body: { failures: [all], cursor: null, ungrouped: 0 } });
    const [failures] = body["failures"] as [{ group: string }];
    const selection = { group: failures.group };
    expect((await call("GET", `/dead-letter?group=${failures.group}&limit=2`)).body["jobs"]).toHaveLength(2);
    const dry = await call("POST", "/dead-letter/remove", { ...selection, dryRun: true });
    expect(dry.body).toMatchObject({ removed: 3 });
    expect((await call("POST", "/dead-letter/retry", selection)).body).toEqual({ retried: 3 });
    expect((await call("GET", `/dead-letter?group=${failures.group}`)).body["jobs"]).toEqual([]);
  });

  test.each(["/failures?cursor=dead:", "/failures?state=dead", "/dead-letter?group=charge"])(
    "refuses %s",
    async (path) => {
      const { call } = setUp();
      expect(await call("GET", path)).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    },
  );
});

describe("retrying", () => {
  test("one makes it ready and returns it", async () => {
    const { call } = await withDead("a/b");
    const answer = await call("POST", "/dead-letter/a%2Fb/retry");
    expect(answer).toMatchObject({ status: 200, body: { id: "a/b", state: "ready", runAt: now, payload: { n: 1 } } });
    expect(await call("POST", "/dead-letter/a%2Fb/retry")).toMatchObject({ status: 404, body: { code: "not_found" } });
  });

  test("one accepts a new payload", async () => {
    const { call } = await withDead("a");
    expect((await call("POST", "/dead-letter/a/retry", { payload: null })).body).toMatchObject({ payload: null });
  });

  test("one refuses a payload that does not fit, and leaves it dead", async () => {
    const { call, queue, clock } = setUp();
    const { held } = await internalsOf(queue).enqueueHeld([
      { job: "send_email", payload: { to: "ada" }, id: "b", maxRetries: 0 },
    ]);
    expect(held).toHaveLength(1);
    clock.now += 3_600_000;
    await queue.drain();
    expect(await queue.getJob("b")).toMatchObject({ state: "dead" });
    const answer = await call("POST", "/dead-letter/b/retry", { payload: {} });
    expect(answer).toMatchObject({ status: 422, body: { code: "invalid_payload" } });
    expect(await queue.getJob("b")).toMatchObject({ state: "dead" });
  });

  test.each([
    [{ ids: ["a", "c", "nobody"] }, 2],
    [{ name: "fails" }, 3],
    [{ name: "send_email" }, 0],
    [{ all: true }, 3],
  ])("%j retries %i", async (selection, retried) => {
    const { call, queue } = await withDead("a", "b", "c");
    const dry = await call("POST", "/dead-letter/retry", { ...selection, dryRun: true });
    expect(dry).toMatchObject({ status: 200, body: { retried } });
    expect((await queue.getStats()).deadLetterCount).toBe(3);
    expect(await call("POST", "/dead-letter/retry", selection)).toMatchObject({ status: 200, body: { retried } });
    expect(await queue.getStats()).toMatchObject({ deadLetterCount: 3 - retried, readyCount: retried });
    for (const { payload } of (await queue.listJobs()).jobs) expect(payload).toEqual({ n: 1 });
  });

  test("a count says until when it holds, and sent back, it keeps out what died later", async () => {
    const { call, queue, clock } = await withDead("a", "b");
    const { body } = await call("POST", "/dead-letter/retry", { name: "fails", dryRun: true });
    const jobs = [{ id: "b" }, { id: "a" }];
    expect(body).toMatchObject({ retried: 2, before: new Date(clock.now).toISOString(), jobs });
    clock.now += 1_000;
    await queue.enqueue("fails", null, { id: "later" });
    await queue.drain();
    const { before } = body;
    const piece = await call("POST", "/dead-letter/retry", { name: "fails", before, limit: 1 });
    expect(piece.body).toMatchObject({ retried: 1 });
    expect((await call("POST", "/dead-letter/remove", { all: true, before })).body).toEqual({ removed: 1 });
    expect((await queue.listDeadLetter()).jobs.map(({ id }) => id)).toEqual(["later"]);
  });

  test("many accepts a new payload for each", async () => {
    const { call, queue } = await withDead("a", "b");
    await call("POST", "/dead-letter/retry", { all: true, payload: { n: 2 } });
    expect((await queue.listJobs()).jobs.map(({ payload }) => payload)).toEqual([{ n: 2 }, { n: 2 }]);
  });
});

describe("removing", () => {
  test("one answers 204, and 404 afterwards", async () => {
    const { call, queue } = await withDead("retry");
    expect((await call("DELETE", "/dead-letter/retry")).status).toBe(204);
    expect(await queue.getJob("retry")).toBeNull();
    expect(await call("DELETE", "/dead-letter/retry")).toMatchObject({ status: 404, body: { code: "not_found" } });
  });

  test("many answers with the number", async () => {
    const { call, queue } = await withDead("a", "b");
    const dry = await call("POST", "/dead-letter/remove", { all: true, dryRun: true });
    expect(dry).toMatchObject({ status: 200, body: { removed: 2 } });
    expect(await call("POST", "/dead-letter/remove", { ids: ["a"] })).toMatchObject({ body: { removed: 1 } });
    expect((await queue.getStats()).deadLetterCount).toBe(1);
  });
});

describe.each(["retry", "remove"])("POST /dead-letter/%s", (what) => {
  test.each([
    {},
    { all: false },
    { all: true, name: "fails" },
    { ids: "a" },
    { ids: [7] },
    { ids: Array(1_001).fill("a") },
    { name: "" },
    { al: true },
    { all: true, dryRun: "yes" },
  ])("refuses %j", async (selection) => {
    const { call, queue } = await withDead("a");
    const before = await snapshot(queue);
    const answer = await call("POST", `/dead-letter/${what}`, selection);
    expect(answer).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    expect(await snapshot(queue)).toBe(before);
  });
});
