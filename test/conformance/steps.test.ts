import { expect, test } from "vitest";
import { defineJob, type JobContext, PermanentError, Queue, type QueueOptions, StepError } from "../../src/index.ts";
import { faultyStore, testClock } from "../../src/testing/index.ts";
import { type AroundCall, aroundStore } from "../support/around-calls.ts";
import { start } from "../support/clock.ts";
import { gate } from "../support/gate.ts";
import { onEachKindOfStore } from "../support/stores.ts";

const minute = 60_000;

onEachKindOfStore((kind) => {
  /** A queue of one job, whose clock is moved by hand. */
  function setUp(
    perform: (job: JobContext, payload: unknown) => unknown,
    {
      options = {},
      around = (_, run) => run(),
      ...definition
    }: { options?: Partial<QueueOptions>; around?: AroundCall; maxRetries?: number; timeout?: string } = {},
  ) {
    const clock = testClock(start);
    const job = defineJob({
      name: "job",
      backoff: { type: "fixed", base: "1m" },
      ...(definition as object),
      perform: (payload: unknown, context) => perform(context, payload),
    });
    const store = aroundStore(clock.watch(kind.create()), around);
    const queue = new Queue({ store, clock, jobs: [job], logger: null, ...options });
    /** Drains now, and then at each time at which something is due, until nothing is. */
    const drainAll = async () => {
      for (;;) {
        const { nextRunAt } = await queue.drain();
        if (!nextRunAt) return;
        if (nextRunAt.getTime() > clock()) await clock.advance(nextRunAt.getTime() - clock());
      }
    };
    return { clock, job, queue, drainAll };
  }

  test("a step that was stored does not run again: only what failed does", async () => {
    const ran: string[] = [];
    const { job, queue, drainAll } = setUp(async (context) => {
      const a = await context.step("a", () => ({ value: ran.push("a") }));
      await context.step("b", ({ attempt, key }) => {
        ran.push(`b${attempt} ${key}`);
        if (attempt < 3) throw new Error("no luck");
      });
      return a;
    });
    const { id } = await queue.enqueue(job, undefined, { id: "order-1" });
    await drainAll();
    expect(ran).toEqual(["a", "b1 order-1/b", "b2 order-1/b", "b3 order-1/b"]);
    expect(await queue.getJob(id)).toMatchObject({
      state: "completed",
      result: { value: 1 },
      steps: [
        { name: "a", kind: "step", state: "completed", attempt: 1, result: { value: 1 } },
        { name: "b", state: "completed", attempt: 3 },
      ],
    });
  });

  test("a save of a step, or of progress, that arrives again after a later one changes nothing", async () => {
    const saves: (() => Promise<unknown>)[] = [];
    const { job, queue } = setUp(
      async (context) => {
        await context.step("a", () => 1);
        await context.progress(1);
        await context.step("b", () => 2);
        await context.progress(2);
        for (const again of saves.slice(0, -1)) await again();
        expect(await queue.getJob(context.id)).toMatchObject({ progress: 2, steps: [{ name: "a" }, { name: "b" }] });
      },
      {
        around: async ({ method }, run) => {
          if (method === "extend") saves.push(run);
          return run();
        },
      },
    );
    await queue.enqueue(job);
    expect(await queue.drain()).toMatchObject({ completed: 1 });
    expect(saves).toHaveLength(4);
  });

  test("a race of steps has the same winner in every attempt, also where the loser was stored", async () => {
    const winners: unknown[] = [];
    const { open, opened } = gate();
    const { job, queue, drainAll } = setUp(async (context) => {
      const pair = async () => {
        await context.step("first", () => {});
        return context.step("second", () => "pair");
      };
      winners.push(await Promise.race([context.step("slow", () => opened.then(() => "slow")), pair()]));
      await context.step("last", () => open());
      await context.step("slow is stored", () => {});
      if (winners.length < 3) throw new Error("no luck");
    });
    await queue.enqueue(job);
    await drainAll();
    expect(winners).toEqual(["pair", "pair", "pair"]);
  });

  test("retries count since the last stored step, so each step has all of them", async () => {
    const attempts: number[] = [];
    const { job, queue, drainAll } = setUp(
      async (context) => {
        for (const name of ["a", "b", "c"])
          await context.step(name, ({ attempt }) => {
            attempts.push(attempt);
            if (attempt <= 2) throw new Error("no luck");
          });
      },
      { maxRetries: 2 },
    );
    await queue.enqueue(job);
    await drainAll();
    expect(attempts).toEqual([1, 2, 3, 1, 2, 3, 1, 2, 3]);
    expect(await queue.getStats()).toMatchObject({ totalProcessed: 1, totalRetried: 6, deadLetterCount: 0 });
  });

  test("a step whose retries are used up throws StepError, and a handler that catches it goes on", async () => {
    const undone: string[] = [];
    const { job, queue, drainAll } = setUp(async (context) => {
      await context.step("book", () => "room 7");
      try {
        await context.step("pay", () => Promise.reject(new TypeError("declined")), {
          maxRetries: 1,
          backoff: { base: "5s" },
        });
      } catch (error) {
        expect(error).toBeInstanceOf(StepError);
        expect(error).toMatchObject({
          message: 'The step "pay" has failed. TypeError: declined',
          cause: { name: "TypeError", message: "declined" },
        });
        await context.step("cancel", () => void undone.push("book"));
        return "undone";
      }
      return "paid";
    });
    const { id } = await queue.enqueue(job);
    await drainAll();
    expect(undone).toEqual(["book"]);
    expect(await queue.getJob(id)).toMatchObject({
      state: "completed",
      result: "undone",
      steps: [{ name: "book" }, { name: "pay", state: "failed", attempt: 2 }, { name: "cancel", state: "completed" }],
    });
  });

  test("a step may have more retries than its job", async () => {
    const attempts: number[] = [];
    const { job, queue, drainAll } = setUp(
      (context) =>
        context.step(
          "a",
          ({ attempt }) => {
            attempts.push(attempt);
            if (attempt <= 4) throw new Error("no luck");
          },
          { maxRetries: 4 },
        ),
      { maxRetries: 1 },
    );
    const { id } = await queue.enqueue(job);
    await drainAll();
    expect(attempts).toEqual([1, 2, 3, 4, 5]);
    expect((await queue.getJob(id))?.state).toBe("completed");
  });

  test("a job that does not catch a StepError is dead, and a retry of it runs only the steps that failed", async () => {
    const ran: string[] = [];
    let isBroken = true;
    const { job, queue, drainAll } = setUp(async (context) => {
      await context.step("a", () => void ran.push("a"));
      await context.step("b", () => {
        ran.push("b");
        if (isBroken) throw new PermanentError("out of order");
      });
    });
    const { id } = await queue.enqueue(job);
    await drainAll();
    expect(await queue.getJob(id)).toMatchObject({ state: "dead", error: { name: "StepError" } });
    isBroken = false;
    await queue.retryFromDeadLetter(id);
    await drainAll();
    expect(ran).toEqual(["a", "b", "b"]);
    expect(await queue.getJob(id)).toMatchObject({ state: "completed" });
  });

  test("a retry from the dead-letter queue does not repeat what was undone: only what the job died of", async () => {
    const ran: string[] = [];
    let isBroken = true;
    const run = (name: string) => () => {
      ran.push(name);
      if (isBroken && name !== "refund") throw new PermanentError("out of order");
    };
    const { job, queue, drainAll } = setUp(async (context) => {
      try {
        await context.step("ship", run("ship"));
        return "shipped";
      } catch (error) {
        if (!(error instanceof StepError)) throw error;
        await context.step("refund", run("refund"));
        await context.step("release", run("release"));
        return "refunded";
      }
    });
    const { id } = await queue.enqueue(job);
    await drainAll();
    isBroken = false;
    await queue.retryFromDeadLetter(id);
    await drainAll();
    expect(ran).toEqual(["ship", "refund", "release", "release"]);
    expect(await queue.getJob(id)).toMatchObject({ state: "completed", result: "refunded" });
  });

  test("a retry repeats a step that failed beside others at the same time", async () => {
    const ran: string[] = [];
    let isBroken = true;
    const { job, queue, drainAll } = setUp((context) =>
      Promise.all(
        ["a", "b"].map((name) =>
          context.step(name, () => {
            ran.push(name);
            if (isBroken && name === "a") throw new PermanentError("out of order");
          }),
        ),
      ),
    );
    const { id } = await queue.enqueue(job);
    await drainAll();
    isBroken = false;
    await queue.retryFromDeadLetter(id);
    await drainAll();
    expect(ran).toEqual(["a", "b", "a"]);
    expect(await queue.getJob(id)).toMatchObject({ state: "completed" });
  });

  test("steps run in parallel, and those that succeed are stored even if one fails", async () => {
    const ran: string[] = [];
    let isFirst = true;
    const { job, queue, drainAll } = setUp(async (context) => {
      return Promise.all(
        ["a", "b", "c"].map((name) =>
          context.step(name, async () => {
            ran.push(name);
            if (name === "b" && isFirst) throw new Error("no luck");
            await new Promise((resolve) => setImmediate(resolve));
            return name;
          }),
        ),
      );
    });
    const { id } = await queue.enqueue(job);
    await queue.drain();
    expect((await queue.getJob(id))?.steps?.map(({ name, state }) => `${name} ${state}`)).toEqual([
      "b retrying",
      "a completed",
      "c completed",
    ]);
    isFirst = false;
    await drainAll();
    expect(ran).toEqual(["a", "b", "c", "b"]);
    expect(await queue.getJob(id)).toMatchObject({ state: "completed", result: ["a", "b", "c"] });
  });

  test("a job sleeps without its slot, with no attempt used, and goes on after it", async () => {
    const times: number[] = [];
    let calls = 0;
    const { clock, job, queue } = setUp(async (context) => {
      calls++;
      await context.step("before", () => void times.push(clock() - start));
      try {
        await context.sleep("3d");
      } finally {
        if (calls === 1) times.push(-1);
      }
      await context.sleep(new Date(start + 4 * 24 * 60 * minute), { name: "a day more" });
      await context.step("after", () => void times.push(clock() - start));
    });
    const { id } = await queue.enqueue(job);
    expect(await queue.drain()).toMatchObject({ snoozed: 1, nextRunAt: new Date(start + 3 * 24 * 60 * minute) });
    expect(await queue.getJob(id)).toMatchObject({
      state: "scheduled",
      attempts: 0,
      steps: [{ name: "before" }, { name: "sleep", kind: "sleep", state: "sleeping", endedAt: null }],
    });
    await clock.advance(3 * 24 * 60 * minute);
    await queue.drain();
    await clock.advance(24 * 60 * minute);
    await queue.drain();
    expect(times).toEqual([0, 4 * 24 * 60 * minute]);
    expect((await queue.getJob(id))?.steps?.map(({ name }) => name)).toEqual([
      "before",
      "sleep",
      "a day more",
      "after",
    ]);
  });

  test("a person who moves a sleeping job wakes it", async () => {
    const { job, queue } = setUp((context) => context.sleep("3d"));
    const { id } = await queue.enqueue(job);
    await queue.drain();
    await queue.reschedule(id, "0s");
    expect(await queue.drain()).toMatchObject({ completed: 1 });
  });

  test.each([
    [
      "two steps of one name",
      async (job: JobContext) => {
        await job.step("a", () => 1);
        await job.step("a", () => 2);
      },
      /Two steps of the job are named "a"\. Give each a name of its own, such as `a-\$\{index\}`/,
    ],
    [
      "a sleep beside a step",
      (job: JobContext) =>
        Promise.all([job.step("a", () => new Promise((resolve) => setImmediate(resolve))), job.sleep("1m")]),
      /job\.sleep \(sleep\) was called beside a step that runs\. Await a sleep or a wait alone/,
    ],
    [
      "a step beside a sleep",
      (job: JobContext) => Promise.all([job.sleep("1m"), job.step("a", () => 1)]),
      /job\.step \(a\) was called beside job\.sleep/,
    ],
  ])("%s: the job is dead, with advice", async (_, perform, message) => {
    const { job, queue } = setUp((context) => perform(context));
    const { id } = await queue.enqueue(job);
    await queue.drain();
    expect(await queue.getJob(id)).toMatchObject({
      state: "dead",
      error: { name: "PermanentError", message: expect.stringMatching(message) },
    });
  });

  test("results of more than 256 KiB, or of 1 MiB together, are refused with advice", async () => {
    const { job, queue } = setUp(async (context, payload) => {
      if (payload === "one") return context.step("big", () => "x".repeat(256 * 1024));
      for (let index = 0; index < 6; index++) await context.step(`part-${index}`, () => "x".repeat(200 * 1024));
      return undefined;
    });
    const one = await queue.enqueue(job, "one");
    const all = await queue.enqueue(job, "all");
    await queue.drain();
    expect((await queue.getJob(one.id))?.error?.message).toMatch(/larger than 256 KiB as JSON\. Store it elsewhere/);
    expect((await queue.getJob(all.id))?.error?.message).toMatch(/more than 1 MiB with "part-5"/);
  });

  test("a step has a timeout of its own, which may be longer than the job's", async () => {
    const { clock, job, queue } = setUp(
      async (context) => {
        await context.step("long", () => clock.sleep?.(5 * minute), { timeout: "10m" });
        await context.step(
          "late",
          ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
          { timeout: "1s", maxRetries: 0 },
        );
      },
      { timeout: "30s" },
    );
    const { id } = await queue.enqueue(job);
    const drained = queue.drain({ timeBudget: "20m" });
    await clock.advance(5 * minute);
    await clock.advance(minute);
    await drained;
    expect(await queue.getJob(id)).toMatchObject({
      state: "dead",
      steps: [
        { name: "long", state: "completed" },
        { name: "late", state: "failed", error: { name: "TimeoutError" } },
      ],
    });
  });

  test("each step gets the whole timeout of the job, so a job may take longer than that", async () => {
    const { clock, job, queue } = setUp(
      async (context) => {
        for (let index = 0; index < 10; index++) await context.step(`page-${index}`, () => clock.sleep?.(25_000));
      },
      { timeout: "30s" },
    );
    const { id } = await queue.enqueue(job);
    const drained = queue.drain({ timeBudget: "20m" });
    for (let index = 0; index < 10; index++) await clock.advance(25_000);
    expect(await drained).toMatchObject({ completed: 1 });
    expect((await queue.getJob(id))?.steps).toHaveLength(10);
  });

  test("out of time, a job leaves at the end of a step and goes on in the next invocation", async () => {
    const ran: string[] = [];
    const { clock, job, queue } = setUp(async (context) => {
      for (let index = 0; index < 10; index++)
        await context.step(`page-${index}`, async () => {
          ran.push(`page-${index}`);
          await clock.sleep?.(10_000);
        });
    });
    const { id } = await queue.enqueue(job, undefined, { timeout: "12s" });
    let invocations = 0;
    while ((await queue.getJob(id))?.state !== "completed") {
      const drained = queue.drain({ timeBudget: "25s" });
      for (let count = 0; count < 5; count++) await clock.advance(10_000);
      const report = await drained;
      invocations++;
      if (invocations > 20) throw new Error(JSON.stringify(report));
    }
    expect(ran).toEqual(Array.from({ length: 10 }, (_, index) => `page-${index}`));
    expect(invocations).toBeGreaterThan(2);
    expect(await queue.getStats()).toMatchObject({ totalRetried: 0 });
  });

  test("a stored step that is not asked for again is reported once the job has completed", async () => {
    const lines: string[] = [];
    let name = "old";
    const logger = { warn: (line: string) => lines.push(line), error: () => {} };
    const { job, queue, drainAll } = setUp(
      async (context) => {
        await context.step(name, () => 1);
        await context.sleep("1m");
      },
      { options: { logger } },
    );
    const { id } = await queue.enqueue(job);
    await queue.drain();
    name = "new";
    await drainAll();
    expect((await queue.getJob(id))?.steps?.map((step) => step.name)).toEqual(["old", "sleep", "new"]);
    expect(lines).toEqual([
      expect.stringMatching(
        /has completed without asking for 1 of its stored steps: "old"\. A step that was renamed has run again\./,
      ),
    ]);
  });

  test("what a handler enqueues is stored once, when it has come to its end, and not within a step", async () => {
    const { job, queue, drainAll } = setUp(async (context, payload) => {
      if (payload === "child") return;
      context.enqueue("job", "child");
      await context.sleep("1m");
      await context.step("a", () => {
        expect(() => context.enqueue("job", "child")).toThrow(/while a step runs/);
      });
    });
    await queue.enqueue(job);
    await drainAll();
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 2, totalProcessed: 2 });
  });

  test("performBatch has no steps", async () => {
    const seen: unknown[] = [];
    const batch = defineJob({ name: "batch", performBatch: (jobs) => void seen.push(Object.keys(jobs[0]?.job ?? {})) });
    const queue = new Queue({ store: kind.create(), jobs: [batch] });
    await queue.enqueue(batch);
    await queue.drain();
    expect(seen[0]).toContain("extend");
    expect(seen[0]).not.toContain("step");
  });

  test("a step whose result could not be stored is stored with the outcome, and its work is not done again", async () => {
    const ran: string[] = [];
    const clock = testClock(start);
    const store = faultyStore(clock.watch(kind.create()), [{ on: "extend", call: [1], fault: "before" }]);
    const job = defineJob({
      name: "job",
      async perform(_: undefined, context) {
        await context.step("a", () => ran.push("a"));
        await context.step("b", () => ran.push("b"));
      },
    });
    const queue = new Queue({ store, clock, jobs: [job], logger: null });
    await queue.enqueue(job);
    expect(await queue.drain()).toMatchObject({ snoozed: 1, completed: 1 });
    expect(ran).toEqual(["a", "b"]);
  });

  test("a handler that changes a result does not change what is stored", async () => {
    const seen: unknown[] = [];
    const { job, queue, drainAll } = setUp(async (context) => {
      const list = await context.step("list", () => [1]);
      seen.push([...list]);
      list.push(2);
      await context.step("other", () => 1);
      await context.sleep("1m");
    });
    await queue.enqueue(job);
    await drainAll();
    expect(seen).toEqual([[1], [1]]);
  });

  test("a sleep within a step is refused at once, although the step waits for it", async () => {
    const { job, queue } = setUp((context) => context.step("a", () => context.sleep("1m")));
    const { id } = await queue.enqueue(job);
    await queue.drain();
    expect(await queue.getJob(id)).toMatchObject({ state: "dead", error: { name: "PermanentError" } });
  });

  test("a handler that goes on after its attempt has ended runs no step any more", async () => {
    const ran: string[] = [];
    const refused: unknown[] = [];
    const late: (() => void)[] = [];
    const { clock, job, queue } = setUp(
      async (context) => {
        if (context.attempt === 1) await new Promise<void>((resolve) => late.push(resolve));
        await context
          .step("charge", () => ran.push(`in attempt ${context.attempt}`))
          .catch((error) => refused.push(error.code));
      },
      { timeout: "1s" },
    );
    await queue.enqueue(job);
    const drained = queue.drain();
    await clock.advance(1_000);
    await drained;
    await clock.advance(minute);
    await queue.drain();
    for (const goOn of late) goOn();
    await new Promise((resolve) => setImmediate(resolve));
    expect({ ran, refused }).toEqual({ ran: ["in attempt 2"], refused: ["conflict"] });
  });

  test("a step that is called after the handler has ended does not run", async () => {
    const ran: string[] = [];
    const refused: unknown[] = [];
    const { job, queue } = setUp((context, payload) => {
      const branch = async () => {
        await new Promise((resolve) => setImmediate(resolve));
        await context.step("late", () => ran.push("late")).catch((error) => refused.push(error.code));
      };
      void branch();
      if (payload === "throws") throw new Error("no luck");
    });
    await queue.enqueueMany([{ job, payload: "throws" }, { job }]);
    await queue.drain();
    await new Promise((resolve) => setImmediate(resolve));
    expect({ ran, refused }).toEqual({ ran: [], refused: ["conflict", "conflict"] });
  });

  test("what was undone is not done again by a retry from the dead-letter queue, even if the handler rethrows", async () => {
    const log: string[] = [];
    let isDown = true;
    const { job, queue, drainAll } = setUp(
      async (context, payload) => {
        const ship = () =>
          context.step("ship", () => {
            log.push(isDown ? "ship fails" : "ship");
            if (isDown) throw new PermanentError("down");
          });
        if (payload === "beside") return Promise.all([ship(), context.step("note", () => log.push("note"))]);
        try {
          return await ship();
        } catch (error) {
          await context.step("refund", () => log.push("refund"));
          throw error;
        }
      },
      { maxRetries: 0 },
    );
    const { id } = await queue.enqueue(job);
    await drainAll();
    isDown = false;
    await queue.retryFromDeadLetter(id);
    await drainAll();
    expect(log).toEqual(["ship fails", "refund"]);
    expect((await queue.getJob(id))?.state).toBe("dead");
    // Beside others, the step that failed runs again.
    isDown = true;
    const beside = await queue.enqueue(job, "beside");
    await drainAll();
    isDown = false;
    await queue.retryFromDeadLetter(beside.id);
    await drainAll();
    expect(log.slice(2)).toEqual(["ship fails", "note", "ship"]);
    expect((await queue.getJob(beside.id))?.state).toBe("completed");
  });
});
