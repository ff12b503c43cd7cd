// #region set-up
import { memoryStore, Queue } from "tidegate";
import { QueueClient } from "tidegate/client";
import { createHandler } from "tidegate/http";
import { drainAll, expectEnqueued, expectNotEnqueued, faultyStore, performJob, testClock } from "tidegate/testing";
import { beforeEach, describe, expect, test } from "vitest";
import { outbox } from "../services.ts";
import { askForOpinion, signUp, welcome } from "./sign-up.ts";

const ada = { id: 7, email: "ada@example.com" };

function setUp() {
  const clock = testClock("2026-03-01T12:00:00Z");
  const queue = new Queue({ store: memoryStore(), jobs: [welcome, askForOpinion], clock, logger: null });
  return { clock, queue };
}

beforeEach(() => {
  outbox.length = 0;
});
// #endregion

describe("signing up", () => {
  // #region enqueued
  test("welcomes immediately, and asks for an opinion a week later", async () => {
    const { queue } = setUp();
    await signUp(queue, ada);
    await expectEnqueued(queue, welcome, { payload: { to: "ada@example.com" }, count: 1 });
    await expectEnqueued(queue, askForOpinion, { delay: "7d" });
  });
  // #endregion

  // #region drain-all
  test("ends in two emails, the second a day late since it failed once", async () => {
    const { queue, clock } = setUp();
    await signUp(queue, ada);
    expect(await drainAll(queue, { clock })).toMatchObject({ completed: 2, retried: 1 });
    expect(outbox.map(({ subject }) => subject)).toEqual(["Welcome", "What do you think so far?"]);
    expect(new Date(clock.now).toISOString()).toBe("2026-03-09T12:00:00.000Z");
  });
  // #endregion

  // #region clock
  test("asks nobody before the week is over", async () => {
    const { queue, clock } = setUp();
    await signUp(queue, ada);
    await clock.advance("6d");
    await queue.drain();
    expect(outbox).toHaveLength(1);
    await expectNotEnqueued(queue, welcome); // it has run, so it no longer waits
  });
  // #endregion

  // #region faults
  test("may be repeated when the response of Redis is lost", async () => {
    const store = faultyStore(memoryStore(), [{ on: "enqueue", call: 1, fault: "after" }]);
    const queue = new Queue({ store, jobs: [welcome, askForOpinion] });
    await expect(signUp(queue, ada)).rejects.toMatchObject({ code: "store_unavailable" });
    await signUp(queue, ada);
    await expectEnqueued(queue, welcome, { count: 1 });
  });
  // #endregion
});

describe("the welcome over HTTP", () => {
  // #region http
  test("is refused if the address is invalid", async () => {
    const { queue } = setUp();
    const handler = createHandler({ queue, auth: { enqueue: ["a-long-token"] } });
    const fetch = (request: Request) => handler.fetch(request);
    const client = new QueueClient({ url: "http://queue.test", token: "a-long-token", fetch });
    await expect(client.enqueue(welcome, { to: "nobody" })).rejects.toMatchObject({ code: "invalid_payload" });
    await expectNotEnqueued(queue, welcome);
  });
  // #endregion
});

describe("the job that asks for an opinion", () => {
  // #region perform
  test("waits for a day after its first attempt, and sends on the second", async () => {
    const { clock } = setUp();
    const first = await performJob(askForOpinion, { to: "ada@example.com" }, { clock });
    expect(first).toMatchObject({ status: "retried", runAt: new Date("2026-03-02T12:00:00Z") });
    const second = await performJob(askForOpinion, { to: "ada@example.com" }, { attempt: 2 });
    expect(second.status).toBe("completed");
  });
  // #endregion
});
