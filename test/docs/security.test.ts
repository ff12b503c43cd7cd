import { describe, expect, test, vi } from "vitest";
import { resize, sendEmail } from "../../examples/guide/define.ts";
import * as security from "../../examples/guide/security.ts";
import { createHandler } from "../../src/http/handler.ts";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { faultyStore } from "../../src/testing/index.ts";

const open = () => new Queue({ store: memoryStore(), jobs: [sendEmail, resize] });
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
const json = { "Content-Type": "application/json" };

describe("tokens", () => {
  const env = {
    TIDEGATE_ENQUEUE_TOKEN: "the-old-token, the-new-token",
    TIDEGATE_DRAIN_TOKEN: "the-drain-token",
    TIDEGATE_SIGNAL_TOKEN: "the-signal-token",
    TIDEGATE_READ_TOKEN: "the-read-token",
    TIDEGATE_ADMIN_TOKEN: "the-admin-token",
  };

  test("may be several in one scope, while callers move to a new one", async () => {
    const app = security.openDoor(open(), env);
    for (const token of ["the-old-token", "the-new-token"]) {
      const body = '{"name":"resize","payload":{"image":"cat.png","width":80}}';
      const answer = await app.request("/jobs", { method: "POST", headers: { ...bearer(token), ...json }, body });
      expect(answer.status).toBe(201);
    }
    expect((await app.request("/jobs", { method: "POST", headers: bearer("the-older-token") })).status).toBe(401);
  });

  test("allow what the guide's table says, and nothing else", async () => {
    const app = security.openDoor(open(), env);
    const status = async (token: string, method: string, path: string) =>
      (await app.request(path, { method, headers: bearer(token) })).status;
    const tries = [
      ["POST", "/jobs"],
      ["GET", "/jobs/none"],
      ["GET", "/jobs"],
      ["GET", "/dead-letter"],
      ["GET", "/stats"],
      ["POST", "/drain"],
      ["POST", "/signals/paid"],
      ["POST", "/pause"],
    ] as const;
    const seen = async (token: string) =>
      Promise.all(tries.map(async ([method, path]) => [await status(token, method, path)].map((code) => code !== 403)));
    expect((await seen("the-old-token")).flat()).toEqual([true, true, false, false, false, false, false, false]);
    expect((await seen("the-drain-token")).flat()).toEqual([false, false, false, false, false, true, false, false]);
    expect((await seen("the-signal-token")).flat()).toEqual([false, false, false, false, false, false, true, false]);
    expect((await seen("the-read-token")).flat()).toEqual([false, true, true, true, true, false, false, false]);
    expect((await seen("the-admin-token")).flat()).toEqual([true, true, true, true, true, true, true, true]);
  });

  test("limited to some jobs enqueue these, with their keys, and see them", async () => {
    const jobs = ["send_feedback", "import_rows", "refund"].map((name) => defineJob({ name, perform() {} }));
    const queue = new Queue({ store: memoryStore(), jobs });
    const own = { ...env, TIDEGATE_ENQUEUE_TOKEN: "the-servers-token" };
    const app = security.shared(queue, { ...own, PAGE_TOKEN: "the-page-token", ACME_TOKEN: "the-acme-token" });
    const send = async (token: string, job: object) => {
      const headers = { ...bearer(token), ...json };
      return (await app.request("/jobs", { method: "POST", headers, body: JSON.stringify(job) })).status;
    };
    expect(await send("the-page-token", { name: "send_feedback", id: "a" })).toBe(201);
    expect(await send("the-page-token", { name: "refund" })).toBe(403);
    expect(await send("the-acme-token", { name: "import_rows" })).toBe(403);
    expect(await send("the-acme-token", { name: "import_rows", flowControl: { key: "acme-1" } })).toBe(201);
    const see = async (token: string) => (await app.request("/jobs/a", { headers: bearer(token) })).status;
    expect([await see("the-page-token"), await see("the-acme-token")]).toEqual([200, 404]);
  });

  test("of scope enqueue create no recurring jobs", async () => {
    const app = security.openDoor(open(), env);
    const body = '{"name":"resize","payload":{"image":"a","width":1},"cron":"* * * * *"}';
    const answer = await app.request("/jobs", {
      method: "POST",
      headers: { ...bearer("the-old-token"), ...json },
      body,
    });
    expect(answer.status).toBe(403);
  });

  test("of scope enqueue choose what a job does and when, within the bounds of the handler", async () => {
    const queue = open();
    const app = security.narrow(queue, "a-long-token");
    const send = async (options: object) => {
      const body = JSON.stringify({ name: "resize", payload: { image: "cat.png", width: 80 }, ...options });
      return (await app.request("/jobs", { method: "POST", headers: { ...bearer("a-long-token"), ...json }, body }))
        .status;
    };
    const allowed = { id: "cat", delay: "1h", dedupe: { key: "cat", ttl: "10m" }, flowControl: { key: "cats" } };
    expect(await send(allowed)).toBe(201);
    const refused = [{ delay: "2h" }, { dedupe: { key: "dog", ttl: "1h" } }, { maxRetries: 9 }, { timeout: "1h" }];
    for (const options of refused) expect(await send(options)).toBe(403);
    expect(await send({ payload: { image: "x".repeat(5_000), width: 1 } })).toBe(413);
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 1 });
  });

  test("cannot be left out by mistake", () => {
    expect(() => createHandler({ queue: open(), auth: {} })).toThrow(/auth needs at least one token/);
    expect(() => createHandler({ queue: open(), auth: { admin: [""] } })).toThrow(/Is its environment variable set/);
  });
});

describe("your own login", () => {
  test("guards a handler without tokens", async () => {
    const app = security.guarded(open(), "secret");
    expect((await app.request("/queue/stats")).status).toBe(401);
    const headers = { Authorization: `Basic ${btoa("operator:secret")}` };
    expect((await app.request("/queue/stats", { headers })).status).toBe(200);
  });

  test("does not let another site use a logged-in browser", async () => {
    const app = security.guarded(open(), "secret");
    const headers = { Authorization: `Basic ${btoa("operator:secret")}` };
    const pause = (more: object) => app.request("/queue/pause", { method: "POST", headers: { ...headers, ...more } });
    expect((await pause({ "Sec-Fetch-Site": "cross-site" })).status).toBe(403);
    expect((await pause({})).status).toBe(200);
  });
});

describe("limits and errors", () => {
  test("a body may not exceed the limit", async () => {
    const app = security.careful(open(), "a-long-token", () => {});
    const body = JSON.stringify({ name: "resize", payload: { image: "x".repeat(20_000), width: 1 } });
    const answer = await app.request("/jobs", {
      method: "POST",
      headers: { ...bearer("a-long-token"), ...json },
      body,
    });
    expect(answer.status).toBe(413);
  });

  test("neither an answer nor a log line repeats a payload or a token", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const store = faultyStore(memoryStore(), "before");
    const app = createHandler({ queue: new Queue({ store, jobs: [sendEmail] }), auth: { enqueue: ["a-long-token"] } });
    const send = (payload: unknown) =>
      app.request("/jobs", {
        method: "POST",
        headers: { ...bearer("a-long-token"), ...json },
        body: JSON.stringify({ name: "send_email", payload }),
      });
    const answers = [await send({ to: "secret@example.com" }), await send({ to: { secret: "secret@example.com" } })];
    expect(answers.map(({ status }) => status)).toEqual([503, 422]);
    const shown = [...(await Promise.all(answers.map((answer) => answer.text()))), log.mock.calls.flat().join()].join();
    expect(shown).not.toMatch(/secret@example|a-long-token/);
    expect(log).toHaveBeenCalledWith("tidegate: TidegateError (store_unavailable)");
    log.mockRestore();
  });

  test("any other error is reported by its name", async () => {
    const names: string[] = [];
    const store = faultyStore(memoryStore(), "before");
    const app = security.careful(new Queue({ store, jobs: [resize] }), "a-long-token", (name) => names.push(name));
    await app.request("/jobs/none", { headers: bearer("a-long-token") });
    expect(names).toEqual(["TidegateError"]);
  });
});
