import { describe, expect, onTestFinished, test, vi } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { createHandler } from "../../src/http/handler.ts";
import { memoryStore, Queue, type QueueOptions } from "../../src/index.ts";
import { clockByHand, start } from "../support/clock.ts";
import { sendEmail } from "./memory-handler.ts";

const secret = "a secret of the tests";
const auth = { admin: ["the-admin-token"] };

/** Two queues behind one handler, each with a job `a` and a job `b` that wait. */
async function setUp(watchSecret: QueueOptions["watchSecret"] = secret, noAuth = false) {
  const clock = clockByHand(start);
  const store = memoryStore();
  const open = (name: string) => new Queue({ name, store, jobs: [sendEmail], clock, watchSecret });
  const queues = [open("first"), open("second")] as const;
  const enqueue = (queue: Queue, id: string) =>
    queue.enqueue(sendEmail, { to: "ada@example.com" }, { id, delay: "1d" });
  for (const queue of queues) for (const id of ["a", "b"]) await enqueue(queue, id);
  const { fetch } = createHandler({ queues, auth: noAuth ? "none" : auth });
  const ask = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(new Request(`http://queue.test${path}`, { headers }));
    if (response.status === 200) {
      await response.body?.cancel();
      return { status: 200, detail: "" };
    }
    const text = await response.text();
    return { status: response.status, detail: (JSON.parse(text) as { detail: string }).detail, text };
  };
  return { clock, queues, enqueue, ask, events: (token: string, id = "a") => ask(`/jobs/${id}/events?token=${token}`) };
}

const invalid = { status: 401, detail: expect.stringContaining("The watch token is not valid") };

describe("a watch token", () => {
  test("reads its job, at the root and by the queue's name", async () => {
    const { queues, ask } = await setUp();
    const token = await queues[0].watchToken("a", { ttl: "1h" });
    const headers = { Authorization: `Bearer ${token}` };
    for (const place of ["", "/queues/first"]) {
      expect(await ask(`${place}/jobs/a/events?token=${token}`)).toMatchObject({ status: 200 });
      expect(await ask(`${place}/jobs/a/events`, headers)).toMatchObject({ status: 200 });
    }
  });

  test("reads no other job, and none of another queue, even with the same secret", async () => {
    const { queues, ask, events } = await setUp();
    const token = await queues[0].watchToken("a", { ttl: "1h" });
    const forbidden = { status: 403, detail: "The watch token is for another job." };
    expect(await events(token, "b")).toMatchObject(forbidden);
    expect(await ask(`/queues/second/jobs/a/events?token=${token}`)).toMatchObject(forbidden);
    expect(await ask(`/queues/third/jobs/a/events?token=${token}`)).toMatchObject(invalid);
  });

  test("is refused if it was signed with another secret, or the queue has none", async () => {
    const other = await (await setUp("another secret of the tests")).queues[0].watchToken("a");
    expect(await (await setUp()).events(other)).toMatchObject(invalid);
    expect(await (await setUp(undefined)).events(other)).toMatchObject(invalid);
    const without = new Queue({ store: memoryStore() });
    await expect(without.watchToken("a")).rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringContaining("This queue has no watchSecret"),
    });
    const { fetch } = createHandler({ queue: without, auth });
    const answer = await fetch(new Request(`http://queue.test/jobs/a/events?token=${other}`));
    expect(answer.status).toBe(401);
  });

  test("is valid until its time is over, by the clock of the queue: an hour by default", async () => {
    const { clock, queues, events } = await setUp();
    for (const options of [{}, { ttl: "1h" }, { ttl: 3_600_000 }] as const) {
      clock.now = start;
      const token = await queues[0].watchToken("a", options);
      clock.now = start + 3_599_999;
      expect(await events(token)).toMatchObject({ status: 200 });
      clock.now = start + 3_600_000;
      expect(await events(token)).toMatchObject({ status: 401, detail: expect.stringContaining("has expired") });
    }
  });

  test("is refused wherever a character is changed, added or left out", async () => {
    const { queues, events } = await setUp();
    const token = await queues[0].watchToken("a", { ttl: "1h" });
    for (let at = 0; at < token.length; at++) {
      // The last character of 43 holds two bits that say nothing.
      if (at === token.length - 1) continue;
      const changed = token[at] === "A" ? "B" : "A";
      const { status } = await events(token.slice(0, at) + changed + token.slice(at + 1));
      expect(status, `character ${at}`).toBe(401);
    }
    for (const other of [`${token}A`, token.slice(0, -1), token.slice(1), `${token}.${token}`, "watch.", "watch.."])
      expect((await events(other)).status).toBe(401);
    const [head, claims = "", signature] = token.split(".");
    const rights = btoa(`${atob(claims)}results`).replaceAll("=", "");
    expect(await events([head, rights, signature].join("."))).toMatchObject(invalid);
  });

  test("of the secret before is accepted while the array has it, and the first of the array signs", async () => {
    const [older, newer] = ["the older secret of two", "the newer secret of two"];
    const before = await (await setUp(older)).queues[0].watchToken("a");
    const rotated = await setUp([newer, older]);
    expect(await rotated.events(before)).toMatchObject({ status: 200 });
    const after = await rotated.queues[0].watchToken("a");
    expect(await (await setUp(newer)).events(after)).toMatchObject({ status: 200 });
    expect(await (await setUp(newer)).events(before)).toMatchObject(invalid);
    expect(await (await setUp(older)).events(after)).toMatchObject(invalid);
  });

  test("can be in a URL as it is, for any id", async () => {
    const { queues, enqueue, ask } = await setUp();
    for (const id of ["PARENT/17", "50 %", "a:b?c#d&e", "Ünïcödé 🌊", "~~~~???>>>", "x".repeat(256)]) {
      await enqueue(queues[0], id);
      const token = await queues[0].watchToken(id, { results: true });
      expect(token).toMatch(/^watch\.[\w-]+\.[\w-]{43}$/);
      const path = `/jobs/${encodeURIComponent(id)}/events`;
      expect(await ask(`${path}?token=${token}`), id).toMatchObject({ status: 200 });
    }
  });

  test("costs nothing: it is signed without the store, also for a job that is enqueued later", async () => {
    const { queues, enqueue, events } = await setUp();
    const before = internalsOf(queues[0]).meter.roundTrips;
    const token = await queues[0].watchToken("later");
    expect(internalsOf(queues[0]).meter.roundTrips).toBe(before);
    expect((await events(token, "later")).status).toBe(404);
    await enqueue(queues[0], "later");
    expect((await events(token, "later")).status).toBe(200);
  });

  test('is checked by a handler with auth "none" too', async () => {
    const { clock, queues, ask, events } = await setUp(secret, true);
    const token = await queues[0].watchToken("a");
    expect((await ask("/jobs/a/events")).status).toBe(200);
    expect((await events(token)).status).toBe(200);
    expect((await events(token, "b")).status).toBe(403);
    clock.now += 3_600_000;
    expect((await ask("/jobs/a/events", { Authorization: `Bearer ${token}` })).status).toBe(401);
  });
});

test("a token of the handler is refused in a URL, where logs would keep it, and is never repeated", async () => {
  const { ask, events } = await setUp();
  const refused = await events("the-admin-token");
  expect(refused).toMatchObject({ status: 401, detail: expect.stringContaining("Authorization: Bearer") });
  expect(refused.text).not.toContain("the-admin-token");
  expect((await ask("/jobs/a/events", { Authorization: "Bearer the-admin-token" })).status).toBe(200);
  expect((await ask("/jobs/a/events")).status).toBe(401);
});

test("no response, log line or error names a watch token", async () => {
  const lines: unknown[] = [];
  for (const name of ["log", "warn", "error", "info"] as const)
    onTestFinished(vi.spyOn(console, name).mockImplementation((...line) => void lines.push(...line)).mockRestore);
  const store = memoryStore();
  const queue = new Queue({ store, watchSecret: secret, clock: clockByHand(start) });
  const token = await queue.watchToken("a");
  const errors: unknown[] = [];
  const broken = { open: () => ({ ...store.open("x"), find: () => Promise.reject(new Error("The store is away.")) }) };
  const away = new Queue({ store: broken, watchSecret: secret, clock: clockByHand(start) });
  for (const each of [queue, away])
    for (const onError of [undefined, (error: unknown) => errors.push(error)]) {
      const { fetch } = createHandler({ queue: each, auth, onError });
      for (const query of [`token=${token}`, `token=${token}&token=${token}`, `token=${token}&x=1`, `token=${token}x`])
        for (const path of ["/jobs/a/events", "/jobs/b/events", "/jobs/a"]) {
          const response = await fetch(new Request(`http://queue.test${path}?${query}`));
          expect(response.status).toBeGreaterThanOrEqual(400);
          expect(response.headers.get("cache-control")).toBe("no-store");
          expect(await response.text()).not.toContain(token.slice(0, 20));
        }
    }
  const written = [...lines, ...errors].map((each) => (each instanceof Error ? `${each.stack}` : String(each)));
  expect(written.length).toBeGreaterThan(0);
  expect(written.join("\n")).not.toContain("watch.");
});

test.each([["short"], [[]], [["a secret of the tests", "short"]], [""], [7], [null]])(
  "a queue refuses %j as its watchSecret, and does not repeat it",
  (watchSecret) => {
    const build = () => new Queue({ store: memoryStore(), watchSecret: watchSecret as string });
    expect(build).toThrow(/^watchSecret must be a string of at least 16 characters(?!.*(?:short|secret of the))/);
  },
);

test.each([[{ ttl: 0 }], [{ ttl: "soon" }], [{ result: true }], [{ results: "yes" }]])(
  "watchToken refuses %j",
  async (options) => {
    const { queues } = await setUp();
    await expect(queues[0].watchToken("a", options as object)).rejects.toMatchObject({ code: "invalid_request" });
    await expect(queues[0].watchToken("")).rejects.toMatchObject({ code: "invalid_request" });
  },
);
