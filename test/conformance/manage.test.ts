import { describe, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { Queue } from "../../src/index.ts";
import { drainAll } from "../../src/testing/index.ts";
import { allPages } from "../support/all-pages.ts";
import { type AroundCall, aroundStore } from "../support/around-calls.ts";
import { start } from "../support/clock.ts";
import { onEachKindOfStore } from "../support/stores.ts";
import { dies, greet, note, openQueue } from "./open-queue.ts";

onEachKindOfStore((kind) => {
  describe("a queue's jobs", () => {
    test("can be cancelled and rescheduled while they wait, but not while they run or after they have ended", async () => {
      const { clock, queue } = openQueue(kind);
      const { id } = await queue.enqueue(note, 1, { delay: "5m" });
      expect(await queue.reschedule(id, "10m")).toMatchObject({
        id,
        state: "scheduled",
        runAt: new Date(start + 600_000),
      });
      expect(await queue.reschedule(id, new Date(start + 60_000))).toMatchObject({ runAt: new Date(start + 60_000) });
      expect(await queue.reschedule(id, "0s")).toMatchObject({ state: "ready", runAt: new Date(start) });
      expect(await queue.reschedule(id, new Date(start + 60_000))).toMatchObject({ state: "scheduled" });
      expect(await queue.update(id, { payload: 2 })).toMatchObject({ payload: 2, runAt: new Date(start + 60_000) });
      await queue.cancel(id);
      expect(await queue.getJob(id)).toBeNull();
      await expect(queue.cancel(id)).rejects.toMatchObject({ code: "not_found" });
      const [held] = (await internalsOf(queue).enqueueHeld([{ job: note, payload: 1 }])).held;
      const running = held?.lease.id ?? "";
      await expect(queue.cancel(running)).rejects.toMatchObject({ code: "conflict" });
      await expect(queue.reschedule(running, "soon")).rejects.toMatchObject({ code: "invalid_request" });
      await expect(queue.reschedule(running, 0)).rejects.toMatchObject({ code: "conflict" });
      expect(await queue.getJob(running)).toMatchObject({ state: "running", attempts: 1, runAt: null });
      await clock.advance("2m");
      await queue.drain();
      await expect(queue.cancel(running)).rejects.toMatchObject({ code: "conflict" });
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 2, totalProcessed: 1 });
    });

    test("keep a payload if the request of an earlier change arrives again", async () => {
      const changes: (() => Promise<unknown>)[] = [];
      const around: AroundCall = ({ method }, run) => {
        if (method === "change") changes.push(run);
        return run();
      };
      const { queue } = openQueue({ ...kind, create: () => aroundStore(kind.create(), around) });
      const { id } = await queue.enqueue(note, 0, { delay: "1h", dedupe: { key: "note", ttl: "1h" } });
      await queue.update(id, { payload: 1 });
      await queue.update(id, { payload: 2 });
      // A change that is encrypted again is another one. A resend repeats what was encrypted.
      expect([await changes[0]?.(), await changes[1]?.()]).toEqual([false, !kind.isEncrypted]);
      expect(await queue.getJob(id)).toMatchObject({ payload: 2, attempts: 0, runAt: new Date(start + 3_600_000) });
      const replacing = { delay: "2h", dedupe: { key: "note", ttl: "1h", replace: true } } as const;
      expect(await queue.enqueue(note, 3, replacing)).toMatchObject({ id, status: "replaced" });
      await queue.reschedule(id, 0);
      await queue.drain();
      expect(await queue.getJob(id)).toMatchObject({ result: 3, attempts: 1 });
    });

    test("can be rescheduled while they wait for a retry", async () => {
      const { queue } = openQueue(kind);
      const { id } = await queue.enqueue(dies, undefined, { maxRetries: 1 });
      await queue.drain();
      expect(await queue.reschedule(id, "10m")).toMatchObject({ attempts: 1, runAt: new Date(start + 600_000) });
    });

    test("can be cancelled once their lease has expired", async () => {
      const { clock, queue } = openQueue(kind);
      const [held] = (await internalsOf(queue).enqueueHeld([{ job: note, payload: 1 }])).held;
      await clock.advance("1h");
      await queue.cancel(held?.lease.id ?? "");
      expect(await queue.getStats()).toMatchObject({ readyCount: 0, runningCount: 0 });
    });

    test("do not change if they were claimed and released since they were read", async () => {
      const { store, queue } = openQueue(kind);
      const { id } = await queue.enqueue(note, 1);
      const change = { id, from: { at: start, claims: 1 }, runAt: start + 1_000, record: undefined };
      expect(await store.open(queue.name).change(change)).toBe(false);
      expect(await queue.getJob(id)).toMatchObject({ runAt: new Date(start) });
    });

    test("are listed by state and name, in pages", async () => {
      const { queue } = openQueue(kind);
      await queue.enqueueMany(Array.from({ length: 7 }, (_, index) => ({ job: note, payload: index })));
      await queue.enqueueMany([{ job: dies }, { job: greet, payload: { to: "Ada" }, delay: "1h" }]);
      const pages = await allPages((cursor) => queue.listJobs({ state: "ready", name: "note", limit: 3, cursor }));
      for (const { jobs } of pages) expect(jobs.length).toBeLessThanOrEqual(3);
      expect(pages.flatMap(({ jobs }) => jobs.map(({ payload }) => payload))).toEqual([0, 1, 2, 3, 4, 5, 6]);
      await queue.drain();
      expect((await queue.listJobs()).jobs.map(({ state }) => state).sort()).toEqual([
        ...Array(7).fill("completed"),
        "dead",
        "scheduled",
      ]);
      await expect(queue.listJobs({ cursor: "rubbish" })).rejects.toMatchObject({ code: "invalid_request" });
      await expect(queue.listJobs({ cursor: "ready:rubbish" })).rejects.toMatchObject({ code: "invalid_request" });
    });

    test("a completed job is gone after the retention, and at once with a retention of 0", async () => {
      const { clock, store, queue } = openQueue(kind);
      const { id } = await queue.enqueue(greet, { to: "Ada" });
      await queue.drain();
      expect(await queue.getJob(id)).toMatchObject({
        state: "completed",
        result: { greeted: "Ada" },
        completedAt: new Date(start),
      });
      await clock.advance("24h");
      expect(await queue.getJob(id)).toBeNull();
      expect((await queue.listJobs({ state: "completed" })).jobs).toEqual([]);
      const brief = new Queue({ name: "brief", store, clock, jobs: [note], retention: 0 });
      const other = await brief.enqueue(note, 1);
      await brief.drain();
      expect(await brief.getJob(other.id)).toBeNull();
      expect(await brief.getStats()).toMatchObject({ totalProcessed: 1, completedCount: 0 });
    });

    test("clear removes all, even more than one store call scans", async () => {
      const { queue } = openQueue(kind);
      const jobs = Array.from({ length: 1_010 }, () => ({ job: dies }));
      await queue.enqueueMany(jobs);
      await drainAll(queue);
      await queue.enqueueMany(jobs);
      const cleared = [await queue.clear({ state: "dead" }), await queue.clear({ state: "pending" })];
      expect(cleared).toEqual([{ cleared: 1_010 }, { cleared: 1_010 }]);
      expect(await queue.getStats()).toMatchObject({ deadLetterCount: 0, pendingCount: 0 });
    });

    test("clear removes the jobs of one state, and leaves running jobs and schedules", async () => {
      const { queue } = openQueue(kind);
      await queue.schedules.upsert("daily", { job: note, cron: "0 0 9 * * *" });
      await queue.enqueueMany(Array.from({ length: 1_000 }, () => ({ job: note })));
      await queue.enqueueMany(Array.from({ length: 900 }, () => ({ job: note })));
      await queue.enqueue(note, 1, { delay: "1h" });
      await internalsOf(queue).enqueueHeld([{ job: note }]);
      expect(await queue.clear({ state: "ready" })).toEqual({ cleared: 1_900 });
      expect(await queue.clear()).toEqual({ cleared: 1 });
      expect(await queue.getStats()).toMatchObject({ pendingCount: 0, runningCount: 1, totalEnqueued: 1_902 });
      expect(await queue.schedules.list()).toHaveLength(1);
    });
  });
});
