import { describe, expect, test, vi } from "vitest";
import { resize, sendEmail } from "../../examples/guide/define.ts";
import * as enqueue from "../../examples/guide/enqueue.ts";
import { appOf } from "../../examples/guide/hono/app.ts";
import { importRows } from "../../examples/guide/import-rows.ts";
import { openQueue } from "../../examples/guide/queue.ts";
import { createHandler } from "../../src/http/handler.ts";
import { memoryStore, Queue } from "../../src/index.ts";
import { expectEnqueued, faultyStore, testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { serveFetch } from "../support/http-server.ts";
import { documentsIn, inBackground, runScript } from "./guide.ts";

function setUp() {
  const clock = testClock(start);
  const jobs = [sendEmail, resize, importRows, enqueue.rebuildIndex];
  return { clock, queue: new Queue({ store: memoryStore(), jobs, clock }) };
}

describe("enqueueing", () => {
  test("returns the job that it stored", async () => {
    const { queue } = setUp();
    const answer = await enqueue.one(queue);
    expect(answer).toEqual({ id: expect.any(String), status: "enqueued", runAt: new Date(start) });
    expect(await queue.getJob(answer.id)).toMatchObject({ state: "ready" });
  });

  test("can be delayed, or set to a time", async () => {
    const { queue } = setUp();
    await enqueue.later(queue);
    await expectEnqueued(queue, sendEmail, { delay: "3d", count: 1 });
    await expectEnqueued(queue, sendEmail, { runAt: "2030-05-17T07:00:00Z", count: 1 });
  });

  test("can set until when a job may begin", async () => {
    const { clock, queue } = setUp();
    await enqueue.inTime(queue);
    await expectEnqueued(queue, sendEmail, { expires: "10m", count: 1 });
    await clock.advance("11m");
    expect(await queue.drain()).toMatchObject({ expired: 1, completed: 0 });
  });

  test("stores one job for an id, even after it has completed", async () => {
    const { queue } = setUp();
    const order = { number: 7, email: "ada@example.com" };
    const { first, again } = await enqueue.onlyOnce(queue, order);
    expect([first, again]).toMatchObject([
      { id: "thanks-7", status: "enqueued" },
      { id: "thanks-7", status: "duplicate" },
    ]);
    expect(await queue.drain()).toMatchObject({ completed: 1 });
    expect((await enqueue.onlyOnce(queue, order)).first).toEqual({ id: "thanks-7", status: "duplicate", runAt: null });
  });

  test("replaces a job with every newer call, until it runs", async () => {
    const { clock, queue } = setUp();
    const { id } = await enqueue.debounced(queue, 7);
    await clock.advance("9s");
    expect(await enqueue.debounced(queue, 7)).toEqual({ id, status: "replaced" });
    await clock.advance("9s");
    expect(await queue.drain()).toMatchObject({ claimed: 0 });
    await clock.advance("1s");
    expect(await queue.drain()).toMatchObject({ completed: 1 });
    expect(await enqueue.debounced(queue, 7)).toEqual({ id, status: "duplicate" });
  });

  test("stores one job for a dedupe key in its window, and returns its id", async () => {
    const { queue, clock } = setUp();
    const first = await enqueue.notTooOften(queue, 7);
    expect(await enqueue.notTooOften(queue, 7)).toMatchObject({ id: first.id, status: "duplicate" });
    expect(await enqueue.notTooOften(queue, 8)).toMatchObject({ status: "enqueued" });
    await clock.advance("10m");
    expect(await enqueue.notTooOften(queue, 7)).toMatchObject({ status: "enqueued" });
  });

  test("takes many jobs at once, all or none", async () => {
    const { queue } = setUp();
    const answers = await enqueue.many(queue, ["ada@example.com", "ben@example.com"]);
    expect(answers.map(({ status }) => status)).toEqual(["enqueued", "enqueued"]);
    await expect(enqueue.many(queue, ["cleo@example.com", 7 as unknown as string])).rejects.toThrow(/^Job 1: /);
    await expectEnqueued(queue, sendEmail, { delay: "1m", count: 2 });
  });

  test("takes many calls in one turn, each with its own answer", async () => {
    const { queue } = setUp();
    const orders = [7, 8, 7].map((number) => ({ number, email: "ada@example.com" }));
    const answers = await enqueue.together(queue, orders);
    expect(answers.map(({ id, status }) => [id, status])).toEqual([
      ["thanks-7", "enqueued"],
      ["thanks-8", "enqueued"],
      ["thanks-7", "duplicate"],
    ]);
  });

  test("sets options for one job", async () => {
    const { queue } = setUp();
    await enqueue.otherwise(queue);
    await expectEnqueued(queue, importRows, { maxRetries: 8, count: 1 });
  });

  test("returns a job that can be read, changed and cancelled", async () => {
    const { queue } = setUp();
    const { id } = await queue.enqueue(sendEmail, { to: "ada@example.com" }, { delay: "1d" });
    expect(await enqueue.lookAfter(queue, id)).toMatchObject({ job: { id }, jobs: [{ id }], cursor: null });
    await enqueue.change(queue, id);
    expect(await queue.getJob(id)).toBeNull();
  });

  test("is one of many that are moved in one call", async () => {
    const { queue } = setUp();
    const { id } = await queue.enqueue(sendEmail, { to: "ada@example.com" }, { delay: "1d" });
    expect(await enqueue.changeMany(queue)).toBe(1);
    const { runAt } = (await queue.getJob(id)) ?? {};
    expect(runAt?.getTime()).toBeLessThan(Date.now() + 3_700_000);
  });

  test("can be awaited", async () => {
    const queue = openQueue(memoryStore());
    const { id } = await queue.enqueue(resize, { image: "cat.png", width: 80 });
    await queue.drain();
    expect(await enqueue.waited(queue, id)).toBe("cat.png is 80 wide now");
  });

  test("can be repeated with the same id if the answer is lost", async () => {
    const store = faultyStore(memoryStore(), [{ on: "enqueue", call: 1, fault: "after" }]);
    const queue = new Queue({ store, jobs: [sendEmail] });
    expect(await enqueue.placed(queue, "ada@example.com", 7)).toBe("thank you");
    await expectEnqueued(queue, sendEmail, { id: "thanks-7", count: 1 });
    expect(await enqueue.placed(queue, 7 as unknown as string, 8)).toBe("to");
  });

  test("in a route of Hono answers with the reason, and leaves the handler and other errors alone", async () => {
    const store = faultyStore(memoryStore(), [{ on: "enqueue", call: 2, fault: "before" }]);
    const app = appOf(new Queue({ store, jobs: [sendEmail] }), "the-admin-token");
    const post = (body: unknown) => app.request("/welcome", { method: "POST", body: JSON.stringify(body) });
    expect((await post({ to: "ada@example.com" })).status).toBe(202);
    const refused = await post({ to: 7 });
    expect(refused.status).toBe(422);
    expect(await refused.json()).toMatchObject({ issues: [{ path: ["to"] }] });
    expect((await post({ to: "x".repeat(6_000_000) })).status).toBe(413);
    expect((await post({ to: "ada@example.com" })).status).toBe(503);
    expect((await app.request("/teapot")).status).toBe(418);
    expect(await (await app.request("/queue/stats")).json()).toMatchObject({ code: "unauthorized" });
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    expect((await app.request("/welcome", { method: "POST", body: "{" })).status).toBe(500);
    log.mockRestore();
  });

  test("on a queue without jobs takes any name", async () => {
    const { clock } = setUp();
    const store = memoryStore();
    await new Queue({ store, clock }).enqueue("send_email", { to: "ada@example.com" });
    await expect(openQueue(store).enqueue("send_mail", {})).rejects.toThrow(/This queue knows: send_email/);
  });
});

describe("enqueueing over HTTP", () => {
  const env = { TIDEGATE_ENQUEUE_TOKEN: "the-enqueue-token" };
  const open = async () => {
    const queue = openQueue(memoryStore());
    const background = inBackground();
    const handler = createHandler({
      queue,
      auth: { enqueue: ["the-enqueue-token"] },
      waitUntil: background.context.waitUntil,
    });
    const server = await serveFetch((request) => handler.fetch(request));
    return { queue, ...background, server };
  };

  test("takes one job or several", async () => {
    const { server, settled } = await open();
    const [first, each] = documentsIn(await runScript("enqueue.sh", { ...env, TIDEGATE_URL: server.url }));
    expect(first).toMatchObject({ id: "welcome-ada", status: "enqueued" });
    expect(each).toMatchObject({ jobs: [{ status: "enqueued" }, { error: { code: "invalid_payload" } }] });
    await settled();
    await server.stop();
  });

  test("starts due jobs at once, in the background", async () => {
    const { server, queue, settled } = await open();
    const client = enqueue.connect({ ...env, TIDEGATE_URL: server.url });
    expect(await enqueue.throughTheClient(client, "ada@example.com")).toMatchObject({ state: "completed" });
    await settled();
    expect(await queue.getStats()).toMatchObject({ totalProcessed: 1, pendingCount: 0 });
    await server.stop();
  });
});
