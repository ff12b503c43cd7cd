import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { slack } from "../../src/alerts/index.ts";
import { memoryStore } from "../../src/index.ts";
import { start } from "../support/clock.ts";
import { fails, messages, openAlerts, secret, webhookTo } from "./open-alerts.ts";
import { isSigned, type Receiver, startReceiver } from "./receiver.ts";

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.stop());

describe("a receiver", () => {
  const setUp = async () => {
    const opened = openAlerts(memoryStore(), [webhookTo(receiver)]);
    await opened.queue.enqueue(fails, { error: "no luck" });
    await opened.passes("0s");
    return opened;
  };

  test("that is down gets the message when it is up again, with the same id, and signed anew", async () => {
    const { passes, queue, clock } = await setUp();
    const { port } = receiver;
    await receiver.stop();
    await passes("10s");
    for (let minute = 0; minute < 20; minute++) await passes("1m");
    const [alert] = (await queue.listJobs({ state: "scheduled", name: "tidegate_alert" })).jobs;
    receiver = await startReceiver(port);
    await passes("20m");
    expect(messages(receiver)).toMatchObject([{ type: "failures", count: 1 }]);
    const [request] = receiver.received;
    expect(request?.headers).toMatchObject({ "webhook-id": alert?.id, "webhook-timestamp": String(clock.now / 1_000) });
    expect(request && isSigned(request, secret)).toBe(true);
  });

  test("that is down for hours gets what holds when it is up again, and nothing that is out of date", async () => {
    const { passes, queue } = await setUp();
    const { port } = receiver;
    await receiver.stop();
    await passes("10s");
    for (let minute = 0; minute < 300; minute += 5) await passes("5m");
    await queue.enqueue(fails, { error: "no luck" });
    await passes("0s");
    await passes("10s");
    receiver = await startReceiver(port);
    for (let minute = 0; minute < 180; minute += 5) await passes("5m");
    expect(messages(receiver)).toMatchObject([
      { type: "failures", count: 2, firstAt: new Date(start).toISOString() },
      { type: "over", count: 2 },
    ]);
    expect(await queue.getStats()).toMatchObject({ pendingCount: 0 });
  });

  test.each([500, 503, 408, 429])("that responds with %s is tried again", async (status) => {
    const { passes } = await setUp();
    receiver.answer = { status };
    await passes("10s");
    expect(receiver.requests).toHaveLength(1);
    receiver.answer = { status: 200 };
    await passes("1m");
    expect(messages(receiver)).toMatchObject([{ type: "failures" }]);
  });

  test.each([
    ["90", 90],
    [new Date(start + 10_000 + 90_000).toUTCString(), 90],
  ])("that asks for a pause by Retry-After: %s is tried again after it", async (header, seconds) => {
    const { passes } = await setUp();
    receiver.answer = { status: 429, headers: { "Retry-After": header } };
    await passes("10s");
    receiver.answer = { status: 200 };
    await passes(`${seconds - 1}s`);
    expect(receiver.requests).toHaveLength(1);
    await passes("1s");
    expect(receiver.received).toHaveLength(1);
  });

  test.each(["0", "5", new Date(start - 3_600_000).toUTCString()])(
    "that is down for ten minutes and asks for a short pause by Retry-After: %s does not use up all attempts",
    async (header) => {
      const { passes, queue } = await setUp();
      receiver.answer = { status: 429, headers: { "Retry-After": header } };
      for (let elapsed = 0; elapsed < 600; elapsed += 10) await passes("10s");
      expect(receiver.requests.length).toBeLessThan(8);
      receiver.answer = { status: 200 };
      await passes("10m");
      expect(messages(receiver)).toMatchObject([{ type: "failures" }]);
      expect((await queue.listDeadLetter({ name: "tidegate_alert" })).jobs).toEqual([]);
    },
  );

  test("that never responds is given up after ten seconds, and tried again", async () => {
    const { passes, clock, queue } = await setUp();
    receiver.answer = "never";
    await clock.advance("10s");
    const draining = queue.drain();
    while (receiver.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await clock.advance("10s");
    await draining;
    receiver.answer = { status: 200 };
    await passes("1m");
    expect(messages(receiver)).toMatchObject([{ type: "failures" }]);
  });

  test.each([
    [404, "status 404"],
    [301, "redirects elsewhere"],
  ])(
    "that responds with %s is not tried again: the job is dead, says why, and causes no alert",
    async (status, why) => {
      const { passes, queue, lines } = await setUp();
      receiver.answer = { status, headers: { Location: `${receiver.url}/elsewhere` } };
      await passes("10s");
      await passes("1m");
      expect(receiver.requests).toHaveLength(1);
      const { jobs } = await queue.listDeadLetter({ name: "tidegate_alert" });
      expect(jobs).toMatchObject([{ error: { name: "PermanentError", message: expect.stringContaining(why) } }]);
      expect(lines.filter((line) => line.includes("tidegate_alert"))).toHaveLength(1);
      expect((await queue.listJobs({ state: "scheduled" })).jobs.map(({ payload }) => payload)).toMatchObject([
        { group: (await queue.getFailures()).failures.find(({ name }) => name === "fails")?.group },
      ]);
    },
  );

  test("that is down does not keep a message from another one", async () => {
    const other = await startReceiver();
    const { queue, passes } = openAlerts(memoryStore(), [slack(`${receiver.url}/x`), webhookTo(other)]);
    await receiver.stop();
    await queue.enqueue(fails, { error: "no luck" });
    await passes("0s");
    await passes("10s");
    expect(messages(other)).toMatchObject([{ type: "failures" }]);
    await passes("1m");
    expect(other.requests).toHaveLength(1);
    await other.stop();
    receiver = await startReceiver();
  });

  test("has its URL and its secret in no line, record and error", async () => {
    const { passes, queue, lines } = await setUp();
    for (const answer of [{ status: 500 }, { status: 400 }]) {
      receiver.answer = answer;
      await passes("10s");
      await passes("1m");
    }
    await receiver.stop();
    await queue.enqueue(fails, { error: "no time" });
    await passes("0s");
    await passes("10s");
    receiver = await startReceiver();
    const states = ["scheduled", "ready", "completed", "dead"] as const;
    const pages = await Promise.all(states.map((state) => queue.listJobs({ state })));
    const shown = JSON.stringify([pages, lines]);
    expect(shown).toContain("cannot be reached (ECONNREFUSED)");
    for (const hidden of ["hidden-path", "127.0.0.1", secret, secret.slice(6)]) expect(shown).not.toContain(hidden);
  });
});
