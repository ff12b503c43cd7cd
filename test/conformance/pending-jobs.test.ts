import { describe, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { memoryStore, type PendingSelection, Queue } from "../../src/index.ts";
import { allPages } from "../support/all-pages.ts";
import { start } from "../support/clock.ts";
import { onEachKindOfStore } from "../support/stores.ts";
import { note, openQueue } from "./open-queue.ts";

const HOUR_MS = 3_600_000;

onEachKindOfStore((kind) => {
  /**
   * Six of `note` and three of `greet`, of each a third with a flow control key; two thirds of them scheduled; and one
   * that runs.
   */
  async function setUp() {
    const opened = openQueue(kind);
    const { queue } = opened;
    const flowControl = { key: "tenant", concurrency: 1 };
    for (const more of [{}, { delay: "1h" }, { delay: "2h", flowControl }] as const) {
      await queue.enqueueMany([1, 2].map((payload) => ({ job: "note", payload, ...more })));
      await queue.enqueueMany([{ job: "greet", payload: { to: "Ada" }, ...more }]);
    }
    const [held] = (await internalsOf(queue).enqueueHeld([{ job: note, payload: 0 }])).held;
    return { ...opened, runningId: held?.lease.id ?? "" };
  }

  const everything: readonly (readonly [PendingSelection, number])[] = [
    [{ name: "note" }, 6],
    [{ name: "note", state: "scheduled" }, 4],
    [{ name: "nobody" }, 0],
    [{ all: true, state: "ready" }, 3],
    [{ all: true }, 9],
  ];

  describe("waiting jobs", () => {
    test.each(everything)("are cancelled by selection, and counted by a dry run: %o", async (selection, count) => {
      const { queue, runningId } = await setUp();
      expect(await queue.cancelPending(selection, { dryRun: true })).toEqual({ cancelled: count, cursor: null });
      expect(await queue.getStats()).toMatchObject({ pendingCount: 9 });
      expect(await queue.cancelPending(selection)).toEqual({ cancelled: count, cursor: null });
      expect(await queue.cancelPending(selection)).toEqual({ cancelled: 0, cursor: null });
      expect(await queue.getStats()).toMatchObject({ pendingCount: 9 - count, runningCount: 1, totalEnqueued: 10 });
      expect(await queue.getJob(runningId)).toMatchObject({ state: "running" });
      expect((await queue.flowControl.get("tenant"))?.waiting ?? 0).toBe(
        (await queue.listJobs()).jobs.filter((job) => job.runAt?.getTime() === start + 2 * HOUR_MS).length,
      );
    });

    test.each(everything)("are moved by selection, once, and counted by a dry run: %o", async (selection, count) => {
      const { queue } = await setUp();
      const runAt = new Date(start + 3 * HOUR_MS);
      const moved = { rescheduled: count, runAt, cursor: null };
      expect(await queue.reschedulePending(selection, "3h", { dryRun: true })).toEqual(moved);
      expect(await queue.reschedulePending(selection, "3h")).toEqual(moved);
      expect(await queue.reschedulePending(selection, runAt)).toEqual({ ...moved, rescheduled: 0 });
      const { jobs } = await queue.listJobs({ state: "scheduled" });
      expect(jobs.filter((job) => job.runAt?.getTime() === runAt.getTime())).toHaveLength(count);
      expect(await queue.getStats()).toMatchObject({ pendingCount: 9, runningCount: 1 });
    });

    test("that are made due now all run, those of a key one at a time", async () => {
      const { clock, queue } = await setUp();
      expect(await queue.reschedulePending({ all: true, state: "scheduled" }, "0s")).toMatchObject({ rescheduled: 6 });
      expect(await queue.getStats()).toMatchObject({ readyCount: 9, scheduledCount: 0 });
      await clock.advance("2h");
      expect(await queue.drain()).toMatchObject({ completed: 10, backlog: false });
    });

    test("that are due keep their place in line if they are made due now", async () => {
      const { clock, queue } = openQueue(kind);
      const { id } = await queue.enqueue(note, 1);
      await clock.advance("5m");
      const due = { state: "ready", runAt: new Date(start) };
      expect(await queue.reschedulePending({ ids: [id] }, "0s")).toMatchObject({ rescheduled: 1 });
      expect(await queue.getJob(id)).toMatchObject(due);
      await queue.reschedulePending({ all: true }, "0s");
      expect(await queue.reschedule(id, "0s")).toMatchObject(due);
      expect(await queue.getJob(id)).toMatchObject(due);
    });

    test("are changed by their ids, of which others do not count", async () => {
      const { queue, runningId } = await setUp();
      const { jobs } = await queue.listJobs({ state: "scheduled", limit: 3 });
      const ids = [...jobs.map(({ id }) => id), jobs[0]?.id ?? "", runningId, "nobody"];
      expect(await queue.reschedulePending({ ids }, "5h", { dryRun: true })).toMatchObject({ rescheduled: 3 });
      expect(await queue.reschedulePending({ ids }, "5h")).toMatchObject({ rescheduled: 3, cursor: null });
      expect(await queue.getJob(ids[0] ?? "")).toMatchObject({ runAt: new Date(start + 5 * HOUR_MS) });
      expect(await queue.cancelPending({ ids }, { dryRun: true })).toEqual({ cancelled: 3, cursor: null });
      expect(await queue.cancelPending({ ids })).toEqual({ cancelled: 3, cursor: null });
      expect(await queue.getJob(ids[0] ?? "")).toBeNull();
      expect(await queue.getJob(runningId)).toMatchObject({ state: "running" });
    });

    test("are changed a thousand in a call, which says where the next goes on", async () => {
      const { queue } = openQueue(kind);
      for (let i = 0; i < 3; i++)
        await queue.enqueueMany(
          Array.from({ length: 800 }, (_, index) => ({
            job: index % 2 ? note : "greet",
            payload: { to: "Ada" },
            delay: i * 60_000,
          })),
        );
      const walk = async (dryRun: boolean) => {
        const move = (cursor: string | undefined) =>
          queue.reschedulePending({ name: "note" }, start + HOUR_MS, { dryRun, cursor });
        return (await allPages(move)).map(({ rescheduled }) => rescheduled);
      };
      const counted = await walk(true);
      expect(counted.length).toBeGreaterThan(1);
      for (const counts of [counted, await walk(false)]) {
        expect(Math.max(...counts)).toBeLessThanOrEqual(1_000);
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(1_200);
      }
      expect((await queue.cancelPending({ name: "note", state: "ready" })).cancelled).toBe(0);
    });
  });
});

describe("waiting jobs stay as they are", () => {
  const setUp = async () => {
    const queue = new Queue({ store: memoryStore(), clock: () => start, jobs: [note] });
    await queue.enqueueMany([{ job: note }, { job: note, delay: "1h" }]);
    return queue;
  };

  test("types refuse what the queue refuses", async () => {
    const queue = await setUp();
    const refused = { code: "invalid_request" };
    // @ts-expect-error In one way.
    await expect(queue.cancelPending({ all: true, name: "note" })).rejects.toMatchObject(refused);
    // @ts-expect-error A state goes with all of them, or of a name.
    await expect(queue.cancelPending({ ids: ["a"], state: "ready" })).rejects.toMatchObject(refused);
    // @ts-expect-error The same for dead jobs.
    await expect(queue.retryFromDeadLetter({ all: true, name: "note" })).rejects.toMatchObject(refused);
  });

  test.each<[string, unknown, object?]>([
    ["nothing", {}],
    ["another state", { all: true, state: "running" }],
    ["another field", { all: true, group: "3f1c9a04b7de" }],
    ["too many ids", { ids: Array.from({ length: 1_001 }, (_, index) => `job-${index}`) }],
    ["a cursor with ids", { ids: ["a"] }, { cursor: "ready:" }],
    ["a cursor of another state", { all: true, state: "ready" }, { cursor: "scheduled:" }],
    ["an unknown option", { all: true }, { dry: true }],
    ["a flag that is none", { all: true }, { dryRun: "yes" }],
  ])("if the call is refused for %s", async (_, selection, options = {}) => {
    const queue = await setUp();
    const refused = { code: "invalid_request" };
    await expect(queue.cancelPending(selection as PendingSelection, options)).rejects.toMatchObject(refused);
    const moving = queue.reschedulePending(selection as PendingSelection, start, options);
    await expect(moving).rejects.toMatchObject(refused);
    expect(await queue.getStats()).toMatchObject({ readyCount: 1, scheduledCount: 1 });
  });

  test("if they are to be moved by a duration from a cursor on, which would move some of them twice", async () => {
    const going = (await setUp()).reschedulePending({ all: true }, "1h", { cursor: "ready:" });
    await expect(going).rejects.toMatchObject({ code: "invalid_request", message: expect.stringContaining("runAt") });
  });
});
