import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { type AnyJob, defineJob, PermanentError, RetryAfterError } from "../../src/index.ts";
import { performJob, testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";

describe("performJob", () => {
  test("completes with what perform returned, with its type", async () => {
    const double = defineJob({
      name: "double",
      schema: z.object({ number: z.string().transform(Number) }),
      perform: async ({ number }, job) => (number > 100 ? job.snooze("1h") : { doubled: number * 2 }),
    });
    const outcome = await performJob(double, { number: "21" });
    expect(outcome).toEqual({
      status: "completed",
      result: { doubled: 42 },
      progress: [],
      logs: [],
      enqueued: [],
      steps: [],
    });
    if (outcome.status === "completed") expectTypeOf(outcome.result).toEqualTypeOf<{ doubled: number }>();
    const clock = testClock(start);
    expect(await performJob(double, { number: "200" }, { clock })).toMatchObject({
      status: "snoozed",
      runAt: new Date(start + 3_600_000),
    });
  });

  test("shows what was logged", async () => {
    const logs = defineJob({
      name: "logs",
      perform: (_: undefined, job) => {
        job.log("begins");
        job.log("row", { number: 1 });
      },
    });
    const { logs: lines } = await performJob(logs);
    expect(lines).toEqual([{ message: "begins" }, { message: "row", data: { number: 1 } }]);
  });

  test("accepts a clock with fractions of a millisecond, as a queue does", async () => {
    const job = defineJob({ name: "job", perform: (_: undefined, { snooze }) => snooze("1m") });
    const outcome = await performJob(job, undefined, { clock: () => start + 0.7 });
    expect(outcome).toMatchObject({ status: "snoozed", runAt: new Date(start + 60_000) });
  });

  test("refuses a payload that does not fit, as enqueue does", async () => {
    const strict = defineJob({ name: "strict", schema: z.object({ to: z.string() }), perform: () => {} });
    await expect(performJob(strict, { to: 7 as unknown as string })).rejects.toMatchObject({
      code: "invalid_payload",
      issues: [{ path: ["to"] }],
    });
  });

  test("passes the payload through JSON, as a queue does", async () => {
    const seen: unknown[] = [];
    const note: AnyJob = defineJob({
      name: "note",
      perform: (payload: { at: Date; left?: string | undefined }) => void seen.push(payload),
    });
    await performJob(note, { at: new Date(start), left: undefined });
    expect(seen).toEqual([{ at: "2026-03-01T12:00:00.000Z" }]);
    const dated = defineJob({ name: "dated", schema: z.object({ at: z.date() }), perform: () => {} });
    await expect(performJob(dated, { at: new Date(start) })).rejects.toMatchObject({ code: "invalid_payload" });
  });

  test("returns whether a failure is retried, and when", async () => {
    const boom = new Error("boom");
    const fails = defineJob({ name: "fails", maxRetries: 2, perform: () => Promise.reject(boom) });
    const clock = testClock(start);
    expect(await performJob(fails, undefined, { clock })).toMatchObject({
      status: "retried",
      runAt: new Date(start + 60_000),
      error: { name: "Error", message: "boom" },
      thrown: boom,
    });
    expect(await performJob(fails, undefined, { clock, attempt: 2 })).toMatchObject({
      runAt: new Date(start + 120_000),
    });
    expect(await performJob(fails, undefined, { attempt: 3 })).toMatchObject({ status: "dead", thrown: boom });
    expect(await performJob(fails, undefined, { maxRetries: 0 })).toMatchObject({ status: "dead" });
    await expect(performJob(fails, undefined, { attempt: 4 })).rejects.toThrow(
      "attempt must be a whole number from 1 to 3",
    );
  });

  test("supports PermanentError and RetryAfterError", async () => {
    const permanent = defineJob({ name: "permanent", perform: () => Promise.reject(new PermanentError("never")) });
    expect(await performJob(permanent)).toMatchObject({ status: "dead", error: { name: "PermanentError" } });
    const busy = defineJob({ name: "busy", perform: () => Promise.reject(new RetryAfterError("busy", "90s")) });
    const clock = testClock(start);
    expect(await performJob(busy, undefined, { clock })).toMatchObject({ runAt: new Date(start + 90_000) });
  });

  test("gives the job its context, and records its progress", async () => {
    const seen: unknown[] = [];
    const curious = defineJob({
      name: "curious",
      async perform(_: undefined, job) {
        const { id, name, queue, attempt, maxRetries, enqueuedAt } = job;
        seen.push({ id, name, queue, attempt, maxRetries, enqueuedAt });
        await job.progress({ done: 1 });
        await job.extend("10m");
        await job.progress({ done: 2 });
      },
    });
    const options = { id: "my-id", queue: "mail", attempt: 3, maxRetries: 9, enqueuedAt: new Date(start) };
    expect(await performJob(curious, undefined, options)).toMatchObject({
      status: "completed",
      progress: [{ done: 1 }, { done: 2 }],
    });
    expect(seen).toEqual([
      { id: "my-id", name: "curious", queue: "mail", attempt: 3, maxRetries: 9, enqueuedAt: new Date(start) },
    ]);
  });

  test("lists the jobs that the attempt enqueues, if it succeeds or is snoozed", async () => {
    const mail = defineJob({ name: "mail", schema: z.object({ to: z.string() }), perform: () => {} });
    const keyed = defineJob({
      name: "keyed",
      flowControl: { key: (n: number) => `k-${n}` },
      perform: (_: number) => {},
    });
    const clock = testClock(start);
    const signUp = defineJob({
      name: "sign_up",
      perform: (how: "ends" | "snoozes" | "fails", job) => {
        const ids = [
          job.enqueue(mail, { to: "ada" }, { delay: "1h", maxRetries: 7 }),
          job.enqueue(keyed, 7),
          job.enqueue("of_another_worker"),
        ];
        if (how === "fails") throw new Error("no luck");
        return how === "snoozes" ? job.snooze("1m") : ids;
      },
    });
    const done = await performJob(signUp, "ends", { clock });
    const runAt = new Date(start);
    expect(done.enqueued).toEqual(
      [
        { name: "mail", payload: { to: "ada" }, maxRetries: 7, runAt: new Date(start + 3_600_000) },
        { name: "keyed", payload: 7, flowKey: "k-7", runAt },
        { name: "of_another_worker", payload: null, runAt },
      ].map((job, index) => ({ id: done.status === "completed" && done.result[index], ...job })),
    );
    expect(await performJob(signUp, "snoozes", { clock })).toMatchObject({ status: "snoozed", enqueued: [{}, {}, {}] });
    expect(await performJob(signUp, "fails", { clock })).toMatchObject({ status: "retried", enqueued: [] });
    const wrong = defineJob({ name: "wrong", perform: (_: undefined, job) => job.enqueue("mail", { to: 7 }) });
    const learns = defineJob({
      name: "learns",
      perform: (_: undefined, job) => void job.enqueue(mail, { to: 7 as never }),
    });
    expect(await performJob(wrong)).toMatchObject({ status: "completed" });
    expect(await performJob(learns)).toMatchObject({ status: "retried", error: { name: "InvalidPayloadError" } });
  });

  test("gives a job, and each job of a batch, what became of its children", async () => {
    const report = defineJob({ name: "report", perform: (_: undefined, { children }) => children });
    const batch = defineJob({
      name: "batch",
      performBatch: (jobs: readonly { payload: undefined; job: { children?: unknown } }[]) =>
        jobs.map(({ job }) => job.children),
    });
    for (const job of [report, batch]) {
      expect(await performJob(job)).toMatchObject({ status: "completed", result: undefined });
      expect(await performJob(job, undefined, { children: { completed: 3, dead: 1 } })).toMatchObject({
        result: { total: 4, pending: 0, completed: 3, dead: 1, dropped: 0 },
      });
      expect(await performJob(job, undefined, { children: { total: 9, dropped: 1 } })).toMatchObject({
        result: { total: 9, pending: 8, completed: 0, dead: 0, dropped: 1 },
      });
    }
    for (const children of [{ done: 1 }, { dead: -1 }, { total: 1, dead: 2 }])
      await expect(performJob(report, undefined, { children: children as object })).rejects.toMatchObject({
        code: "invalid_request",
      });
  });

  test("lists a job that the attempt enqueues with its children, and with theirs", async () => {
    const row = defineJob({ name: "row", perform: (_: number) => {} });
    const page = defineJob({ name: "page", perform: (_: undefined) => {} });
    const fan = defineJob({
      name: "fan",
      perform: (_: undefined, job) => {
        job.enqueue("before");
        return job.enqueue(page, undefined, {
          waitFor: "completed",
          children: [
            { job: row, payload: 1 },
            { job: page, children: [{ job: "of_another_worker", payload: 2 }] },
          ],
        });
      },
    });
    const { enqueued, ...done } = await performJob(fan);
    expect(enqueued).toMatchObject([
      { name: "before", payload: null },
      {
        id: done.status === "completed" && done.result,
        name: "page",
        waitFor: "completed",
        children: [
          { name: "row", payload: 1 },
          { name: "page", waitFor: "ended", children: [{ name: "of_another_worker", payload: 2 }] },
        ],
      },
    ]);
    expect(enqueued[0]).not.toHaveProperty("children");
  });

  test("ends a job that exceeds its timeout, or is aborted", async () => {
    const hang = defineJob({ name: "hang", timeout: "10s", perform: () => new Promise(() => {}) });
    const clock = testClock(start);
    const hanging = performJob(hang, undefined, { clock, timeout: "20s" });
    await clock.advance("20s");
    expect(await hanging).toMatchObject({ status: "retried", error: { name: "TimeoutError" }, thrown: undefined });
    const controller = new AbortController();
    const stopped = performJob(hang, undefined, { clock, signal: controller.signal });
    controller.abort(new Error("stopped"));
    expect(await stopped).toMatchObject({ status: "retried", error: { message: "stopped" } });
    const signal = AbortSignal.abort("at once");
    expect(await performJob(hang, undefined, { clock, signal })).toMatchObject({ status: "retried" });
    expect(clock.nextWakeAt).toBeUndefined();
  });
});

describe("performJob with steps", () => {
  const order = defineJob({
    name: "order",
    async perform(number: number, job) {
      const draft = await job.step("draft", () => `Order ${number}`);
      job.log(`drafted ${draft}`);
      await job.sleep("3d");
      const paid = await job.waitFor<{ sum: number }>([`paid-${number}`, "cancelled"], { timeout: "7d" });
      if (!paid) return "unpaid";
      await job.step("send", ({ key, attempt }) => {
        if (attempt === 1) throw boom;
        return { key, paid };
      });
      return paid.sum;
    },
  });
  const boom = new Error("boom");
  const day = 86_400_000;
  const clock = testClock(start);

  test("lists those that ran, and says that the job has left to sleep", async () => {
    const startedAt = new Date(start);
    const until = new Date(start + 3 * day);
    const step = { attempt: 1, startedAt };
    expect(await performJob(order, 42, { clock })).toEqual({
      status: "sleeping",
      until,
      steps: [
        { ...step, name: "draft", kind: "step", state: "completed", result: "Order 42", endedAt: startedAt },
        { ...step, name: "sleep", kind: "sleep", state: "sleeping", endedAt: null, until },
      ],
      ...{ progress: [], enqueued: [], logs: [{ message: "drafted Order 42" }] },
    });
  });

  test("does not run those that are given, and says what the job waits for", async () => {
    const steps = { draft: "Another order" };
    const outcome = await performJob(order, 42, { clock, steps, skipSleeps: true });
    const waitingFor = { events: ["paid-42", "cancelled"], until: new Date(start + 7 * day) };
    expect(outcome).toMatchObject({ status: "waiting", waitingFor });
    expect(outcome.logs[0]).toEqual({ message: "drafted Another order" });
    expect(outcome.steps).toMatchObject([
      { name: "sleep", state: "completed" },
      { name: "paid-42 or cancelled", kind: "wait", state: "waiting" },
    ]);
  });

  test("answers waits with signals, or lets them time out", async () => {
    const given = { clock, skipSleeps: true, steps: { draft: "", send: null } };
    for (const signals of [{ "paid-42": { sum: 7 } }, { cancelled: null, "paid-42": { sum: 7 } }])
      expect(await performJob(order, 42, { ...given, signals })).toMatchObject({
        status: "completed",
        result: 7,
        steps: [{ name: "sleep" }, { state: "completed", result: { sum: 7 } }],
      });
    for (const signals of [{ "paid-42": null }, { "paid-42 or cancelled": null, "paid-42": { sum: 7 } }])
      expect(await performJob(order, 42, { ...given, signals })).toMatchObject({
        status: "completed",
        result: "unpaid",
        steps: [{ name: "sleep" }, { state: "timedOut" }],
      });
  });

  test("returns the error of a step that is tried again, and that of one that has failed for good", async () => {
    const given = { clock, id: "o-1", skipSleeps: true, signals: { cancelled: { sum: 0 } } };
    expect(await performJob(order, 42, given)).toMatchObject({
      status: "retried",
      thrown: boom,
      error: { message: "boom" },
      steps: [{}, {}, {}, { name: "send", state: "retrying", attempt: 1, error: { message: "boom" } }],
    });
    const steps = { draft: "" };
    const catches = defineJob({
      name: "catches",
      perform: (_: undefined, job) =>
        job.step("pay", () => Promise.reject(boom), { maxRetries: 0 }).catch((error: Error) => error.message),
    });
    expect(await performJob(catches)).toMatchObject({
      status: "completed",
      result: 'The step "pay" has failed. Error: boom',
      steps: [{ name: "pay", state: "failed" }],
    });
    expect(await performJob(catches, undefined, { steps: { pay: new RangeError("declined") } })).toMatchObject({
      status: "completed",
      result: 'The step "pay" has failed. RangeError: declined',
      steps: [],
    });
    expect(await performJob(order, 42, { ...given, steps: { ...steps, send: new Error("lost") } })).toMatchObject({
      status: "dead",
      thrown: { name: "StepError" },
    });
  });

  test("runs a step as a later attempt, with its key", async () => {
    const sends = defineJob({
      name: "sends",
      perform: (_: undefined, job) => job.step("send", ({ key, attempt }) => ({ key, attempt })),
    });
    expect(await performJob(sends, undefined, { id: "o-1", attempt: 3 })).toMatchObject({
      result: { key: "o-1/send", attempt: 3 },
      steps: [{ name: "send", attempt: 3 }],
    });
  });

  test("says that a job which sleeps beside a step is dead, not asleep", async () => {
    const wrong = defineJob({
      name: "wrong",
      perform: (_: undefined, job) => Promise.all([job.sleep("1h"), job.step("work", () => 1)]),
    });
    expect(await performJob(wrong)).toMatchObject({ status: "dead", error: { name: "PermanentError" } });
  });

  test("receives another signal for each wait with the same one", async () => {
    const listens = defineJob({
      name: "listens",
      async perform(_: undefined, job) {
        const heard: unknown[] = [];
        for (;;) {
          const next = await job.waitFor("word", { timeout: "1d" });
          if (next === null) return heard;
          heard.push(next);
        }
      },
    });
    const signals = { word: "one", "word (2)": "two", "word (3)": null };
    expect(await performJob(listens, undefined, { signals })).toMatchObject({ result: ["one", "two"] });
    await expect(performJob(listens, undefined, { signals: { word: "again" } })).rejects.toThrow(
      "The job has slept or waited more than 100 times: does it loop forever?",
    );
  });

  test.for([
    { steps: ["draft"] },
    { steps: { draft: 1n } },
    { signals: "reply" },
    { signals: { reply: 1n } },
    { skipSleeps: "yes" },
  ])("and wrong options is refused: %o", async (wrong) => {
    await expect(performJob(order, 42, wrong as object)).rejects.toMatchObject({ code: "invalid_request" });
  });
});

test("an unknown option is refused", async () => {
  const job = defineJob({ name: "job", perform: () => {} });
  await expect(performJob(job, undefined, { attemt: 2 } as object)).rejects.toThrow(
    /Unknown option "attemt" in performJob/,
  );
});
