import { describe, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { defineJob, Producer, Queue, type QueueOptions } from "../../src/index.ts";
import { faultyStore, testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { drainQueues } from "../support/drain-queues.ts";
import { onMemoryAtLeast } from "../support/stores.ts";
import { dies, note, openQueue } from "./open-queue.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

onMemoryAtLeast((kind) => {
  /** A queue whose calls of `wake` are in `asked`, as ms since the start. */
  function setUp(options: Partial<QueueOptions> = {}) {
    const asked: number[] = [];
    const wake = (at: number) => void asked.push(at - start);
    return { asked, ...openQueue(kind, { wake, logger: null, ...options }) };
  }

  type Opened = ReturnType<typeof setUp>;

  describe("wake is called once", () => {
    /** What makes something due earlier, after what has to be there: the time for which it asks. */
    const calls: Record<
      string,
      {
        readonly before?: (opened: Opened) => Promise<unknown>;
        readonly call: (opened: Opened) => Promise<unknown>;
        readonly at: number;
      }
    > = {
      "by enqueue": { call: ({ queue }) => queue.enqueue(note, 1), at: 0 },
      "by enqueue with a delay": { call: ({ queue }) => queue.enqueue(note, 1, { delay: "3s" }), at: 3_000 },
      "by enqueues of one turn, for the earliest": {
        call: ({ queue }) => Promise.all([90, 60, 75].map((s) => queue.enqueue(note, s, { delay: `${s}s` }))),
        at: 60_000,
      },
      "by enqueueMany, for the earliest": {
        call: ({ queue }) =>
          queue.enqueueMany([90, 60, 75].map((s) => ({ job: note, payload: s, delay: `${s}s` as const }))),
        at: 60_000,
      },
      "by an enqueue that replaces a debounced job": {
        before: ({ queue }) => queue.enqueue(note, 1, { delay: "1h", dedupe: { key: "k", ttl: "2h" } }),
        call: ({ queue }) => queue.enqueue(note, 2, { delay: "5m", dedupe: { key: "k", ttl: "2h", replace: true } }),
        at: 5 * MINUTE,
      },
      "by an enqueue that leases its job, for the end of the lease": {
        call: ({ queue }) => internalsOf(queue).enqueueHeld([{ job: note, payload: 1 }]),
        at: Number.NaN,
      },
      "by a recurring job": { call: ({ queue }) => queue.enqueue(note, 1, { cron: "0 30 12 * * *" }), at: HOUR / 2 },
      "by schedules.upsert": {
        call: ({ queue }) => queue.schedules.upsert("s", { job: note, payload: 1, cron: "0 30 12 * * *" }),
        at: HOUR / 2,
      },
      "by schedules.resume": {
        before: async ({ queue }) => {
          await queue.schedules.upsert("s", { job: note, payload: 1, cron: "0 30 12 * * *" });
          await queue.schedules.pause("s");
        },
        call: ({ queue }) => queue.schedules.resume("s"),
        at: HOUR / 2,
      },
      "by schedules.run": {
        before: ({ queue }) => queue.schedules.upsert("s", { job: note, payload: 1, cron: "0 30 12 * * *" }),
        call: ({ queue }) => queue.schedules.run("s"),
        at: 0,
      },
      "by cancel of the last child, for its parent": {
        before: ({ queue }) => queue.enqueue(note, 1, { id: "j", children: [{ job: note, payload: 1, delay: "1h" }] }),
        call: async ({ queue }) => queue.cancel((await queue.listChildren("j")).jobs[0]?.id ?? ""),
        at: 0,
      },
      "by clear": {
        before: ({ queue }) => queue.enqueue(note, 1, { delay: "1h" }),
        call: ({ queue }) => queue.clear(),
        at: 0,
      },
      "by reschedule": {
        before: ({ queue }) => queue.enqueue(note, 1, { id: "j", delay: "1h" }),
        call: ({ queue }) => queue.reschedule("j", "10m"),
        at: 10 * MINUTE,
      },
      "by reschedulePending": {
        before: ({ queue }) => queue.enqueue(note, 1, { delay: "1h" }),
        call: ({ queue }) => queue.reschedulePending({ name: "note" }, "0s"),
        at: 0,
      },
      "by retryFromDeadLetter": {
        before: async ({ queue }) => {
          await queue.enqueue(dies);
          await queue.drain();
        },
        call: ({ queue }) => queue.retryFromDeadLetter({ all: true }),
        at: 0,
      },
      "by resume": { before: ({ queue }) => queue.pause(), call: ({ queue }) => queue.resume(), at: 0 },
      "by flowControl.resume": {
        before: ({ queue }) => queue.flowControl.pause("k"),
        call: ({ queue }) => queue.flowControl.resume("k"),
        at: 0,
      },
      "by flowControl.set": { call: ({ queue }) => queue.flowControl.set("k", { concurrency: 5 }), at: 0 },
      "by a drain, for what is due next": {
        before: ({ queue }) => queue.enqueue(note, 1, { delay: "1h" }),
        call: ({ queue }) => queue.drain(),
        at: HOUR,
      },
    };
    test.each(Object.entries(calls))("%s", async (_, { before, call, at }) => {
      // What was stored before, another process has stored.
      const other = setUp();
      await before?.(other);
      const asked: number[] = [];
      const { clock, store } = other;
      const queue = new Queue({ store, clock, jobs: [note, dies], wake: (time) => void asked.push(time - start) });
      await call({ ...other, queue });
      if (Number.isNaN(at))
        expect(asked).toEqual([(await queue.getStats()).nextRunAt?.getTime()].map((end) => Number(end) - start));
      else expect(asked).toEqual([at]);
    });
  });

  test("a producer calls wake", async () => {
    const { store, clock, asked } = setUp();
    const producer = new Producer({ store, clock, jobs: [note], wake: (at) => void asked.push(at - start) });
    await producer.enqueue(note, 1, { delay: "3s" });
    await producer.enqueueMany([{ job: note, payload: 2, delay: "2s" }]);
    expect(asked).toEqual([3_000, 2_000]);
  });

  test("reads, pauses and what changes nothing do not call wake", async () => {
    const { queue, asked } = setUp();
    await queue.pause();
    await queue.flowControl.pause("k");
    await queue.getStats();
    await queue.retryFromDeadLetter({ all: true });
    await queue.reschedulePending({ name: "note" }, "0s");
    await queue.clear();
    await queue.drain();
    expect(asked).toEqual([]);
  });

  test("an enqueue succeeds if wake throws, and if it rejects", async () => {
    const lines: string[] = [];
    const logger = { warn: (line: string) => void lines.push(line), error: () => {} };
    const throws = () => {
      throw new Error("secret");
    };
    for (const wake of [throws, async () => throws()]) {
      const { queue } = setUp({ wake, logger });
      expect(await queue.enqueue(note, 1)).toMatchObject({ status: "enqueued" });
    }
    expect(lines).toEqual(
      Array(2).fill(expect.stringMatching(/^tidegate: A wake-up has failed: .* Error was thrown\.$/)),
    );
  });

  test("wake is called after the store has responded", async () => {
    const clock = testClock(start);
    const store = kind.create();
    let seen: number | undefined;
    const look = new Queue({ store, clock });
    const wake = async () => {
      seen = (await look.getStats()).pendingCount;
    };
    await new Queue({ store, clock, jobs: [note], wake }).enqueue(note, 1);
    expect(seen).toBe(1);
  });

  describe("after a drain, wake is called", () => {
    test("at once while a backlog moves", async () => {
      const { queue, clock, asked } = setUp();
      await queue.enqueueMany([1, 2, 3].map((payload) => ({ job: note, payload })));
      await clock.advance("10s");
      expect(await queue.drain({ maxJobs: 1 })).toMatchObject({ completed: 1, backlog: true });
      await clock.advance("10s");
      expect(await queue.drain()).toMatchObject({ completed: 2, nextRunAt: null });
      expect(asked).toEqual([0, 10_000]);
    });

    test("in a minute if nothing of a backlog can be claimed", async () => {
      const slow = defineJob({ name: "slow", timeout: "10m", perform() {} });
      const { queue, asked, clock } = setUp({ jobs: [slow] });
      await queue.enqueue(slow);
      await clock.advance("10s");
      // No time is left to run it.
      const report = await internalsOf(queue).drain({ longestAttemptMs: MINUTE });
      expect(report).toMatchObject({ claimed: 1, released: 1, backlog: true });
      await drainQueues([queue], {}, { longestAttemptMs: MINUTE });
      expect(asked).toEqual([0, 10_000 + MINUTE]);
    });

    test("for a retry, and for the end of a rate's window", async () => {
      const limited = defineJob({ name: "limited", flowControl: { key: "k", rate: 1, period: "1h" }, perform() {} });
      const flaky = defineJob({
        name: "flaky",
        backoff: { type: "fixed", base: "30m" },
        perform: () => Promise.reject(new Error("no")),
      });
      const { queue, asked, clock } = setUp({ jobs: [limited, flaky] });
      await queue.enqueueMany([{ job: limited }, { job: limited }]);
      await clock.advance("10s");
      await queue.drain();
      await queue.enqueue(flaky);
      await clock.advance("10s");
      await queue.drain();
      expect(asked).toEqual([0, 10_000 + HOUR, 10_000, 20_000 + HOUR / 2]);
    });

    test("in a minute if it was aborted, and may know too little", async () => {
      const { queue, asked } = setUp();
      expect(await queue.drain({ signal: AbortSignal.abort() })).toMatchObject({ stoppedBy: "aborted" });
      expect(asked).toEqual([MINUTE]);
    });

    test("never on a paused queue", async () => {
      const { queue, asked } = setUp();
      await queue.enqueue(note, 1, { delay: "1h" });
      await queue.pause();
      asked.splice(0);
      const { store, clock } = setUp();
      await new Queue({ store, clock, wake: () => void asked.push(0) }).drain();
      await queue.drain();
      expect(asked).toEqual([]);
    });

    test("for each queue of several: also for one that the limits left out, and beside a paused one", async () => {
      const clock = testClock(start);
      const store = kind.create();
      const asked: string[] = [];
      const open = (name: string, wake?: (at: number) => void) =>
        new Queue({ store, clock, name, jobs: [note], logger: null, ...(wake && { wake }) });
      for (const name of ["a", "b", "c", "d"]) await open(name).enqueue(note, 1, { delay: name === "c" ? "1h" : "0s" });
      await open("a").pause();
      const queues = ["a", "c", "b", "d"].map((name) => open(name, (at) => void asked.push(`${name} ${at - start}`)));
      expect(await drainQueues(queues, { maxJobs: 1 })).toMatchObject({ completed: 1, stoppedBy: "maxJobs" });
      expect(asked).toEqual([`c ${HOUR}`, "d 0"]);
    });
  });

  test("after a drain that fails, wake is called for a minute later, and then for twice as long", async () => {
    const clock = testClock(start);
    const store = faultyStore(kind.create(), "before");
    const asked: number[] = [];
    const queue = new Queue({ store, clock, jobs: [note], logger: null, wake: (at) => void asked.push(at - clock()) });
    for (const minutes of [1, 2, 4]) {
      await expect(queue.drain()).rejects.toMatchObject({ code: "store_unavailable" });
      expect(asked.at(-1)).toBe(minutes * MINUTE);
      await clock.advance(HOUR);
    }
  });

  test.each([
    ["5 ms early", (at: number) => at - 5],
    ["900 ms early", (at: number) => at - 900],
    ["at the beginning of the second", (at: number) => Math.floor(at / 1_000) * 1_000],
    ["at the beginning of the minute", (at: number) => Math.floor(at / MINUTE) * MINUTE],
  ])("a platform that comes %s is asked again, and not over and over", async (_, comesAt) => {
    const clock = testClock(start);
    const store = clock.watch(kind.create());
    const ranAfter: number[] = [];
    let drains = 0;
    const work = defineJob({ name: "work", perform: (dueAt: number) => void ranAfter.push(clock() - dueAt) });
    const wake = (at: number) => {
      const drain = async () => {
        await clock.sleep(Math.max(1, comesAt(at) - clock()));
        drains++;
        await queue.drain();
      };
      void drain();
    };
    const queue: Queue = new Queue({ store, clock, jobs: [work], logger: null, wake });
    for (const delay of [1_950, 30_950, 200_950])
      await queue.enqueue(work, start + delay, { runAt: new Date(start + delay) });
    await clock.advance("10m");
    expect(ranAfter).toHaveLength(3);
    for (const late of ranAfter) expect(late).toBeLessThanOrEqual(MINUTE + 1_000);
    expect(drains).toBeLessThan(40);
  });
});
