import { describe, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { defineJob, type JobContext, Queue, type QueueOptions } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { aroundStore } from "../support/around-calls.ts";
import { type ClockByHand, clockByHand, start } from "../support/clock.ts";
import { onEachKindOfStore } from "../support/stores.ts";

onEachKindOfStore((kind) => {
  function setUp(jobs: QueueOptions["jobs"] = []) {
    const clock = testClock(start);
    const queue = new Queue({ store: clock.watch(kind.create()), clock, random: () => 0.5, jobs });
    return { clock, queue };
  }

  /** A job that does this, and a queue with one of them to drain. */
  async function withJob(perform: (job: JobContext) => unknown) {
    const job = defineJob({ name: "job", perform: (_: undefined, context) => perform(context) });
    const { clock, queue } = setUp([job]);
    const { id } = await queue.enqueue(job);
    return { clock, queue, id };
  }

  test("overlapping calls of extend and progress keep the lease and the result", async () => {
    const { queue, id } = await withJob(async (job) => {
      await Promise.all([job.extend("1m"), job.progress(1), job.extend("2m"), job.progress(2)]);
      return "done";
    });
    expect(await queue.drain()).toMatchObject({ completed: 1, lost: 0 });
    expect(await queue.getJob(id)).toMatchObject({ state: "completed", result: "done" });
  });

  test("reported progress stays when the attempt fails or is released, until the job completes", async () => {
    const ends = [() => Promise.reject(new Error("no luck")), (job: JobContext) => job.snooze("1m"), () => "done"];
    const { queue, clock, id } = await withJob(async (job) => {
      const end = ends.shift();
      if (ends.length > 0) await job.progress(ends.length);
      return end?.(job);
    });
    const seen: unknown[] = [];
    for (let attempt = 0; attempt < 3; attempt++) {
      await queue.drain();
      seen.push((await queue.getJob(id))?.progress);
      await clock.advance("1m");
    }
    expect(seen).toEqual([2, 1, undefined]);
  });

  test("the lines that a job logs are stored with each outcome, over all its attempts", async () => {
    const { queue, clock, id } = await withJob((job) => {
      job.log(`begins ${job.attempt}`, { of: job.attempt });
      if (job.attempt === 1) throw new Error("no luck");
      job.log("ends");
      return "done";
    });
    await queue.drain();
    const first = { at: new Date(start), attempt: 1, message: "begins 1", data: { of: 1 } };
    expect((await queue.getJob(id))?.logs).toEqual([first]);
    await clock.advance("60s");
    await queue.drain();
    const at = new Date(start + 60_000);
    expect(await queue.getJob(id)).toMatchObject({
      state: "completed",
      result: "done",
      logs: [first, { at, attempt: 2, message: "begins 2", data: { of: 2 } }, { at, attempt: 2, message: "ends" }],
    });
  });

  test("a running job shows the lines that it had logged at its last progress or extend", async () => {
    const seen: unknown[] = [];
    const { queue, id } = await withJob(async (job) => {
      const see = async () => seen.push((await queue.getJob(id))?.logs.map(({ message }) => message));
      job.log("one");
      await see();
      await job.progress(1);
      await see();
      job.log("two");
      await job.extend();
      await see();
    });
    await queue.drain();
    expect(seen).toEqual([[], ["one"], ["one", "two"]]);
  });

  /** The same with a clock that the handler may move. */
  async function withClock(perform: (clock: ClockByHand, job: JobContext) => unknown) {
    const clock = clockByHand(start);
    const job = defineJob({ name: "job", perform: (_: undefined, context) => perform(clock, context) });
    const queue = new Queue({ store: kind.create(), clock, random: () => 0.5, jobs: [job], logger: null });
    const { id } = await queue.enqueue(job);
    return { clock, queue, id };
  }

  test("a running job shows since when it runs, its timeout and its lease, exactly once it has reported progress", async () => {
    const seen: unknown[] = [];
    const { queue, id } = await withClock(async (clock, job) => {
      clock.now += 3_000;
      const see = async () => {
        const { attempts, startedAt, timeout, leaseEndsAt } = (await queue.getJob(id)) ?? {};
        const startedMs = Number(startedAt?.getTime()) - start;
        seen.push({ attempts, timeout, startedMs, isLeased: Number(leaseEndsAt?.getTime()) - start >= 60_000 });
      };
      await see();
      await job.progress(1);
      await see();
    });
    await queue.drain();
    const running = { attempts: 1, timeout: 30_000, isLeased: true };
    // Claims of one millisecond have leases of different lengths.
    expect(seen).toEqual([
      { ...running, startedMs: expect.closeTo(0, -2) },
      { ...running, startedMs: 0 },
    ]);
    expect(await queue.getJob(id)).not.toHaveProperty("leaseEndsAt");
  });

  test("a failed attempt shows when it began and when it failed", async () => {
    const { queue, clock, id } = await withClock((clock) => {
      clock.now += 3_000;
      throw new Error("no luck");
    });
    await queue.drain();
    clock.now += 120_000;
    await queue.drain();
    const ms = (seconds: number) => new Date(start + seconds * 1_000);
    expect((await queue.getJob(id))?.errors).toMatchObject([
      { attempt: 1, startedAt: ms(0), failedAt: ms(3) },
      { attempt: 2, startedAt: ms(123), failedAt: ms(126) },
    ]);
  });

  test("a log keeps its last 100 lines, of 8 KB together, and log never throws", async () => {
    const { queue, id } = await withJob((job) => {
      for (let line = 1; line <= 150; line++) job.log(`${line}`);
    });
    await queue.drain();
    const lines = (await queue.getJob(id))?.logs ?? [];
    expect(lines.map(({ message }) => Number(message))).toEqual(Array.from({ length: 100 }, (_, index) => index + 51));

    const cyclic: Record<string, unknown> = {};
    cyclic["self"] = cyclic;
    const hostile = {
      toString: () => {
        throw new Error("no text");
      },
    };
    const other = await withJob((job) => {
      job.log("x".repeat(5_000));
      job.log("cyclic", cyclic);
      job.log("large", "y".repeat(5_000));
      job.log("bigint", 1n);
      job.log(hostile as never);
      job.log(undefined as never, null);
    });
    await other.queue.drain();
    const kept = (await other.queue.getJob(other.id))?.logs ?? [];
    expect(kept.map(({ message, data }) => [message.length > 100 ? message.length : message, data])).toEqual([
      [1_004, undefined],
      ["cyclic", undefined],
      ["large", undefined],
      ["bigint", undefined],
      ["A message that cannot be read: it throws.", undefined],
      ["undefined", null],
    ]);

    const wide = await withJob((job) => {
      for (let line = 0; line < 10; line++) job.log(`${line}`, "z".repeat(2_000));
    });
    await wide.queue.drain();
    expect((await wide.queue.getJob(wide.id))?.logs.map(({ message }) => message)).toEqual(["7", "8", "9"]);
  });

  test("an attempt that outlasts its extended timeout names the time that it had", async () => {
    const { queue, clock, id } = await withJob(async (job) => {
      await job.extend("5s");
      await new Promise(() => {});
    });
    const drained = queue.drain();
    await clock.advance("6s");
    await drained;
    expect((await queue.getJob(id))?.errors).toMatchObject([
      { message: "The attempt took longer than its extended timeout of 5000 ms." },
    ]);
  });

  test("an extend that is under way when the job ends does not cost its result", async () => {
    let extended: Promise<void> | undefined;
    const { queue } = await withJob((job) => {
      extended = job.extend("1m");
    });
    expect(await queue.drain()).toMatchObject({ completed: 1, lost: 0 });
    await extended;
  });

  test("a signal that is read after the attempt has ended is aborted", async () => {
    let context: JobContext | undefined;
    const { queue } = await withJob((job) => {
      context = job;
    });
    await queue.drain();
    expect(context?.signal.aborted).toBe(true);
  });

  test("a handler that continues after its timeout cannot move the lease from under the outcome", async () => {
    const contexts: JobContext[] = [];
    const { queue, clock, id } = await withJob((job) => {
      contexts.push(job);
      return new Promise(() => {});
    });
    // While another job runs, the outcome waits to be settled.
    await queue.enqueue("job", undefined, { timeout: "1m" });
    const drained = queue.drain();
    await clock.advance("30s");
    const context = contexts.find((job) => job.id === id);
    await expect(context?.extend()).rejects.toMatchObject({ code: "conflict" });
    await expect(context?.progress(1)).rejects.toMatchObject({ code: "conflict" });
    await clock.advance("30s");
    expect(await drained).toMatchObject({ retried: 2, lost: 0 });
    expect(await queue.getJob(id)).toMatchObject({ state: "scheduled", errors: [{ name: "TimeoutError" }] });
  });

  test("a schema that never answers fails at the job's timeout", async () => {
    const endless = {
      "~standard": { version: 1, vendor: "test", validate: () => new Promise<never>(() => {}) },
    } as const;
    const { queue, clock } = setUp([defineJob({ name: "job", schema: endless, perform() {} })]);
    // Enqueued by code without the schema.
    await queue.enqueue(defineJob({ name: "job", perform() {} }));
    const drained = queue.drain();
    await clock.advance("30s");
    expect(await drained).toMatchObject({ retried: 1 });
  });

  describe("beside the largest payload that can be stored", () => {
    const large = "x".repeat(5 * 1024 * 1024 - 2);

    function withLargePayload(perform: (job: JobContext) => unknown) {
      const job = defineJob({ name: "job", perform: (_: string, context) => perform(context) });
      const { queue } = setUp([job]);
      return { queue, enqueued: queue.enqueue(job, large) };
    }

    test("a result that is too large is dropped, and the job completes", async () => {
      const { queue, enqueued } = withLargePayload(() => large);
      const { id } = await enqueued;
      expect(await queue.drain()).toMatchObject({ completed: 1, lost: 0 });
      expect(await queue.getJob(id)).toMatchObject({ state: "completed", payload: large, result: null });
    });

    test("progress that is too large is refused, and the job continues", async () => {
      const { queue, enqueued } = withLargePayload(async (job) => {
        await job.progress("half");
        return await job.progress(large).catch(({ code }) => code);
      });
      const { id } = await enqueued;
      expect(await queue.drain()).toMatchObject({ completed: 1, lost: 0 });
      expect(await queue.getJob(id)).toMatchObject({ state: "completed", result: "payload_too_large" });
    });
  });

  test("whatever is thrown becomes an outcome", async () => {
    const thrown: readonly unknown[] = [
      Object.assign(new Error(), { message: Object.create(null) }),
      Object.defineProperty(new Error(), "name", { get: () => Reflect.get(Object.create(null), "no").such }),
      Symbol("thrown"),
      undefined,
      10n,
    ];
    const job = defineJob({
      name: "job",
      maxRetries: 0,
      perform: (index: number) => Promise.reject(thrown[index]),
    });
    const { queue } = setUp([job]);
    await queue.enqueueMany(thrown.map((_, payload) => ({ job, payload })));
    expect(await queue.drain()).toMatchObject({ deadLettered: thrown.length });
  });

  test("a result that is not JSON is dropped, and the job completes", async () => {
    const { queue, id } = await withJob(() => ({ rows: 10n }));
    expect(await queue.drain()).toMatchObject({ completed: 1 });
    expect(await queue.getJob(id)).toMatchObject({ state: "completed", result: null });
  });

  test("a result that is not kept is not sent to the store either", async () => {
    const sent: unknown[] = [];
    const store = aroundStore(kind.create(), ({ parameters }, run) => {
      sent.push(parameters);
      return run();
    });
    const job = defineJob({ name: "job", perform: () => "a result" });
    const queue = new Queue({ store, jobs: [job], retention: 0 });
    await queue.enqueue(job);
    expect(await queue.drain()).toMatchObject({ completed: 1 });
    expect(JSON.stringify(sent)).not.toContain("a result");
  });

  test("a lease ends in time, however long its job may take", async () => {
    const running = defineJob({ name: "running", timeout: "40000d", perform: () => new Promise(() => {}) });
    const { queue, clock } = setUp([running]);
    await internalsOf(queue).enqueueHeld([{ job: running }]);
    expect(await queue.getStats()).toMatchObject({ runningCount: 1 });
    await clock.advance("400d");
    expect(await queue.getStats()).toMatchObject({ runningCount: 0, readyCount: 1 });
  });

  test("a retry beyond the last time that can be stored waits until that time", async () => {
    const job = defineJob({
      name: "job",
      backoff: () => "40000d",
      perform: () => Promise.reject(new Error("no luck")),
    });
    const { queue } = setUp([job]);
    const { id } = await queue.enqueue(job);
    expect(await queue.drain()).toMatchObject({ retried: 1 });
    expect(await queue.getJob(id)).toMatchObject({ state: "scheduled", runAt: new Date(2 ** 42 - 2) });
  });

  test("a snooze beyond the last time that can be stored ends at that time", async () => {
    const { queue, id } = await withJob((job) => job.snooze("40000d"));
    expect(await queue.drain()).toMatchObject({ snoozed: 1 });
    expect(await queue.getJob(id)).toMatchObject({ state: "scheduled", runAt: new Date(2 ** 42 - 2) });
    expect((await queue.listJobs({ state: "scheduled" })).jobs).toHaveLength(1);
    expect(await queue.getStats()).toMatchObject({ scheduledCount: 1 });
  });
});
