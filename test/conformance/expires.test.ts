import { describe, expect, test } from "vitest";
import { defineJob, type Hooks, type JobContext, Queue, type QueueOptions } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { onEachKindOfStore, type StoreKind } from "../support/stores.ts";

// `expires`: a job that has not begun by then, counted from its run time, is dropped.

/** Jobs that keep what they ran with, and do what their payload says. */
function setUp(kind: StoreKind, options: Partial<QueueOptions> = {}) {
  const clock = testClock(start);
  const ran: unknown[] = [];
  const act = (payload: unknown, job: JobContext) => {
    ran.push(payload);
    if (payload === "fails" && job.attempt === 1) throw new Error("no luck");
    if (payload === "snoozes" && ran.length === 1) return job.snooze("1h");
    return undefined;
  };
  const backoff = { base: "1h" } as const;
  const work = defineJob({ name: "work", backoff, perform: act });
  const brief = defineJob({ name: "brief", backoff, expires: "10m", perform: act });
  const bulk = defineJob({
    name: "bulk",
    performBatch: (jobs: readonly { readonly payload: unknown }[]) => void ran.push(jobs.map(({ payload }) => payload)),
  });
  const keyed = defineJob({
    name: "keyed",
    flowControl: { key: "tenant", concurrency: 1, rate: 1, period: "1d" },
    perform: act,
  });
  const jobs = [work, brief, bulk, keyed];
  const queue = new Queue({ store: kind.create(), jobs, clock, logger: null, random: () => 0.5, ...options });
  return { clock, ran, work, brief, bulk, keyed, queue };
}

onEachKindOfStore((kind) => {
  describe("a job that has not begun by the time that expires sets", () => {
    test("is dropped at its claim: neither completed nor dead, and counted apart", async () => {
      const { clock, ran, work, queue } = setUp(kind);
      const { id } = await queue.enqueue(work, 1, { expires: "10m" });
      await clock.advance(600_001);
      expect(await queue.drain()).toMatchObject({ claimed: 1, expired: 1, completed: 0, deadLettered: 0, lost: 0 });
      expect(ran).toEqual([]);
      expect(await queue.getJob(id)).toBe(null);
      expect(await queue.wait(id, { timeout: "1m" })).toBe(null);
      expect((await queue.listDeadLetter()).jobs).toEqual([]);
      expect((await queue.listJobs({ state: "completed" })).jobs).toEqual([]);
      expect(await queue.getStats()).toMatchObject({
        ...{ totalEnqueued: 1, totalExpired: 1, totalProcessed: 0, totalFailed: 0, totalRetried: 0 },
        ...{ pendingCount: 0, runningCount: 0, completedCount: 0, deadLetterCount: 0 },
      });
      const { names } = await queue.getFigures();
      expect(names).toMatchObject([{ name: "work", total: { expired: 1, dead: 0 }, hour: { expired: 1 } }]);
      expect(await queue.drain()).toMatchObject({ claimed: 0, expired: 0, nextRunAt: null });
    });

    test("still begins at that very moment", async () => {
      const { clock, ran, work, queue } = setUp(kind);
      await queue.enqueue(work, 1, { expires: "10m" });
      await clock.advance("10m");
      expect(await queue.drain()).toMatchObject({ completed: 1, expired: 0 });
      expect(ran).toEqual([1]);
    });

    test("is dropped among jobs that run, in one exchange with them", async () => {
      const { clock, ran, work, queue } = setUp(kind);
      await queue.enqueueMany(
        [1, 2, 3, 4].map((payload) => ({ job: work, payload, ...(payload % 2 === 0 && { expires: "1m" }) })),
      );
      await clock.advance("2m");
      expect(await queue.drain()).toMatchObject({ claimed: 4, completed: 2, expired: 2 });
      expect(ran).toEqual([1, 3]);
    });

    test("is dropped when a queue that was paused goes on", async () => {
      const { clock, ran, work, queue } = setUp(kind);
      await queue.pause();
      await queue.enqueue(work, 1, { expires: "10m" });
      await clock.advance("1h");
      expect(await queue.drain()).toMatchObject({ claimed: 0, stoppedBy: "paused" });
      await queue.resume();
      expect(await queue.drain()).toMatchObject({ claimed: 1, expired: 1 });
      expect(ran).toEqual([]);
    });

    test("leaves its id and its dedupe key to the next job", async () => {
      const { clock, ran, work, queue } = setUp(kind);
      const dedupe = { key: "shop-7", ttl: "1d" } as const;
      await queue.enqueue(work, 1, { dedupe, expires: "1m" });
      await queue.enqueue(work, 1, { id: "order-7", expires: "1m" });
      await clock.advance("1h");
      expect(await queue.drain()).toMatchObject({ expired: 2 });
      expect(await queue.enqueue(work, 2, { dedupe })).toMatchObject({ status: "enqueued" });
      expect(await queue.enqueue(work, 3, { id: "order-7" })).toMatchObject({ status: "enqueued", id: "order-7" });
      await queue.drain();
      expect(ran).toHaveLength(2);
    });

    test("gives back the slot of its flow control key, and the start that its rate has counted", async () => {
      const { clock, ran, keyed, queue } = setUp(kind);
      await queue.enqueue(keyed, 1, { expires: "1m" });
      await queue.enqueue(keyed, 2);
      await clock.advance("1h");
      expect(await queue.drain()).toMatchObject({ completed: 1, expired: 1 });
      expect(ran).toEqual([2]);
      expect(await queue.flowControl.get("tenant")).toMatchObject({ running: 0, waiting: 0, startedInWindow: 1 });
    });

    test("is left out of the call of performBatch", async () => {
      const { clock, ran, bulk, queue } = setUp(kind);
      await queue.enqueueMany(
        [1, 2, 3].map((payload) => ({ job: bulk, payload, ...(payload === 2 && { expires: "1m" }) })),
      );
      await clock.advance("1h");
      expect(await queue.drain()).toMatchObject({ completed: 2, expired: 1 });
      expect(ran).toEqual([[1, 3]]);
    });

    test("is reported to onExpire and in a line of the log, without its payload", async () => {
      const reported: [string, object][] = [];
      const lines: string[] = [];
      const note = (name: string) => (event: object) => void reported.push([name, event]);
      const names = ["onStart", "onComplete", "onDead", "onLost", "onExpire"];
      const hooks: Hooks = Object.fromEntries(names.map((name) => [name, note(name)]));
      const logger = { warn: (line: string) => void lines.push(line), error: (line: string) => void lines.push(line) };
      const { clock, work, queue } = setUp(kind, { hooks, logger });
      const { id } = await queue.enqueue(work, "secret", { delay: "1m", expires: "10m" });
      await clock.advance("1h");
      await queue.drain();
      const runAt = new Date(start + 60_000);
      expect(reported).toEqual([
        ["onExpire", { queue: "default", id, name: "work", attempt: 1, maxRetries: 3, runAt }],
      ]);
      expect(lines).toEqual([
        `tidegate: Job "work" (${id}) expired: it has been due since ${runAt.toISOString()}, and is dropped.`,
      ]);
    });
  });

  describe("expires", () => {
    test("counts from the run time, also if that is moved", async () => {
      const { clock, ran, work, queue } = setUp(kind);
      const options = { delay: "1h", expires: "10m" } as const;
      const { id } = await queue.enqueue(work, 1, options);
      await queue.enqueue(work, 2, { ...options, id: "moved" });
      await queue.enqueue(work, 3, { ...options, id: "changed" });
      expect(await queue.getJob(id)).toMatchObject({ expiresAt: new Date(start + 70 * 60_000) });
      await queue.reschedule("moved", new Date(start + 7_200_000));
      expect(await queue.getJob("moved")).toMatchObject({ expiresAt: new Date(start + 130 * 60_000) });
      await queue.update("changed", { runAt: new Date(start + 7_200_000), payload: 4 });
      await clock.advance("2h");
      expect(await queue.drain()).toMatchObject({ completed: 2, expired: 1 });
      expect(ran.toSorted()).toEqual([2, 4]);
    });

    test.each(["fails", "snoozes"])("does not concern a job that has begun, and %s", async (payload) => {
      const { clock, ran, brief, queue } = setUp(kind);
      const { id } = await queue.enqueue(brief, payload);
      await queue.drain();
      expect(await queue.getJob(id)).not.toHaveProperty("expiresAt");
      await clock.advance("1d");
      expect(await queue.drain()).toMatchObject({ completed: 1, expired: 0 });
      expect(ran).toEqual([payload, payload]);
    });

    test("does not concern a dead job that is retried", async () => {
      const { clock, ran, brief, queue } = setUp(kind);
      const { id } = await queue.enqueue(brief, "fails", { maxRetries: 0 });
      await queue.drain();
      await queue.retryFromDeadLetter(id, { payload: "again" });
      await clock.advance("1d");
      expect(await queue.drain()).toMatchObject({ completed: 1, expired: 0 });
      expect(ran).toEqual(["fails", "again"]);
    });

    test("of a definition holds for all of its jobs, unless enqueue sets another", async () => {
      const { clock, ran, brief, queue } = setUp(kind);
      await queue.enqueue(brief, 1);
      await queue.enqueue(brief, 2, { expires: "2h" });
      await clock.advance("1h");
      expect(await queue.drain()).toMatchObject({ completed: 1, expired: 1 });
      expect(ran).toEqual([2]);
    });

    test("is what the newest call says of a job that it replaces", async () => {
      const { clock, ran, work, queue } = setUp(kind);
      const dedupe = { key: "shop-7", ttl: "1d", replace: true } as const;
      const { id } = await queue.enqueue(work, 1, { dedupe, expires: "1m" });
      expect(await queue.enqueue(work, 2, { dedupe, expires: "2h" })).toMatchObject({ id, status: "replaced" });
      await clock.advance("1h");
      expect(await queue.drain()).toMatchObject({ completed: 1, expired: 0 });
      expect(ran).toEqual([2]);
    });

    test.each(["allow", "skip"] as const)(
      "drops the occurrence of a schedule that no drain has found in time, with overlap %s",
      async (overlap) => {
        const { clock, ran, queue } = setUp(kind);
        const schedule = { job: "work", payload: "beat", cron: "0 * * * *", expires: "10m", overlap } as const;
        await queue.schedules.upsert("beat", schedule);
        await clock.advance(3_600_000 + 300_000);
        expect(await queue.drain()).toMatchObject({ completed: 1, expired: 0 });
        await clock.advance(2 * 3_600_000 + 1_800_000);
        expect(await queue.drain()).toMatchObject({ completed: 0, expired: 1 });
        await clock.advance(1_800_000);
        expect(await queue.drain()).toMatchObject({ completed: 1, expired: 0 });
        expect(ran).toEqual(["beat", "beat"]);
      },
    );
  });
});
