import { beforeEach, describe, expect, test } from "vitest";
import * as dead from "../../examples/guide/dead-letter.ts";
import { sendEmail } from "../../examples/guide/define.ts";
import { outbox } from "../../examples/guide/services.ts";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { createHandler } from "../../src/http/handler.ts";
import { defineJob, memoryStore, PermanentError, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { serveFetch } from "../support/http-server.ts";
import { documentsIn, runScript } from "./guide.ts";

const refused = defineJob({
  name: "refused",
  perform() {
    throw new PermanentError("Refused.");
  },
});

/** A queue with dead mails that have a wrong payload, and two other dead jobs. */
async function setUp(mails: number) {
  const clock = testClock(start);
  const store = memoryStore();
  const stale = new Queue({ store, clock });
  for (let index = 0; index < mails; index++) await stale.enqueue("send_email", {}, { id: `mail-${index}` });
  const queue = new Queue({ store, jobs: [sendEmail, refused], clock });
  await queue.enqueueMany([
    { job: refused, id: "one" },
    { job: refused, id: "two" },
  ]);
  await queue.drain({ maxJobs: 1_000 });
  return queue;
}

beforeEach(() => {
  outbox.length = 0;
});

describe("the dead letter", () => {
  test("is listed page by page, with the reasons", async () => {
    const lines = await dead.list(await setUp(120));
    expect(lines).toHaveLength(122);
    expect(lines).toContain("2026-03-01T12:00:00.000Z refused one: Refused. (attempt 1)");
  });

  test("is told to a hook", async () => {
    const told: string[] = [];
    const queue = dead.noticing(memoryStore(), [refused], (text) => told.push(text));
    await queue.enqueue(refused, undefined, { id: "one" });
    await queue.drain();
    expect(told).toEqual(["refused one is dead: PermanentError: Refused."]);
  });

  test("is grouped by what broke, and a group is retried as a whole", async () => {
    const queue = await setUp(3);
    const at = "2026-03-01T12:00:00.000Z";
    expect(await dead.whatBroke(queue)).toEqual([
      expect.stringMatching(/^3 x send_email: The payload no longer fits the schema of "…": /),
      `2 x refused: Refused., from ${at} to ${at}`,
    ]);
    const { failures } = await queue.getFailures();
    expect(await dead.retryGroup(queue, failures[1]?.group as string)).toMatchObject({ retried: 2 });
    expect(await queue.getJob("one")).toMatchObject({ state: "ready" });
  });

  test("retries a job, with all its retries restored", async () => {
    const queue = await setUp(0);
    await dead.retryOne(queue, "one");
    expect(await queue.getJob("one")).toMatchObject({ state: "ready", attempts: 0 });
  });

  test("takes a corrected payload, and refuses one that does not fit", async () => {
    const queue = await setUp(1);
    await expect(queue.retryFromDeadLetter("mail-0", { payload: {} })).rejects.toMatchObject({
      code: "invalid_payload",
    });
    expect(await queue.getJob("mail-0")).toMatchObject({ state: "dead" });
    await dead.retryCorrected(queue, "mail-0");
    await queue.drain();
    expect(outbox).toMatchObject([{ to: "ada@example.com" }]);
  });

  test("can be retried by name, and as a whole", async () => {
    const queue = await setUp(3);
    expect(await dead.retryMany(queue)).toBe(3);
    expect(await queue.getStats()).toMatchObject({ deadLetterCount: 0, readyCount: 4, scheduledCount: 1 });
  });

  test("can be removed by ids, and as a whole", async () => {
    const queue = await setUp(3);
    await dead.remove(queue, ["mail-0"]);
    expect(await queue.getStats()).toMatchObject({ deadLetterCount: 0, pendingCount: 0, totalFailed: 5 });
  });

  test("can be managed over HTTP", async () => {
    const queue = await setUp(2);
    const handler = createHandler({ queue, auth: { admin: ["the-admin-token"] } });
    const server = await serveFetch((request) => handler.fetch(request));
    const output = await runScript("dead-letter.sh", {
      TIDEGATE_URL: server.url,
      TIDEGATE_ADMIN_TOKEN: "the-admin-token",
    });
    expect(documentsIn(output)).toMatchObject([{ retried: 2 }, { retried: 2 }]);
    expect(await queue.getStats()).toMatchObject({ deadLetterCount: 2, readyCount: 2 });
    await server.stop();
  });

  test("receives a job whose invocations died each time", async () => {
    const clock = testClock();
    const job = defineJob({ name: "job", maxRetries: 0, perform() {} });
    const queue = new Queue({ store: memoryStore(), jobs: [job], clock });
    await internalsOf(queue).enqueueHeld([{ job, id: "killed" }]);
    await clock.advance("2m");
    expect(await queue.drain()).toMatchObject({ deadLettered: 1 });
    expect(await queue.getJob("killed")).toMatchObject({ error: { name: "LeaseExpired" } });
  });
});
