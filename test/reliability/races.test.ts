import { describe, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import type { ExchangeRequest } from "../../src/core/store/store.ts";
import { type AnyJob, defineJob, type JobContext, Queue, type Store } from "../../src/index.ts";
import { wrapStore } from "../../src/testing/wrap-store.ts";
import { aroundStore } from "../support/around-calls.ts";
import { clockByHand, start } from "../support/clock.ts";
import { onEachKindOfStore } from "../support/stores.ts";

onEachKindOfStore((kind) => {
  describe("racing drains", () => {
    test("eight concurrent drains perform each of 1,000 jobs once", async () => {
      const performed = new Map<string, number>();
      const note = defineJob({
        name: "note",
        perform: async (_: undefined, job) => {
          await new Promise((resolve) => setImmediate(resolve));
          performed.set(job.id, (performed.get(job.id) ?? 0) + 1);
        },
      });
      const store = kind.create();
      const open = () => new Queue({ store, jobs: [note], clock: () => start });
      await open().enqueueMany(Array.from({ length: 1_000 }, () => ({ job: note })));
      const reports = await Promise.all(
        Array.from({ length: 8 }, () =>
          open().drain({ maxJobs: 1_000, batchSize: 20, budget: { roundTrips: 500, commands: 100_000 } }),
        ),
      );
      expect(performed.size).toBe(1_000);
      expect([...performed.values()].every((times) => times === 1)).toBe(true);
      expect(reports.reduce((sum, report) => sum + report.completed, 0)).toBe(1_000);
      expect(await open().getStats()).toMatchObject({ totalProcessed: 1_000, pendingCount: 0, runningCount: 0 });
    });

    test("an occurrence makes one job, whoever races to fire it", async () => {
      const performed: string[] = [];
      const clock = clockByHand(start);
      const beat = defineJob({
        name: "beat",
        schedule: { cron: "* * * * * *" },
        perform: (_: undefined, job) => void performed.push(job.id),
      });
      const store = kind.create();
      const open = () => new Queue({ store, jobs: [beat], clock });
      await open().drain();
      for (let second = 0; second < 20; second++) {
        clock.now += 1_000;
        await Promise.all(Array.from({ length: 5 }, () => open().drain()));
      }
      expect(new Set(performed).size).toBe(20);
      expect(performed).toHaveLength(20);
    });

    describe("an occurrence that fires while its schedule is being changed makes one job", () => {
      /** A due schedule, and a change of it: a drain intervenes between its read and its write. */
      function setUp(isDeclared: boolean) {
        const clock = clockByHand(start);
        const performed: string[] = [];
        const perform = (_: undefined, job: JobContext) => void performed.push(job.id);
        const schedule = { cron: "* * * * *" };
        const beat = defineJob({ name: "beat", perform, ...(isDeclared && { schedule }) });
        const daily = defineJob({ name: "daily", schedule: { cron: "0 9 * * *" }, perform });
        const inner = kind.create();
        const open = (store: Store, ...jobs: AnyJob[]) => new Queue({ store, jobs, clock });
        const queue = open(inner, beat);
        let isOvertaken = false;
        const overtaken = wrapStore(inner, async ({ method }, run) => {
          if (!isOvertaken && method === "changeSchedules") {
            isOvertaken = true;
            expect(await queue.drain()).toMatchObject({ rearmed: 1, completed: 1 });
          }
          return run();
        });
        return { clock, performed, queue, beat, changing: open(overtaken, beat, daily) };
      }

      test.each<[string, (queue: Queue, beat: AnyJob) => Promise<unknown>]>([
        ["upsert", (queue, job) => queue.schedules.upsert("beat", { job, cron: "* * * * *", missed: "skip" })],
        ["a deployment", (queue) => queue.drain()],
        ["pause and resume", (queue) => queue.schedules.pause("beat").then(() => queue.schedules.resume("beat"))],
      ])("by %s", async (how, change) => {
        const isDeclared = how !== "upsert";
        const { clock, performed, queue, beat, changing } = setUp(isDeclared);
        if (!isDeclared) await queue.schedules.upsert("beat", { job: beat, cron: "* * * * *" });
        await queue.drain();
        clock.now += 60_000;
        await change(changing, beat);
        await queue.drain();
        expect(performed).toEqual(["beat@2026-03-01T12:01:00.000Z"]);
        expect(await queue.schedules.get("beat")).toMatchObject({
          lastJobId: performed[0],
          nextRunAt: new Date(start + 120_000),
        });
        await changing.drain();
        expect((await changing.schedules.list()).map(({ key }) => key)).toEqual(["beat", "daily"]);
      });
    });

    test("firing an occurrence undoes no concurrent change of its schedule", async () => {
      const clock = clockByHand(start);
      const performed: unknown[] = [];
      const beat = defineJob({ name: "beat", perform: (payload: string) => void performed.push(payload) });
      const inner = kind.create();
      const recurs = (payload: string) => ({ job: beat, payload, cron: "* * * * *", overlap: "skip" as const });
      const queue = new Queue({ store: inner, jobs: [beat], clock });
      await queue.schedules.upsert("beat", recurs("old"));
      let isOvertaken = false;
      const overtaken = aroundStore(inner, async ({ method, parameters: [request] }, run) => {
        if (method === "exchange" && (request as ExchangeRequest).fire.length > 0 && !isOvertaken) {
          isOvertaken = true;
          await queue.schedules.upsert("beat", recurs("new"));
        }
        return run();
      });
      clock.now += 60_000;
      await new Queue({ store: overtaken, jobs: [beat], clock }).drain();
      clock.now += 60_000;
      await queue.drain();
      expect({ isOvertaken, performed }).toEqual({ isOvertaken: true, performed: ["new", "new"] });
    });

    test.each<[string, (queue: Queue, job: AnyJob) => Promise<unknown>, object]>([
      ["resume", (queue) => queue.schedules.resume("beat"), { paused: false, payload: "new", missed: "all" }],
      ["pause", (queue) => queue.schedules.pause("beat"), { paused: true, payload: "new", missed: "all" }],
      [
        "upsert",
        (queue, job) => queue.schedules.upsert("beat", { job, payload: "last", cron: "* * * * *" }),
        { paused: true, payload: "last", missed: "once" },
      ],
    ])("%s of a paused schedule undoes no concurrent change of it", async (_, change, expected) => {
      const beat = defineJob({ name: "beat", perform: (payload: unknown) => payload });
      const inner = kind.create();
      const open = (store: Store) => new Queue({ store, jobs: [beat], clock: () => start });
      const { schedules } = open(inner);
      await schedules.upsert("beat", { job: beat, payload: "old", cron: "* * * * *" });
      await schedules.pause("beat");
      let puts = 0;
      const overtaken = wrapStore(inner, async ({ method }, run) => {
        if (method === "changeSchedules" && ++puts === 1) {
          await schedules.upsert("beat", { job: beat, payload: "new", cron: "* * * * *", missed: "all" });
        }
        return run();
      });
      await change(open(overtaken), beat);
      expect(await schedules.get("beat")).toMatchObject(expected);
      expect(puts).toBe(2);
    });

    test("a paused schedule that is removed while it is being resumed stays removed", async () => {
      const beat = defineJob({ name: "beat", perform: () => {} });
      const inner = kind.create();
      const open = (store: Store) => new Queue({ store, jobs: [beat], clock: () => start });
      const { schedules } = open(inner);
      await schedules.upsert("beat", { job: beat, cron: "* * * * *" });
      await schedules.pause("beat");
      const overtaken = wrapStore(inner, async ({ method }, run) => {
        if (method === "changeSchedules") await schedules.remove("beat");
        return run();
      });
      await expect(open(overtaken).schedules.resume("beat")).rejects.toMatchObject({ code: "not_found" });
      expect(await schedules.list()).toEqual([]);
    });

    test("rescheduling a job undoes no concurrent change of its payload", async () => {
      const inner = kind.create();
      const open = (store: Store) => new Queue({ store, clock: () => start });
      const { id } = await open(inner).enqueue("any", "old", { delay: "1h" });
      let changes = 0;
      const overtaken = wrapStore(inner, async ({ method }, run) => {
        if (method === "change" && ++changes === 1) await open(inner).update(id, { payload: "new" });
        return run();
      });
      await open(overtaken).reschedule(id, "2h");
      expect(await open(inner).getJob(id)).toMatchObject({ payload: "new", runAt: new Date(start + 7_200_000) });
    });

    test("an invocation that died leaves its job to the next when the lease expires, and a late result is refused", async () => {
      const clock = clockByHand(start);
      const seen: number[] = [];
      const note = defineJob({ name: "note", perform: (_: undefined, job) => void seen.push(job.attempt) });
      const queue = new Queue({ store: kind.create(), jobs: [note], clock });
      const { held } = await internalsOf(queue).enqueueHeld([{ job: note }]);
      expect(await queue.getStats()).toMatchObject({ runningCount: 1, pendingCount: 0 });
      expect(await queue.drain()).toMatchObject({ claimed: 0 });
      clock.now += 62_000;
      expect(await queue.drain()).toMatchObject({ claimed: 1, completed: 1 });
      expect(await internalsOf(queue).drain({ held })).toMatchObject({ completed: 0, released: 0, lost: 1 });
      expect(seen).toEqual([2]);
      expect(await queue.getStats()).toMatchObject({ totalProcessed: 1 });
    });

    test("a job whose invocation keeps dying is dead-lettered with a reason that says so", async () => {
      const clock = clockByHand(start);
      const kills = defineJob({ name: "kills", maxRetries: 2, perform: () => {} });
      const store = kind.create();
      const queue = new Queue({ store, jobs: [kills], clock });
      const { id } = await queue.enqueue(kills);
      for (let died = 0; died < 3; died++) {
        const invocation = store.open("default");
        const claim = { limit: 1, leaseMs: 60_000 };
        const { jobs } = await invocation.exchange({ now: clock.now, settle: [], fire: [], claim, retentionMs: 0 });
        expect(jobs).toHaveLength(1);
        clock.now += 60_000;
      }
      expect(await queue.drain()).toMatchObject({ claimed: 1, deadLettered: 1 });
      expect(await queue.getJob(id)).toMatchObject({
        state: "dead",
        attempts: 3,
        error: { name: "LeaseExpired", message: expect.stringMatching(/killed/) },
      });
    });
  });
});
