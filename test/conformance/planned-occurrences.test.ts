import { describe, expect, test } from "vitest";
import { occurrenceJobId } from "../../src/core/store/occurrence-id.ts";
import type { SchedulePlan } from "../../src/core/store/schedules.ts";
import type { ExchangeReply, Outcome, QueueStore } from "../../src/core/store/store.ts";
import { drainAll } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { onEachKindOfStore, onEveryStore } from "../support/stores.ts";
import { openQueue, openSchedules } from "./open-queue.ts";

const minute = 60_000;
const jobRecord = ['1:{"enqueuedAt":', ',"occurrence":{"at":', "}}"] as const;

/** A schedule stored with a plan that begins at `next`, and what a claim at `now` brings. */
async function claim(store: QueueStore, now: number, plan: Partial<SchedulePlan>, firesDeclared = false) {
  const whole = { times: [now, now + minute], jobRecord, makesEach: false, isDeclared: false, ...plan };
  const [next = now] = whole.times;
  await store.changeSchedules({ put: [{ key: "beat", record: "1:{}", next, plan: whole }] });
  return exchange(store, now, [], firesDeclared);
}

function exchange(store: QueueStore, now: number, settle: readonly Outcome[] = [], firesDeclared = false) {
  const claim = { limit: 10, leaseMs: minute, firesDeclared };
  return store.exchange({ now, settle, fire: [], claim, retentionMs: minute });
}

const firedIn = ({ jobs, schedules }: ExchangeReply) => ({
  jobs: jobs.map(({ lease }) => lease.id),
  schedules: schedules.map(({ key }) => key),
});

onEveryStore((kind) => {
  describe("the exchange that finds a schedule due", () => {
    const open = () => kind.create().open("default");

    test("makes its job, leases it, and moves the schedule on", async () => {
      const store = open();
      const reply = await claim(store, start, {});
      const id = occurrenceJobId("beat", start);
      expect(reply).toMatchObject({
        jobs: [{ lease: { id, claims: 1, endsAt: start + minute }, dueAt: start, isFired: true }],
        schedules: [],
        nextAt: start + minute,
      });
      expect(reply.jobs[0]?.record).toBe(`1:{"enqueuedAt":${start},"occurrence":{"at":${start}}}`);
      expect((await store.listSchedules("beat"))[0]).toMatchObject({ next: start + minute, record: "1:{}" });
      expect(await store.find(id, start)).toMatchObject({ state: "running", at: start + minute });
      expect(await store.stats(start)).toMatchObject({ running: 1, enqueued: 1 });
    });

    test("makes the job of the latest of several occurrences", async () => {
      const times = [-2, -1, 0, 1].map((minutes) => start + minutes * minute + 1_000);
      expect(firedIn(await claim(open(), start, { times }))).toEqual({
        jobs: [occurrenceJobId("beat", start - minute + 1_000)],
        schedules: [],
      });
    });

    test.each<[string, Partial<SchedulePlan>]>([
      ["of which no later occurrence is known", { times: [start - minute, start] }],
      ["of which each missed occurrence makes a job", { times: [start - 1, start, start + 1], makesEach: true }],
      ["that is found too late", { times: [start - 2_000, start + 1], latestMs: 1_999 }],
      ["that code declares, which is not known to be this one", { isDeclared: true }],
    ])("hands out a schedule %s", async (_, plan) => {
      const store = open();
      const reply = await claim(store, start, plan);
      expect(firedIn(reply)).toEqual({ jobs: [], schedules: ["beat"] });
      expect(reply.schedules[0]).toMatchObject({ occurrence: plan.times?.[0] ?? start, plan });
    });

    test.each<[string, Partial<SchedulePlan>]>([
      ["of which each missed occurrence makes a job, and none was missed", { makesEach: true }],
      ["that is found in time", { times: [start - 2_000, start + 1], latestMs: 2_000 }],
      ["that this code declares", { isDeclared: true }],
    ])("fires a schedule %s", async (_, plan) => {
      const reply = await claim(open(), start, plan, true);
      expect(firedIn(reply)).toEqual({ jobs: [occurrenceJobId("beat", plan.times?.[0] ?? start)], schedules: [] });
    });

    test("returns a schedule whose job exists, whether it waits or runs", async () => {
      const store = open();
      const waiting = { id: occurrenceJobId("beat", start), isFreshId: false, runAt: start + minute, record: "1:{}" };
      await store.enqueue([waiting], start);
      expect(firedIn(await claim(store, start, {}))).toEqual({ jobs: [], schedules: ["beat"] });
      await store.changeSchedules({ remove: ["beat"] });
      const times = [start + 1_000, start + minute];
      expect(firedIn(await claim(store, start + 1_000, { times })).jobs).toHaveLength(1);
      await store.changeSchedules({ remove: ["beat"] });
      expect(firedIn(await claim(store, start + 1_000, { times }))).toEqual({ jobs: [], schedules: ["beat"] });
    });

    test("gives the job the same id as other invocations, on any day", async () => {
      const days = [
        "1999-12-31T23:59:59",
        "2027-03-01",
        "2028-02-28",
        "2028-02-29",
        "2028-03-01",
        "2096-12-31",
        "2100-02-28",
        "2100-03-01",
      ];
      for (const day of days) {
        const now = Date.parse(`${day.slice(0, 10)}T${day.slice(11) || "07:08:09"}.010Z`);
        expect(firedIn(await claim(open(), now, {})).jobs, day).toEqual([occurrenceJobId("beat", now)]);
      }
    });

    test.each<Outcome["to"]>(["completed", "dead", "expired"])(
      "makes its job anew as it settles one that is %s",
      async (to) => {
        const store = open();
        const [first] = (await claim(store, start, {})).jobs;
        if (!first) throw new Error("The schedule has not fired.");
        await store.changeSchedules({ remove: ["beat"] });
        const plan: SchedulePlan = { times: [start, start + minute], jobRecord, makesEach: false, isDeclared: false };
        await store.changeSchedules({ put: [{ key: "beat", record: "1:{}", next: start, plan }] });
        const outcome = { to, lease: first.lease, at: start, record: "1:{}" } as Outcome;
        const request = { now: start, settle: [outcome], fire: [], retentionMs: 0 };
        const reply = await store.exchange({ ...request, claim: { limit: 10, leaseMs: minute } });
        expect(firedIn(reply)).toEqual({ jobs: [first.lease.id], schedules: [] });
        const again = await exchange(store, start + 2 * minute);
        expect(firedIn(again).jobs).toContain(first.lease.id);
      },
    );

    test("protects its job from a late outcome of an earlier job of that occurrence", async () => {
      const store = open();
      const [first] = (await claim(store, start, {})).jobs;
      const [again] = (await exchange(store, start + 2 * minute)).jobs.filter(({ isFired }) => !isFired);
      if (!first || !again) throw new Error("Both claims have it.");
      const settled = (lease = again.lease): Outcome => ({ to: "completed", lease, record: "1:done" });
      await exchange(store, start + 2 * minute, [settled()]);
      await store.changeSchedules({ remove: ["beat"] });
      const [second] = (await claim(store, start + 2 * minute, { times: [start, start + 9 * minute] })).jobs;
      if (!second) throw new Error("The occurrence is fired again.");
      const settle = (lease = second.lease) =>
        store.settle({ now: start + 2 * minute, settle: [settled(lease)], retentionMs: minute });
      expect(await settle(first.lease)).toMatchObject({ settled: [false] });
      expect(await settle()).toMatchObject({ settled: [true] });
      expect(await store.stats(start + 2 * minute)).toMatchObject({
        running: 0,
        totals: { processed: 2 },
        enqueued: 2,
      });
    });
  });
});

onEachKindOfStore((kind) => {
  describe("a schedule whose occurrences are planned", () => {
    test("makes one job for each, even after the planned ones are over", async () => {
      const { clock, slots, beat, open } = openSchedules(kind);
      const queue = open(beat({ cron: "* * * * *" }));
      await queue.drain();
      for (let passed = 0; passed < 130; passed++) {
        await clock.advance("1m");
        await queue.drain();
      }
      expect(new Set(slots).size).toBe(130);
      expect(slots).toHaveLength(130);
    });

    test("shows when it last fired, and keeps that when it is changed", async () => {
      const { clock, beat, open } = openSchedules(kind);
      const queue = open(beat());
      await queue.schedules.upsert("mine", { job: "beat", cron: "* * * * *" });
      expect(await queue.schedules.get("mine")).toMatchObject({ lastRunAt: null, lastJobId: null });
      await clock.advance("2m");
      await queue.drain();
      const lastRunAt = new Date(start + 2 * minute);
      const last = { lastRunAt, lastJobId: `mine@${lastRunAt.toISOString()}` };
      expect(await queue.schedules.get("mine")).toMatchObject({ ...last, nextRunAt: new Date(start + 3 * minute) });
      expect(await queue.schedules.upsert("mine", { job: "beat", cron: "0 9 * * *" })).toMatchObject(last);
      expect(await queue.schedules.pause("mine")).toMatchObject(last);
    });

    test("makes jobs from its latest change", async () => {
      const { queue, clock } = openQueue(kind);
      const upsert = (payload: string) => queue.schedules.upsert("mine", { job: "note", payload, cron: "* * * * *" });
      await upsert("before");
      await clock.advance("1m");
      await queue.drain();
      await upsert("after");
      await clock.advance("1m");
      await queue.drain();
      const jobs = await Promise.all(
        [1, 2].map((minutes) => queue.getJob(occurrenceJobId("mine", start + minutes * minute))),
      );
      expect(jobs.map((job) => job?.payload)).toEqual(["before", "after"]);
    });

    test("follows its clock: no hour is skipped or doubled, and a time in a gap fires after it", async () => {
      const { clock, beat, open } = openSchedules(kind);
      const ran: string[] = [];
      const queue = open({ ...beat(), perform: (_: unknown, { id }) => void ran.push(id.slice(0, -8)) });
      const timeZone = "Europe/Paris";
      await clock.advance(Date.parse("2026-03-28T23:30:00Z") - clock.now);
      await queue.schedules.upsert("hourly", { job: "beat", cron: "0 * * * *", timeZone });
      await queue.schedules.upsert("nightly", { job: "beat", cron: "30 2 * * *", timeZone });
      for (let passed = 0; passed < 6; passed++) {
        await clock.advance("30m");
        await drainAll(queue);
      }
      expect(ran.sort()).toEqual([
        "hourly@2026-03-29T00:00",
        "hourly@2026-03-29T01:00",
        "hourly@2026-03-29T02:00",
        "nightly@2026-03-29T01:30",
      ]);
    });

    test("does not fire while the queue is paused, and counts against maxJobs", async () => {
      const { clock, slots, beat, open } = openSchedules(kind);
      const queue = open(beat());
      for (const key of ["one", "two"]) await queue.schedules.upsert(key, { job: "beat", cron: "* * * * *" });
      await clock.advance("1m");
      await queue.pause();
      expect(await queue.drain()).toMatchObject({ claimed: 0, rearmed: 0, stoppedBy: "paused" });
      await queue.resume();
      expect(await queue.drain({ maxJobs: 1 })).toMatchObject({ claimed: 1, rearmed: 1, stoppedBy: "maxJobs" });
      expect(slots).toHaveLength(1);
    });
  });
});
