import { afterEach, beforeEach, expect, test } from "vitest";
import { slack } from "../../src/alerts/index.ts";
import { memoryStore } from "../../src/index.ts";
import { start } from "../support/clock.ts";
import { onMemoryAtLeast } from "../support/stores.ts";
import { drainDry, messages, openAlerts, webhookTo, works } from "./open-alerts.ts";
import { type Receiver, startReceiver } from "./receiver.ts";

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.stop());

onMemoryAtLeast((kind) => {
  test("a queue that has grown for so long is reported once, then each hour, and so is the end", async () => {
    const { queue, open, clock, passes } = openAlerts(kind.create(), [webhookTo(receiver, { growingFor: "6m" })]);
    const minutes = async (count: number) => {
      for (let i = 0; i < count; i++) {
        await queue.enqueueMany([1, 2, 3].map(() => ({ job: works })));
        await queue.drain({ maxJobs: 1 });
        await clock.advance("1m");
      }
    };
    await minutes(8);
    expect(messages(receiver)).toEqual([]);
    await minutes(8);
    await Promise.all([queue, open()].map((each) => each.getStats()));
    const pace = { arrivals: 3, departures: 1, emptyInMs: null };
    const told = { group: null, name: null, error: null, lastAt: null, url: null };
    expect(messages(receiver)).toMatchObject([{ type: "growing", queue: "default", ...told, pace }]);
    expect(Date.parse(messages(receiver)[0]?.firstAt ?? "")).toBeGreaterThan(start);
    await drainDry(queue);
    await passes("1h");
    expect(messages(receiver).slice(1)).toMatchObject([{ type: "over", ...told, count: 0, pace: { departures: 0 } }]);
    await passes("1h");
    expect(receiver.requests).toHaveLength(2);
  });
});

test("Slack is told how many jobs come in and go out", async () => {
  const { queue, clock } = openAlerts(memoryStore(), [slack(`${receiver.url}/x`, { growingFor: "1m" })]);
  await queue.enqueueMany([1, 2].map(() => ({ job: works })));
  await clock.advance("2m");
  await queue.ping();
  const text = receiver.received[0]?.body;
  expect(text).toContain("The queue default grows: 2 jobs are ready");
  expect(text).toContain("grows by 1 a minute (in 1, out 0 on average).");
});
