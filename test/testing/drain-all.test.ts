import { describe, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { defineJob, memoryStore, PermanentError, Queue } from "../../src/index.ts";
import { drainAll, expectEnqueued, testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { onEachKindOfStore } from "../support/stores.ts";

const fails = defineJob({
  name: "fails",
  perform() {
    throw new Error("no luck");
  },
});
const countDown = defineJob({
  name: "count_down",
  perform: async (left: number, job) => {
    if (left > 0) await queues.get(job.queue)?.enqueue(countDown, left - 1);
  },
});
const queues = new Map<string, Queue>();

onEachKindOfStore((kind) => {
  test("drains jobs that jobs enqueue, and leaves what is not due", async () => {
    const queue = new Queue({ name: "nested", store: kind.create(), clock: testClock(start), jobs: [countDown] });
    queues.set("nested", queue);
    await queue.enqueue(countDown, 60);
    await queue.enqueue(countDown, 0, { delay: "1m" });
    expect(await drainAll(queue)).toMatchObject({
      claimed: 61,
      completed: 61,
      stoppedBy: "empty",
      backlog: false,
      nextRunAt: new Date(start + 60_000),
    });
  });

  describe("jobs that wait for others", () => {
    const row = defineJob({
      name: "row",
      maxRetries: 0,
      perform({ fails = false }: { fails?: boolean }) {
        if (fails) throw new PermanentError("no luck");
      },
    });
    const report = defineJob({ name: "report", perform: () => {} });
    const open = () => {
      const clock = testClock(start);
      const queue = new Queue({ store: kind.create(), clock, jobs: [row, report], logger: null });
      return { clock, queue };
    };
    const failing = { job: row, payload: { fails: true } };

    test("end the drain where a dead child holds them, alone or together, and run once it is retried", async () => {
      const { clock, queue } = open();
      const waitFor = "completed";
      const inner = { job: report, payload: undefined, waitFor, children: [failing] } as const;
      const { id } = await queue.enqueue(report, undefined, { children: [inner] });
      await queue.enqueue(report, undefined, { waitFor, children: [failing, { ...failing, delay: "3h" }] });
      expect(await drainAll(queue, { clock })).toMatchObject({ claimed: 3, deadLettered: 3, stoppedBy: "empty" });
      expect(clock.now).toBe(start + 3 * 3_600_000);
      expect(await queue.getJob(id)).toMatchObject({ state: "scheduled", children: { pending: 1 } });
      await queue.retryFromDeadLetter({ all: true }, { payload: {} });
      expect(await drainAll(queue, { clock })).toMatchObject({ completed: 6 });
    });

    test("run later, if they were delayed", async () => {
      const { clock, queue } = open();
      await queue.enqueue(report, undefined, { delay: "2h", children: [{ job: row, payload: {} }] });
      expect(await drainAll(queue, { clock })).toMatchObject({ completed: 2 });
    });
  });

  test("a week of a daily schedule makes seven jobs, each claimed once", async () => {
    const clock = testClock(start);
    const daily = defineJob({ name: "daily", schedule: { cron: "@daily" }, perform() {} });
    const queue = new Queue({ store: kind.create(), clock, jobs: [daily] });
    await queue.drain();
    const totals = { claimed: 0, completed: 0 };
    for (let day = 0; day < 7; day++) {
      await clock.advance("24h");
      const { claimed, completed } = await drainAll(queue);
      totals.claimed += claimed;
      totals.completed += completed;
    }
    expect(totals).toEqual({ claimed: 7, completed: 7 });
  });

  test("with a clock plays out delays and retries", async () => {
    const clock = testClock(start);
    const queue = new Queue({ store: kind.create(), clock, random: () => 0.5, jobs: [fails] });
    await queue.enqueue(fails, undefined, { delay: "1h" });
    const report = await drainAll(queue, { clock });
    expect(report).toMatchObject({ claimed: 4, retried: 3, deadLettered: 1, nextRunAt: null });
    expect(clock.now).toBe(start + 3_600_000 + (60 + 120 + 240) * 1_000);
  });
});

describe("drainAll", () => {
  const setUp = (jobs: ConstructorParameters<typeof Queue>[0]["jobs"]) => {
    const clock = testClock(start);
    return { clock, queue: new Queue({ store: memoryStore(), clock, jobs: jobs ?? [] }) };
  };
  const beat = defineJob({ name: "beat", schedule: { cron: "0 * * * * *" }, perform: () => {} });

  const asks = defineJob({
    name: "asks",
    async perform(user: number, job) {
      await job.sleep("3d");
      const reply = await job.waitFor<{ text: string }>(`reply-${user}`, { timeout: "7d" });
      return reply?.text ?? "no reply";
    },
  });

  test("with a clock ends sleeps, and lets waits time out", async () => {
    const { clock, queue } = setUp([asks]);
    const { id } = await queue.enqueue(asks, 42);
    expect(await drainAll(queue, { clock })).toMatchObject({ snoozed: 2, completed: 1, nextRunAt: null });
    expect(await queue.getJob(asks, id)).toMatchObject({ result: "no reply" });
    expect(clock.now).toBe(start + 10 * 86_400_000);
  });

  test("leaves a job that waits beyond the given time, and goes on after its signal", async () => {
    const { clock, queue } = setUp([asks]);
    const { id } = await queue.enqueue(asks, 42);
    const nextRunAt = new Date(start + 10 * 86_400_000);
    expect(await drainAll(queue, { clock, until: "4d" })).toMatchObject({ snoozed: 2, completed: 0, nextRunAt });
    await expectEnqueued(queue, asks, { waitingFor: { events: ["reply-42"], until: nextRunAt } });
    expect(await queue.signal("reply-42", { text: "Fine." })).toEqual({ woken: 1, kept: false });
    expect(await drainAll(queue, { clock })).toMatchObject({ completed: 1 });
    expect(await queue.getJob(asks, id)).toMatchObject({ result: "Fine." });
    expect(clock.now).toBe(start + 4 * 86_400_000);
  });

  test("gives a job a signal that came before", async () => {
    const { clock, queue } = setUp([asks]);
    expect(await queue.signal("reply-42", { text: "Early." })).toEqual({ woken: 0, kept: true });
    const { id } = await queue.enqueue(asks, 42);
    await drainAll(queue, { clock });
    expect(await queue.getJob(asks, id)).toMatchObject({ result: "Early." });
    expect(clock.now).toBe(start + 3 * 86_400_000);
  });

  test("reports a job that waits forever", async () => {
    const listens = defineJob({
      name: "listens",
      async perform(_: undefined, job) {
        while ((await job.waitFor("stop", { timeout: "1d" })) === null);
      },
    });
    const { clock, queue } = setUp([listens]);
    await queue.enqueue(listens);
    await expect(drainAll(queue, { clock, maxJobs: 50 })).rejects.toThrow("or wait again after each timeout?");
  });

  test("stops the clock at the given time", async () => {
    const { clock, queue } = setUp([beat]);
    expect(await drainAll(queue, { clock, until: "10m" })).toMatchObject({ completed: 10, rearmed: 10 });
    expect(clock.now).toBe(start + 600_000);
    expect(await drainAll(queue, { clock, until: new Date(start + 630_000) })).toMatchObject({ completed: 0 });
    expect(clock.now).toBe(start + 630_000);
  });

  test("refuses to follow a schedule forever", async () => {
    const { clock, queue } = setUp([beat]);
    await expect(drainAll(queue, { clock })).rejects.toThrow('schedule "beat"');
    await expect(drainAll(queue, { until: "1h" })).rejects.toThrow("pass clock together with until");
    await expect(drainAll(queue, { clock, until: 60_000 })).rejects.toThrow("until is before the clock's time");
  });

  test("reports jobs that never end", async () => {
    const again = defineJob({ name: "again", perform: (_: undefined, job) => job.snooze(0) });
    const { queue } = setUp([again]);
    await queue.enqueue(again);
    await expect(drainAll(queue, { maxJobs: 50 })).rejects.toThrow("has claimed more than 50 jobs");
  });

  test("ends at maxJobs", async () => {
    const once = defineJob({ name: "once", perform: () => {} });
    const { queue } = setUp([once]);
    await queue.enqueueMany([{ job: once }, { job: once }]);
    expect(await drainAll(queue, { maxJobs: 2 })).toMatchObject({ completed: 2 });
  });

  test("takes over the jobs of a dead invocation when their leases expire", async () => {
    const never = defineJob({
      name: "never",
      perform() {
        throw new PermanentError("never");
      },
    });
    const { clock, queue } = setUp([never]);
    const { held } = await internalsOf(queue).enqueueHeld([{ job: never }]);
    expect(held).toHaveLength(1);
    expect(await drainAll(queue)).toMatchObject({ claimed: 0 });
    expect(await drainAll(queue, { clock })).toMatchObject({ deadLettered: 1 });
  });

  test("leaves a paused queue as it is", async () => {
    const { clock, queue } = setUp([fails]);
    await queue.enqueue(fails);
    await queue.pause();
    expect(await drainAll(queue, { clock })).toMatchObject({ claimed: 0, stoppedBy: "paused" });
  });
});

test("a clock other than the queue's is refused, even one that only runs apart", async () => {
  const clock = testClock(start);
  const queue = new Queue({ store: memoryStore(), jobs: [countDown] });
  await queue.enqueue(countDown, 0, { delay: "1d" });
  await expect(drainAll(queue, { clock })).rejects.toThrow(
    /a clock that is not the queue's: it shows 2026-03-01T12:00:00.000Z, .* Pass the same clock to both, as in new Queue\(\{ clock \}\)/,
  );
  const twin = new Queue({ store: memoryStore(), jobs: [countDown], clock: testClock(start) });
  await expect(drainAll(twin, { clock, until: "1h" })).rejects.toMatchObject({ code: "invalid_request" });
});

test("an unknown option is refused", async () => {
  const queue = new Queue({ store: memoryStore(), jobs: [countDown] });
  await expect(drainAll(queue, { untli: "1h" } as object)).rejects.toThrow(/Unknown option "untli" in drainAll/);
});
