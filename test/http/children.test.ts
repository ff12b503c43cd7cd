import { describe, expect, test } from "vitest";
import { QueueClient } from "../../src/client/index.ts";
import { start } from "../support/clock.ts";
import { fails, sendEmail, setUp } from "./memory-handler.ts";

const auth = { enqueue: ["enqueue-token"], read: ["read-token-of-test"], admin: ["admin-token-of-test"] };
const rows = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ name: "send_email", payload: { to: `${index}` } }));
const parent = { name: "fails", payload: null };

function open(token = "admin-token-of-test") {
  const parts = setUp({ handler: { auth } });
  const call = async (method: string, path: string, body?: object) => {
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    const response = await parts.app.request(path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    return { status: response.status, body: await response.json() };
  };
  return { ...parts, call };
}

describe("POST /jobs with children", () => {
  test("stores a job that waits for them, and they may have children of their own", async () => {
    const { call, queue } = open("enqueue-token");
    const children = [...rows(2), { ...parent, waitFor: "completed", children: rows(3) }];
    const stored = await call("POST", "/jobs", { ...parent, id: "report", children });
    expect(stored).toEqual({ status: 201, body: { id: "report", status: "enqueued", runAt: null } });
    expect((await queue.getJob("report"))?.children).toMatchObject({ total: 3, pending: 3 });
    const again = await call("POST", "/jobs", { ...parent, id: "report", children });
    expect(again).toMatchObject({ status: 200, body: { status: "duplicate" } });
  });

  test.each([
    [{ ...parent, children: [...rows(1), { name: "send_email", maxRetries: 1 }] }, 403, /^Child 1: maxRetries needs/],
    [
      { ...parent, children: [{ ...parent, children: [{ name: "send_email", timeout: "1h" }] }] },
      403,
      /^Child 0: timeout/,
    ],
    [{ ...parent, children: [...rows(1), { name: "unknown" }] }, 400, /^Child 1: No job is named/],
    [{ ...parent, children: [{ name: "send_email", id: "own" }] }, 400, /id/],
    [{ ...parent, dedupe: { key: "k", ttl: "1h" }, children: rows(1) }, 400, /dedupe/],
    [{ ...parent, id: "x".repeat(240), children: rows(2) }, 400, /id/],
    [[{ ...parent, children: rows(1) }], 400, /children/],
  ])("refuses what a token for enqueuing may not do, and names the child: %#", async (body, status, detail) => {
    const { call, queue } = open("enqueue-token");
    const refused = await call("POST", "/jobs", body);
    expect(refused.status).toBe(status);
    expect(refused.body.detail).toMatch(detail);
    expect((await queue.getStats()).pendingCount).toBe(0);
  });

  test("takes more children in later pieces, and the job does not run before all have come", async () => {
    const { call, queue, clock } = open("enqueue-token");
    const first = await call("POST", "/jobs", { ...parent, id: "report", more: 2, children: rows(2) });
    expect(first.body).toMatchObject({ status: "enqueued", children: { stored: 2, since: start } });
    await queue.drain();
    expect((await queue.getJob("report"))?.children).toMatchObject({ total: 4, pending: 2, completed: 2 });
    clock.now += 1_000;
    const piece = { ...first.body.children, children: rows(2) };
    const second = await call("POST", "/jobs/report/children", piece);
    expect(second).toEqual({ status: 200, body: { stored: 4, since: start + 1_000 } });
    clock.now += 1_000;
    expect((await call("POST", "/jobs/report/children", piece)).body).toMatchObject({ stored: 4 });
    expect(await queue.drain()).toMatchObject({ claimed: 3, completed: 2 });
  });

  test.each([
    ["fewer", 2, 0],
    ["more", 5, 0],
    ["more in later pieces", 2, 9],
  ])("refuses a piece that makes them %s than were announced", async (_, count, more) => {
    const { call, queue } = open("enqueue-token");
    const first = await call("POST", "/jobs", { ...parent, id: "report", more: 4, children: rows(3) });
    const piece = { ...first.body.children, more, children: rows(count) };
    const refused = { status: 409, body: { code: "conflict", detail: expect.stringMatching(/another number/) } };
    expect(await call("POST", "/jobs/report/children", piece)).toMatchObject(refused);
    expect((await queue.getStats()).totalEnqueued).toBe(4);
    expect((await call("POST", "/jobs/report/children", { ...piece, more: 0, children: rows(4) })).status).toBe(200);
    expect(await call("POST", "/jobs/report/children", { ...piece, stored: 7 })).toMatchObject(refused);
    expect((await queue.getJob("report"))?.children).toMatchObject({ total: 7, pending: 7 });
  });

  test("a piece that is not the next one learns nothing of the family, and adds nothing", async () => {
    const { call, queue } = open("enqueue-token");
    const body = { ...parent, id: "report", more: 4, children: rows(3) };
    await call("POST", "/jobs", body);
    for (const wrong of [
      { stored: 0, since: 0, more: 6 },
      { stored: 3, since: start + 1, more: 3 },
      { stored: 2, since: start, more: 4 },
    ]) {
      const refused = await call("POST", "/jobs/report/children", { ...wrong, children: rows(1) });
      expect(refused).toMatchObject({ status: 409, body: { code: "conflict" } });
      expect(JSON.stringify(refused.body)).not.toMatch(new RegExp(`${start}|\\b3\\b`));
      expect(Object.keys(refused.body)).not.toContain("stored");
    }
    expect((await queue.getStats()).totalEnqueued).toBe(4);
    // Whoever enqueued the job asks again, and goes on.
    const again = await call("POST", "/jobs", body);
    expect(again).toMatchObject({ status: 200, body: { status: "duplicate", children: { stored: 3, since: start } } });
    const rest = await call("POST", "/jobs/report/children", { ...again.body.children, children: rows(4) });
    expect(rest).toMatchObject({ status: 200, body: { stored: 7 } });
  });

  test("refuses more children without first ones", async () => {
    const { call, queue } = open("enqueue-token");
    expect((await call("POST", "/jobs", { ...parent, more: 4, children: [] })).status).toBe(400);
    expect((await queue.getStats()).totalEnqueued).toBe(0);
  });

  test("gives up a job whose pieces stop coming, an hour later", async () => {
    const { call, queue, clock } = open();
    const first = await call("POST", "/jobs", { ...parent, id: "report", more: 2, children: rows(2) });
    await queue.drain();
    clock.now += 3_600_000;
    await queue.drain();
    expect((await queue.getJob("report"))?.state).toBe("dead");
    const late = await call("POST", "/jobs/report/children", { ...first.body.children, children: rows(2) });
    expect(late).toMatchObject({ status: 409, body: { code: "conflict" } });
  });

  test.each([
    ["enqueue-token", 200],
    ["admin-token-of-test", 200],
    ["read-token-of-test", 403],
  ])("lets %s add children with the status %i", async (token, status) => {
    const parts = setUp({ handler: { auth } });
    const call = async (path: string, body: object, by = token) => {
      const headers = { Authorization: `Bearer ${by}`, "Content-Type": "application/json" };
      const response = await parts.app.request(path, { method: "POST", headers, body: JSON.stringify(body) });
      return { status: response.status, body: await response.json() };
    };
    const first = await call("/jobs", { ...parent, id: "own", more: 1, children: rows(1) }, "admin-token-of-test");
    const added = await call("/jobs/own/children", { ...first.body.children, children: rows(1) });
    expect(added.status).toBe(status);
  });
});

describe("QueueClient", () => {
  function connect(fail: (request: Request) => boolean = () => false) {
    const parts = setUp({ handler: { auth } });
    const paths: string[] = [];
    const fetch = async (request: Request) => {
      paths.push(new URL(request.url).pathname);
      const response = await parts.app.fetch(request);
      if (fail(request)) throw new TypeError("The connection was closed.");
      return response;
    };
    return { ...parts, paths, client: new QueueClient({ url: "http://queue.test", token: "enqueue-token", fetch }) };
  }
  const children = (count: number) => rows(count).map(({ payload }) => ({ job: sendEmail, payload }));

  test("sends a large family in pieces, and says how far it is", async () => {
    const { client, queue, paths } = connect();
    const progress: number[] = [];
    const onProgress = (stored: number) => void progress.push(stored);
    const { id } = await client.enqueue(fails, undefined, { children: children(2_300), onProgress });
    expect(progress).toEqual([1_000, 2_000, 2_300]);
    expect(paths).toEqual(["/jobs", `/jobs/${id}/children`, `/jobs/${id}/children`]);
    expect((await queue.getJob(id))?.children).toMatchObject({ total: 2_300, pending: 2_300 });
  });

  test("refuses what cannot be told of progress before it sends anything", async () => {
    const { client, paths } = connect();
    const call = client.enqueue(fails, undefined, { children: children(2), onProgress: 5 as never });
    await expect(call).rejects.toThrow("onProgress must be a function");
    expect(paths).toEqual([]);
  });

  test("goes on where a call stopped whose response was lost", async () => {
    let calls = 0;
    const { client, queue } = connect(() => ++calls === 2);
    const options = { id: "report", children: children(2_300) };
    await expect(client.enqueue(fails, undefined, options)).rejects.toMatchObject({ code: "store_unavailable" });
    expect(await client.enqueue(fails, undefined, options)).toMatchObject({ id: "report", status: "duplicate" });
    expect((await queue.getJob("report"))?.children).toMatchObject({ total: 2_300, pending: 2_300 });
    expect((await queue.getStats()).pendingCount).toBe(2_301);
  });
});
