import { describe, expect, test } from "vitest";
import { EndedAttempts } from "../../src/dev/ended-attempts.ts";
import { defineJob, type JobContext, memoryStore, Queue, type QueueOptions } from "../../src/index.ts";
import { testClock } from "../../src/testing/clock.ts";
import { start } from "../support/clock.ts";

/** A queue with one job whose handler does what a test says, and the attempts that end in it. */
function queueWith(perform: (payload: undefined, job: JobContext) => unknown, options: Partial<QueueOptions> = {}) {
  const clock = testClock(start);
  const job = defineJob({ name: "send_email", maxRetries: 1, perform });
  const store = memoryStore();
  const queue = new Queue({ store, jobs: [job], clock, logger: null, ...options });
  const ended = new EndedAttempts(store.open("default"));
  const read = async () => {
    const { attempts, others } = await ended.read(clock());
    return { attempts, others };
  };
  return { clock, queue, job, read };
}

describe("the attempts that tidegate dev reads", () => {
  test("are those of the records, each once, wherever they ran", async () => {
    const { clock, queue, job, read } = queueWith(() => "sent");
    await queue.enqueue(job, undefined, { id: "first" });
    await queue.drain();
    const endedAt = new Date(clock());
    const first = { id: "first", name: "send_email", attempt: 1, outcome: "completed", endedAt, ranMs: 0 };
    expect(await read()).toEqual({ attempts: [{ ...first, maxRetries: undefined }], others: 0 });
    expect(await read()).toEqual({ attempts: [], others: 0 });
    await queue.enqueue(job, undefined, { id: "second", maxRetries: 7 });
    await queue.drain();
    expect((await read()).attempts).toMatchObject([{ id: "second", maxRetries: 7 }]);
  });

  test("are all shown if one ends between the counts and the list", async () => {
    const store = memoryStore();
    const job = defineJob({ name: "send_email", perform() {} });
    const queue = new Queue({ store, jobs: [job], clock: () => start });
    const run = (id: string) => queue.enqueue(job, undefined, { id }).then(() => queue.drain());
    const port = store.open("default");
    let meanwhile: () => Promise<unknown> = () => run("second");
    const stats: typeof port.stats = async (...args) => {
      const counted = await port.stats(...args);
      await meanwhile();
      return counted;
    };
    const ended = new EndedAttempts({ ...port, stats });
    await run("first");
    const ids = async () => {
      const { attempts, others } = await ended.read(start);
      return { ids: attempts.map(({ id }) => id).sort(), others };
    };
    expect(await ids()).toEqual({ ids: ["first", "second"], others: 0 });
    meanwhile = async () => {};
    expect(await ids()).toEqual({ ids: [], others: 0 });
    await run("third");
    expect(await ids()).toEqual({ ids: ["third"], others: 0 });
  });

  test("are a failure with its next run time, a death, and what follows a revival", async () => {
    const { clock, queue, job, read } = queueWith(() => {
      throw new TypeError("no luck");
    });
    await queue.enqueue(job, undefined, { id: "x" });
    await queue.drain();
    const { runAt } = (await queue.getJob("x")) ?? {};
    const error = { name: "TypeError", message: "no luck" };
    expect((await read()).attempts).toMatchObject([{ attempt: 1, outcome: "retried", runAt, error }]);
    await clock.advance("1h");
    await queue.drain();
    expect((await read()).attempts).toMatchObject([{ attempt: 2, outcome: "dead", error }]);
    await clock.advance("1s");
    await queue.retryFromDeadLetter("x");
    await queue.drain();
    expect((await read()).attempts).toMatchObject([{ attempt: 1, outcome: "retried" }]);
  });

  test("are all failures of a job that has died since", async () => {
    const { clock, queue, job, read } = queueWith(() => {
      throw new Error("no luck");
    });
    await queue.enqueue(job);
    await queue.drain();
    await clock.advance("1h");
    await queue.drain();
    const { attempts, others } = await read();
    expect(attempts.map(({ outcome }) => outcome)).toEqual(["retried", "dead"]);
    expect(others).toBe(0);
  });

  test("are snoozes, once each", async () => {
    let snoozes = 0;
    const { clock, queue, job, read } = queueWith((_, job) => {
      if (snoozes++ < 2) return job.snooze("1m");
      throw new Error("no luck");
    });
    await queue.enqueue(job, undefined, { id: "x" });
    for (const outcome of ["snoozed", "snoozed", "retried"]) {
      await queue.drain();
      expect((await read()).attempts).toMatchObject([{ id: "x", attempt: 1, outcome, runAt: expect.any(Date) }]);
      expect((await read()).attempts).toEqual([]);
      await clock.advance("1m");
    }
  });

  test("are counted if their jobs are not kept", async () => {
    const { queue, job, read } = queueWith(() => {}, { retention: 0 });
    await queue.enqueue(job);
    await queue.drain();
    expect(await read()).toEqual({ attempts: [], others: 1 });
  });
});
