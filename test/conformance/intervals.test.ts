import { describe, expect, test } from "vitest";
import { defineJob, isTidegateError, type Schedule } from "../../src/index.ts";
import { drainAll } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { onMemoryAtLeast } from "../support/stores.ts";
import { openQueue, openSchedules } from "./open-queue.ts";

// `every`: a schedule that fires at each multiple of an interval since 1970.

const second = 1_000;
const reasonOf = (refused: Promise<unknown>) =>
  refused.then(
    () => "accepted",
    (error: unknown) => (isTidegateError(error) ? `${error.code}: ${error.message}` : String(error)),
  );

onMemoryAtLeast((kind) => {
  describe("a schedule with every", () => {
    test("fires at each multiple of its interval since 1970, whenever it was stored", async () => {
      const { clock, slots, beat, open } = openSchedules(kind);
      const queue = open(beat());
      await clock.advance("17s");
      expect(await queue.schedules.upsert("beat", { job: "beat", every: "90s" })).toMatchObject({
        ...{ cron: null, every: "90s", timeZone: "UTC" },
        nextRunAt: new Date(start + 90 * second),
      });
      expect(await queue.schedules.preview("beat", 3)).toEqual(
        [90, 180, 270].map((seconds) => new Date(start + seconds * second)),
      );
      await drainAll(queue, { clock, until: "6m" });
      expect(slots).toEqual(["12:01:30", "12:03:00", "12:04:30", "12:06:00"]);
      expect(await queue.schedules.get("beat")).toMatchObject({ lastRunAt: new Date(start + 360 * second) });
    });

    test("whose interval divides no day goes on through midnight", async () => {
      const { open } = openSchedules(kind);
      const queue = open(defineJob({ name: "beat", perform: () => {} }));
      await queue.schedules.upsert("beat", { job: "beat", every: "7h" });
      const [first, ...later] = await queue.schedules.preview("beat", 5);
      const hours = 7 * 3_600_000;
      expect(Number(first) % hours).toBe(0);
      expect(later.map((at, index) => Number(at) - Number(first) - (index + 1) * hours)).toEqual([0, 0, 0, 0]);
    });

    test("goes on after its planned occurrences, each one once", async () => {
      const { clock, slots, beat, open } = openSchedules(kind);
      const queue = open(beat({ every: "2s" }));
      await queue.drain();
      await drainAll(queue, { clock, until: "130s" });
      expect(slots).toHaveLength(65);
      expect(new Set(slots).size).toBe(65);
    });

    test("is declared in code, and changes with it", async () => {
      const { clock, beat, open } = openSchedules(kind);
      await open(beat({ cron: "0 9 * * *" })).drain();
      const queue = open(beat({ every: 90 * second }));
      await queue.drain();
      const shown = { key: "beat", every: "90s", cron: null, declared: true, nextRunAt: new Date(start + 90 * second) };
      expect(await queue.schedules.list()).toMatchObject([shown]);
      await clock.advance("1s");
      const same = open(beat({ every: "90s" }));
      await same.drain();
      expect(await same.schedules.list()).toMatchObject([shown]);
    });

    test.each<[Schedule, string[]]>([
      [{ every: "10m" }, ["12:40:00"]],
      [{ every: "10m", missed: "all" }, ["12:10:00", "12:20:00", "12:30:00", "12:40:00"]],
      [{ every: "10m", missed: "skip" }, ["12:40:00"]],
    ])("%j treats missed occurrences as one with cron does", async (schedule, ran) => {
      const { clock, slots, beat, open } = openSchedules(kind);
      const queue = open(beat(schedule));
      await queue.drain();
      await clock.advance("44m");
      await drainAll(queue, { concurrency: 1 });
      expect(slots).toEqual(ran);
    });

    test("can be paused and resumed, and made by enqueue", async () => {
      const { clock, slots, beat, open } = openSchedules(kind);
      const queue = open(beat());
      expect(await queue.enqueue("beat", undefined, { every: "90s" })).toEqual({
        ...{ id: "beat", status: "enqueued" },
        runAt: new Date(start + 90 * second),
      });
      await queue.schedules.pause("beat");
      await drainAll(queue, { clock, until: "10m" });
      expect(slots).toEqual([]);
      await queue.schedules.resume("beat");
      await drainAll(queue, { clock, until: "2m" });
      expect(slots).toEqual(["12:10:30", "12:12:00"]);
    });
  });

  test.each<[object, string]>([
    [{}, "A schedule needs either cron"],
    [{ cron: "* * * * *", every: "1m" }, "A schedule needs either cron"],
    [{ every: "1m", timeZone: "Europe/Paris" }, "timeZone is for cron"],
    [{ every: "999ms" }, "every must be at least a second"],
    [{ every: "soon" }, "every must be a duration"],
    [{ cron: "@every 90s" }, 'cron "@every 90s": there is no such alias'],
  ])("a schedule with %j is refused, and nothing is stored", async (rule, reason) => {
    const { queue } = openQueue(kind);
    const refused = await reasonOf(queue.schedules.upsert("beat", { job: "note", payload: 1, ...rule } as never));
    expect(refused).toContain(`invalid_request: ${reason}`);
    expect(await queue.schedules.list()).toEqual([]);
    const define = () => defineJob({ name: "beat", schedule: rule as Schedule, perform: () => {} });
    expect(define).toThrow(reason);
  });
});
