import { describe, expect, test } from "vitest";
import type { FlowLimits } from "../../src/core/store/flow.ts";
import type { QueueStore } from "../../src/core/store/store.ts";
import { defineJob, Queue } from "../../src/index.ts";
import { clockByHand, start } from "../support/clock.ts";
import { onEachKindOfStore, onEveryStore, type StoreKind } from "../support/stores.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const noLimits: FlowLimits = { concurrency: 0, rate: 0, periodMs: 0, ordered: false };

const job = (id: string, key: string | undefined, limits = noLimits, runAt = start) => ({
  ...{ id, isFreshId: false, runAt, record: "1:{}" },
  ...(key !== undefined && { flow: { key, limits } }),
});

async function claim(store: QueueStore, now: number, limit = 1): Promise<readonly string[]> {
  const request = { now, settle: [], fire: [], retentionMs: 0, claim: { limit, leaseMs: minute } };
  return (await store.exchange(request)).jobs.map(({ lease }) => lease.id);
}

const ids = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name}-${index}`);

onEveryStore((kind) => {
  const open = () => kind.create().open("default");

  describe("a key that a clock has served that is ahead", () => {
    test("is due by the other clock too, which takes as much of it", async () => {
      const store = open();
      await store.enqueue(
        ids("job", 20).map((id) => job(id, "k")),
        start,
      );
      for (let round = 0; round < 5; round++) {
        expect(await claim(store, start + round + second, 2)).toHaveLength(2);
        expect(await store.peek(start + round)).toMatchObject({ nextAt: start + round });
        expect(await claim(store, start + round, 2)).toHaveLength(2);
      }
    });

    test("keeps its rate for both clocks, also if they are further apart than its window is long", async () => {
      const store = open();
      const limits = { ...noLimits, rate: 5, periodMs: second };
      await store.enqueue(
        ids("job", 40).map((id) => job(id, "k", limits)),
        start,
      );
      const taken: string[] = [];
      for (let round = 0; round < 10; round++) {
        taken.push(...(await claim(store, start + 3 * second, 2)), ...(await claim(store, start, 2)));
      }
      expect(taken).toHaveLength(5);
    });

    test("takes turns with others by the other clock", async () => {
      const store = open();
      await store.enqueue(
        [...ids("a", 6), ...ids("b", 6)].map((id) => job(id, id.slice(0, 1))),
        start,
      );
      expect(await claim(store, start + day, 2)).toHaveLength(2);
      const taken: string[] = [];
      for (let round = 0; round < 8; round++) taken.push(...(await claim(store, start + 10 + round)));
      // Both go back to one moment, at which they stand by their names.
      expect(taken.map((id) => id.slice(0, 1)).join("")).toBe("aabababa");
    });

    test("is found behind jobs that are scheduled before that", async () => {
      const store = open();
      await store.enqueue(
        [...ids("job", 3).map((id) => job(id, "k")), job("later", undefined, noLimits, start + hour)],
        start,
      );
      await claim(store, start + day);
      expect(await store.peek(start)).toMatchObject({ nextAt: start });
      expect(await claim(store, start)).toHaveLength(1);
    });

    test("is brought back by whatever else is done with it", async () => {
      const store = open();
      await store.enqueue(
        ids("job", 3).map((id) => job(id, "k")),
        start,
      );
      await claim(store, start + day);
      await store.enqueue([job("next", "k", noLimits, start + 1)], start + 1);
      expect(await store.peek(start + 1)).toMatchObject({ nextAt: start + 1 });
      expect(await store.findFlow("k", start + 1)).toMatchObject({ waiting: 3 });
    });

    test("does not start before its window closes, which is a period from now at the latest", async () => {
      const store = open();
      const limits = { ...noLimits, rate: 1, periodMs: hour };
      await store.enqueue(
        ids("job", 3).map((id) => job(id, "k", limits)),
        start,
      );
      expect(await claim(store, start + day)).toHaveLength(1);
      expect(await store.findFlow("k", start)).toMatchObject({ startedInWindow: 1, windowEndsAt: start + hour });
      expect(await claim(store, start)).toEqual([]);
      expect(await store.peek(start)).toMatchObject({ nextAt: start + hour });
      expect(await claim(store, start + hour)).toHaveLength(1);
    });

    test("starts nothing that the limits forbid", async () => {
      const store = open();
      const limits = { ...noLimits, concurrency: 1 };
      await store.enqueue(
        ids("job", 3).map((id) => job(id, "k", limits)),
        start,
      );
      expect(await claim(store, start + day)).toHaveLength(1);
      expect(await claim(store, start)).toEqual([]);
      const ordered = { ...noLimits, ordered: true };
      await store.enqueue(
        ids("step", 3).map((id) => job(id, "o", ordered)),
        start,
      );
      expect(await claim(store, start + 2 * day)).toHaveLength(1);
      expect(await claim(store, start)).toEqual([]);
    });
  });
});

onEachKindOfStore((kind) => {
  describe("one drain by a clock that is a day ahead", () => {
    test("stops neither a key nor a schedule", async () => {
      const { clock, open, ran } = setUp(kind);
      const [right, wrong] = [open(0), open(day)];
      await right.drain();
      await right.enqueueMany(ids("job", 5).map((payload) => ({ job: "work", payload, flowControl: { key: "k" } })));
      await wrong.drain({ maxJobs: 3 });
      ran.splice(0);
      for (let minutes = 0; minutes < 60; minutes++) {
        clock.now += minute;
        await right.drain();
      }
      expect(await right.flowControl.get("k")).toBe(null);
      expect(ran.filter((each) => each === "beat").length).toBeGreaterThanOrEqual(59);
    });

    test("makes its last occurrence once, however often the schedule goes back", async () => {
      const { clock, open, ran } = setUp(kind, "0 0 * * * *");
      const [right, wrong] = [open(0), open(day)];
      await right.drain();
      await wrong.drain();
      expect(ran).toEqual(["beat"]);
      for (let round = 0; round < 5; round++) {
        clock.now += second;
        await right.drain();
        expect(await right.schedules.get("beat")).toMatchObject({ nextRunAt: new Date(start + hour) });
        await wrong.drain();
      }
      expect(ran).toEqual(["beat"]);
      await right.drain();
      clock.now = start + hour;
      await right.drain();
      expect(ran).toEqual(["beat", "beat"]);
      expect(await right.schedules.get("beat")).toMatchObject({ nextRunAt: new Date(start + 2 * hour) });
    });

    test("leaves a schedule where it is that has made each of its occurrences", async () => {
      const { open, ran } = setUp(kind, "0 0 * * * *", "all");
      const [right, wrong] = [open(0), open(2 * hour)];
      await right.drain();
      await wrong.drain();
      await right.drain();
      expect(ran).toEqual(["beat", "beat"]);
      expect(await right.schedules.get("beat")).toMatchObject({ nextRunAt: new Date(start + 3 * hour) });
    });

    test("does not keep a schedule from being changed to come before that", async () => {
      const { open } = setUp(kind);
      const [right, wrong] = [open(0), open(day)];
      await right.schedules.upsert("report", { job: "work", payload: "report", cron: "0 * * * * *" });
      await wrong.drain();
      const changed = { job: "work", payload: "report", cron: "0 30 * * * *" } as const;
      expect(await right.schedules.upsert("report", changed)).toMatchObject({
        nextRunAt: new Date(start + 30 * minute),
      });
    });
  });

  test("an occurrence that a clock has fired four minutes early is made once", async () => {
    const { clock, open, ran } = setUp(kind);
    const [right, ahead] = [open(0), open(4 * minute)];
    await right.drain();
    await ahead.drain();
    expect(ran).toEqual(["beat"]);
    for (let minutes = 0; minutes < 4; minutes++) {
      await right.drain();
      clock.now += minute;
    }
    expect(ran).toEqual(["beat"]);
    clock.now += minute;
    await right.drain();
    expect(ran).toEqual(["beat", "beat"]);
  });
});

function setUp(kind: StoreKind, cron = "0 * * * * *", missed: "once" | "all" = "once") {
  const clock = clockByHand(start);
  const store = kind.create();
  const ran: string[] = [];
  const work = defineJob({ name: "work", perform: (payload: string) => void ran.push(payload) });
  const beat = defineJob({ name: "beat", schedule: { cron, missed }, perform: () => void ran.push("beat") });
  const open = (ahead: number) =>
    new Queue({ store, jobs: [work, beat], clock: () => clock.now + ahead, logger: null });
  return { clock, ran, open };
}
