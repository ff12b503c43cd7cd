import { describe, expect, test } from "vitest";
import { defineJob, Queue } from "../../src/index.ts";
import { drainAll, testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { onEachKindOfStore } from "../support/stores.ts";
import { openSchedules } from "./open-queue.ts";

const minute = 60_000;

onEachKindOfStore((kind) => {
  test.each(["resumed", "stored with another expression"])(
    "an occurrence fired by an invocation with a fast clock does not fire again when its schedule is %s",
    async (how) => {
      const clock = testClock("2026-03-01T12:59:58.500Z");
      const store = clock.watch(kind.create());
      const ran: string[] = [];
      const beat = defineJob({ name: "beat", perform: (_: unknown, job) => void ran.push(job.id) });
      const queue = new Queue({ store, clock, jobs: [beat] });
      const ahead = new Queue({ store, clock: () => clock.now + 2_000, jobs: [beat] });
      await queue.schedules.upsert("beat", { job: beat, cron: "0 13 * * *" });
      await ahead.drain();
      if (how === "resumed") {
        await queue.schedules.pause("beat");
        await queue.schedules.resume("beat");
      } else await queue.schedules.upsert("beat", { job: beat, cron: "0 13,14 * * *" });
      await clock.advance("5s");
      await drainAll(queue);
      expect(ran).toEqual(["beat@2026-03-01T13:00:00.000Z"]);
    },
  );

  describe("missed occurrences", () => {
    test("once: one job for all, with the time of the latest", async () => {
      const { clock, slots, beat, open } = openSchedules(kind);
      const queue = open(beat({ cron: "0 * * * * *" }));
      await queue.drain();
      await clock.advance("90s");
      await clock.advance("1h");
      expect(await drainAll(queue)).toMatchObject({
        completed: 1,
        rearmed: 1,
        nextRunAt: new Date(start + 62 * minute),
      });
      expect(slots).toEqual(["13:01:00"]);
    });

    test("all: one job for each, in order", async () => {
      const { clock, slots, beat, open } = openSchedules(kind);
      const queue = open(beat({ cron: "0 */10 * * * *", missed: "all" }));
      await queue.drain();
      await clock.advance("45m");
      await drainAll(queue, { concurrency: 1 });
      expect(slots).toEqual(["12:10:00", "12:20:00", "12:30:00", "12:40:00"]);
    });

    test("all: catches up on more occurrences than one firing takes", async () => {
      const { clock, slots, beat, open } = openSchedules(kind);
      const queue = open(beat({ cron: "* * * * * *", missed: "all" }));
      await queue.drain();
      await clock.advance("250s");
      await drainAll(queue);
      expect(new Set(slots).size).toBe(250);
      expect(slots).toHaveLength(250);
    });

    test("skip: no job for what was missed, and the next one on time", async () => {
      const { clock, slots, beat, open } = openSchedules(kind);
      const queue = open(beat({ cron: "0 0 * * * *", missed: "skip" }));
      await queue.drain();
      await clock.advance("90m");
      expect(await drainAll(queue)).toMatchObject({
        claimed: 0,
        rearmed: 1,
        nextRunAt: new Date(start + 120 * minute),
      });
      await clock.advance("31m");
      await drainAll(queue);
      expect(slots).toEqual(["14:00:00"]);
    });

    test("a queue that was idle for a year fires at once", async () => {
      const { clock, slots, beat, open } = openSchedules(kind);
      const queue = open(beat({ cron: "* * * * * *" }));
      await queue.drain();
      await clock.advance("365d");
      expect(await queue.drain()).toMatchObject({ completed: 1 });
      expect(slots).toEqual(["12:00:00"]);
    });
  });

  test("a recurring job takes a payload that one firing has room for, and refuses a larger one", async () => {
    const { clock, open } = openSchedules(kind);
    const sizes: number[] = [];
    const job = defineJob({ name: "job", perform: (text: string) => void sizes.push(text.length) });
    const queue = open(job);
    const upsert = (payload: string) => queue.schedules.upsert("large", { job, cron: "* * * * *", payload });
    const largest = '"'.repeat(512 * 1024 - 1);
    await expect(upsert(`${largest}"`)).rejects.toMatchObject({ code: "payload_too_large" });
    expect(await queue.schedules.list()).toEqual([]);
    const declared = { ...job, schedule: { cron: "* * * * *" }, schedulePayload: `${largest}"` };
    expect(() => open(declared)).toThrow(/The payload is larger than 1 MiB/);
    await upsert(largest);
    await clock.advance("1m");
    expect(await queue.drain()).toMatchObject({ rearmed: 1, completed: 1 });
    expect(sizes).toEqual([largest.length]);
  });

  test("overlap skip makes no job while the last one is not finished", async () => {
    const clock = testClock(start);
    let runs = 0;
    const slow = defineJob({
      name: "slow",
      timeout: "10m",
      schedule: { cron: "0 * * * * *", overlap: "skip" },
      perform: async (_: undefined, job) => {
        runs++;
        await clock.sleep(150_000, job.signal);
      },
    });
    const store = clock.watch(kind.create());
    const queue = new Queue({ store, clock, jobs: [slow] });
    await queue.drain();
    await clock.advance("1m");
    const first = queue.drain();
    await clock.advance("1m");
    const other = new Queue({ store, clock, jobs: [slow] });
    expect(await other.drain()).toMatchObject({ claimed: 0, rearmed: 1 });
    await clock.advance("1m");
    expect(await other.drain()).toMatchObject({ claimed: 0, rearmed: 1 });
    await clock.advance("1m");
    expect(await first).toMatchObject({ completed: 1 });
    const second = other.drain();
    await clock.advance("3m");
    expect(await second).toMatchObject({ claimed: 1, completed: 1 });
    expect(runs).toBe(2);
  });

  describe("schedules made at run time", () => {
    test("enqueue with cron makes one under the job's name", async () => {
      const { clock, slots, beat, open } = openSchedules(kind);
      const job = beat();
      const queue = open(job);
      expect(await queue.enqueue(job, undefined, { cron: "0 30 12 * * *" })).toEqual({
        id: "beat",
        status: "enqueued",
        runAt: new Date(start + 30 * minute),
      });
      expect(await queue.enqueue(job, undefined, { cron: "0 30 12 * * *" })).toMatchObject({
        id: "beat",
        status: "duplicate",
      });
      await clock.advance("30m");
      await drainAll(queue);
      expect(slots).toEqual(["12:30:00"]);
      expect(await queue.schedules.get("beat")).toMatchObject({
        lastRunAt: new Date(start + 30 * minute),
        nextRunAt: new Date(start + 24 * 60 * minute + 30 * minute),
      });
    });

    test("a new time zone moves the next occurrence, and the same zone and expression keep it", async () => {
      const { clock, beat, open } = openSchedules(kind);
      const { schedules } = open(beat());
      const noon = { job: "beat", cron: "0 30 12 * * *" };
      const nextRunAt = new Date(start + 30 * minute);
      expect(await schedules.upsert("noon", noon)).toMatchObject({ nextRunAt });
      await clock.advance("1h");
      expect(await schedules.upsert("noon", { ...noon, missed: "all" })).toMatchObject({ nextRunAt, missed: "all" });
      expect(await schedules.upsert("noon", { ...noon, timeZone: "America/New_York" })).toMatchObject({
        nextRunAt: new Date(start + 330 * minute),
      });
    });

    test("preview lists the next occurrences, in the zone of the schedule", async () => {
      const { beat, open } = openSchedules(kind);
      const queue = open(beat());
      await queue.schedules.upsert("report", { job: "beat", cron: "0 30 2 * * *", timeZone: "Europe/Paris" });
      const slots = await queue.schedules.preview("report", 30);
      expect(slots.at(0)).toEqual(new Date("2026-03-02T01:30:00Z"));
      expect(slots.at(27)).toEqual(new Date("2026-03-29T01:30:00Z"));
      expect(slots.at(28)).toEqual(new Date("2026-03-30T00:30:00Z"));
    });

    test("an invalid schedule is refused and changes nothing", async () => {
      const { beat, open } = openSchedules(kind);
      const queue = open(beat());
      await queue.schedules.upsert("mine", { job: "beat", cron: "0 0 9 * * *" });
      for (const schedule of [
        { cron: "0 0 25 * * *" },
        { cron: "" },
        { cron: "* * * *" },
        { cron: "0 0 9 * * *", timeZone: "Mars/Olympus" },
      ]) {
        await expect(queue.schedules.upsert("mine", { job: "beat", ...schedule })).rejects.toMatchObject({
          code: "invalid_request",
        });
      }
      expect(await queue.schedules.list()).toMatchObject([{ key: "mine", cron: "0 0 9 * * *" }]);
      await expect(queue.schedules.remove("others")).rejects.toMatchObject({ code: "not_found" });
      await queue.schedules.remove("mine");
      expect(await queue.schedules.list()).toEqual([]);
      expect(await queue.drain()).toMatchObject({ nextRunAt: null });
    });
  });

  describe("by hand, a schedule", () => {
    test("stays paused through a deployment that declares it, and resumes with the next occurrence from then", async () => {
      const { clock, slots, beat, open } = openSchedules(kind);
      const queue = open(beat({ cron: "0 * * * * *", missed: "all" }));
      await queue.drain();
      expect(await queue.schedules.pause("beat")).toMatchObject({ paused: true, nextRunAt: null });
      await clock.advance("10m");
      expect(await queue.drain()).toMatchObject({ claimed: 0, nextRunAt: null });
      const none = { scheduledCount: 0, readyCount: 0, runningCount: 0, nextRunAt: null };
      expect(await queue.getStats()).toMatchObject(none);
      const changed = open(beat({ cron: "30 * * * * *" }));
      await changed.drain();
      expect(await changed.schedules.list()).toMatchObject([{ cron: "30 * * * * *", paused: true, nextRunAt: null }]);
      expect(await changed.schedules.preview("beat")).toEqual([]);
      expect(await changed.schedules.resume("beat")).toMatchObject({
        paused: false,
        nextRunAt: new Date(start + 10 * minute + 30_000),
      });
      await clock.advance("30s");
      await changed.drain();
      expect(slots).toEqual(["12:10:30"]);
    });

    test("keeps its next occurrence if it is resumed without a pause", async () => {
      const { clock, beat, open } = openSchedules(kind);
      const queue = open(beat({ cron: "0 * * * * *" }));
      await queue.drain();
      await clock.advance("90s");
      expect(await queue.schedules.resume("beat")).toMatchObject({ nextRunAt: new Date(start + minute) });
    });

    test("runs now, with its payload and its options, and keeps its occurrences", async () => {
      const { beat, open } = openSchedules(kind);
      const queue = open(beat());
      const { nextRunAt } = await queue.schedules.upsert("mine", {
        job: "beat",
        cron: "@daily",
        payload: { all: true },
        maxRetries: 7,
      });
      const { id, status } = await queue.schedules.run("mine");
      expect({ id, status }).toEqual({ id: "mine@2026-03-01T12:00:00.000Z", status: "enqueued" });
      expect(await queue.getJob(id)).toMatchObject({
        name: "beat",
        state: "ready",
        payload: { all: true },
        maxRetries: 7,
        schedule: { key: "mine", occurrence: new Date(start) },
      });
      expect(await queue.schedules.run("mine")).toMatchObject({ id, status: "duplicate" });
      expect(await queue.drain()).toMatchObject({ completed: 1 });
      expect(await queue.schedules.get("mine")).toMatchObject({ nextRunAt, lastRunAt: null });
    });

    test("is named in the error if it does not exist", async () => {
      const { beat, open } = openSchedules(kind);
      const { schedules } = open(beat());
      for (const call of [schedules.pause("x"), schedules.resume("x"), schedules.run("x")])
        await expect(call).rejects.toMatchObject({ code: "not_found", message: expect.stringContaining('"x"') });
    });
  });
});
