import { beforeEach, describe, expect, test } from "vitest";
import * as flow from "../../examples/guide/flow-control.ts";
import { outbox, table } from "../../examples/guide/services.ts";
import { memoryStore, Queue } from "../../src/index.ts";
import { expectEnqueued, testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";

function setUp() {
  const clock = testClock(start);
  const jobs = [flow.sendNews, flow.syncTenant, flow.postEntry, flow.renderReport];
  return { clock, queue: new Queue({ store: memoryStore(), jobs, clock, logger: null }) };
}

beforeEach(() => {
  outbox.length = 0;
  table.clear();
});

describe("flow control", () => {
  test("sends no more mails a minute than the provider takes", async () => {
    const { clock, queue } = setUp();
    const readers = Array.from({ length: 250 }, (_, index) => ({ to: `reader-${index}@example.com` }));
    await queue.enqueueMany(readers.map((payload) => ({ job: flow.sendNews, payload })));
    for (const sent of [100, 200, 250]) {
      await queue.drain({ maxJobs: 1_000 });
      expect(outbox).toHaveLength(sent);
      await clock.advance("1m");
    }
  });

  test("runs one job of a tenant at a time, and more for a larger plan", async () => {
    const { queue } = setUp();
    await flow.syncForPlan(queue, "acme", "free");
    await flow.syncForPlan(queue, "corp", "pro");
    expect(await queue.flowControl.get("tenant-acme")).toMatchObject({ concurrency: 1, waiting: 1 });
    expect(await queue.flowControl.get("tenant-corp")).toMatchObject({ concurrency: 5, waiting: 1 });
    await queue.drain();
    expect([...table.keys()].sort()).toEqual(["acme", "corp"]);
  });

  test("posts the entries of an account in order, whatever the first one waits for", async () => {
    const { clock, queue } = setUp();
    await queue.enqueue(flow.postEntry, { account: "a", amount: 1 }, { delay: "10s" });
    await queue.enqueue(flow.postEntry, { account: "a", amount: 2 });
    await queue.enqueue(flow.postEntry, { account: "b", amount: 3 });
    await queue.drain();
    expect([...table.values()]).toEqual(["b 3"]);
    await clock.advance("10s");
    await queue.drain();
    expect([...table.values()]).toEqual(["b 3", "a 1", "a 2"]);
  });

  test("runs a customer's single report before another's thousand", async () => {
    const { queue } = setUp();
    const many = Array.from({ length: 1_000 }, (_, index) => ({ customer: "large", month: `month-${index}` }));
    await queue.enqueueMany(many.map((payload) => ({ job: flow.renderReport, payload })));
    await queue.enqueue(flow.renderReport, { customer: "small", month: "may" });
    await queue.drain({ maxJobs: 10, concurrency: 2, batchSize: 2 });
    expect(table.has("small may")).toBe(true);
    expect(table.size).toBe(10);
  });

  test("is changed at run time, and let go of", async () => {
    const { queue } = setUp();
    await queue.enqueue(flow.sendNews, { to: "ada@example.com" });
    const keys = await flow.slowDown(queue);
    expect(keys).toHaveLength(2);
    expect(await queue.flowControl.get("mail-provider")).toMatchObject({ rate: 10, pinned: true });
    expect(await queue.flowControl.get("tenant-acme")).toMatchObject({ paused: true });
    await flow.letGo(queue);
    await queue.enqueue(flow.sendNews, { to: "ben@example.com" });
    expect(await queue.flowControl.get("mail-provider")).toMatchObject({ rate: 100, pinned: false });
    expect(await queue.flowControl.get("tenant-acme")).toBe(null);
  });

  test("says why a job does not run", async () => {
    const { queue } = setUp();
    await queue.flowControl.pause("tenant-acme");
    const { id } = await queue.enqueue(flow.syncTenant, { tenant: "acme" });
    expect(await flow.whyNot(queue, id)).toMatchObject({ key: "tenant-acme", reason: "paused" });
    await expectEnqueued(queue, flow.syncTenant, { heldBack: { key: "tenant-acme" }, count: 1 });
  });
});
