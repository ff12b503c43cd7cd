import { memoryStore, Queue } from "tidegate";
import { drainAll, expectEnqueued, performJob, testClock } from "tidegate/testing";
import { beforeEach, expect, test } from "vitest";
import { outbox } from "../services.ts";
import { askHowItGoes } from "./follow-up.ts";

beforeEach(() => {
  outbox.length = 0;
});

// #region perform
const ada = { to: "ada@example.com" };

test("answers the reply, and does not ask twice", async () => {
  const steps = { ask: null }; // results of earlier steps
  const signals = { "reply-ada@example.com": { text: "Great!" } };
  const outcome = await performJob(askHowItGoes, ada, { skipSleeps: true, steps, signals });
  expect(outcome).toMatchObject({ status: "completed", result: "answered" });
  expect(outbox.map(({ subject }) => subject)).toEqual(["Re: Great!"]);
});

test("sleeps first, and gives up after a week", async () => {
  expect(await performJob(askHowItGoes, ada)).toMatchObject({ status: "sleeping" });
  const signals = { "reply-ada@example.com": null }; // none comes
  const outcome = await performJob(askHowItGoes, ada, { skipSleeps: true, signals });
  expect(outcome).toMatchObject({ status: "completed", result: "silence" });
  expect(outcome.steps).toMatchObject([
    { name: "sleep", state: "completed" },
    { name: "ask", state: "completed" },
    { name: "reply-ada@example.com", state: "timedOut" },
  ]);
});
// #endregion

// #region drain-all
test("waits for the reply, from the third day on", async () => {
  const clock = testClock("2026-03-01T12:00:00Z");
  const queue = new Queue({ store: memoryStore(), jobs: [askHowItGoes], clock });
  const { id } = await queue.enqueue(askHowItGoes, ada);
  await drainAll(queue, { clock, until: "4d" });
  await expectEnqueued(queue, askHowItGoes, { waitingFor: { events: ["reply-ada@example.com"] } });
  expect(await queue.signal("reply-ada@example.com", { text: "Great!" })).toEqual({ woken: 1, kept: false });
  await drainAll(queue, { clock });
  expect(await queue.getJob(askHowItGoes, id)).toMatchObject({ state: "completed", result: "answered" });
});
// #endregion
