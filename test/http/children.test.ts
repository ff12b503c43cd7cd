import { describe, expect, test } from "vitest";
import { QueueClient } from "../../src/client/index.ts";
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

  test("sends a job with a thousand children in one request", async () => {
    const { client, queue, paths } = connect();
    const { id } = await client.enqueue(fails, undefined, { children: children(1_000) });
    expect(paths).toEqual(["/jobs"]);
    expect((await queue.getJob(id))?.children).toMatchObject({ total: 1_000, pending: 1_000 });
    await expect(client.enqueue(fails, undefined, { children: children(1_001) })).rejects.toMatchObject({
      code: "invalid_request",
    });
  });

  test("a repeated call whose response was lost stores nothing twice", async () => {
    let calls = 0;
    const { client, queue } = connect(() => ++calls === 1);
    const options = { id: "report", children: children(3) };
    await expect(client.enqueue(fails, undefined, options)).rejects.toMatchObject({ code: "store_unavailable" });
    expect(await client.enqueue(fails, undefined, options)).toMatchObject({ id: "report", status: "duplicate" });
    expect((await queue.getStats()).pendingCount).toBe(4);
  });
});
