import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describe, expect, test, vi } from "vitest";
import { defineJob } from "../../src/index.ts";
import { drainAll } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { onEachKindOfStore } from "../support/stores.ts";
import { openSchedules } from "./open-queue.ts";

const minute = 60_000;

onEachKindOfStore((kind) => {
  describe("declared schedules", () => {
    test("are added, changed and removed with the code, and keep their next occurrence if they are unchanged", async () => {
      const { clock, beat, open } = openSchedules(kind);
      const other = defineJob({
        name: "other",
        schedule: { cron: "0 0 9 * * *", timeZone: "Europe/Paris" },
        perform: () => {},
      });
      await open(beat({ cron: "0 */10 * * * *" }), other).drain();
      await clock.advance("5m");
      const changed = open(beat({ cron: "0 */20 * * * *" }), other);
      await changed.drain();
      expect(await changed.schedules.list()).toMatchObject([
        { key: "beat", cron: "0 */20 * * * *", nextRunAt: new Date(start + 20 * minute), declared: true },
        { key: "other", nextRunAt: new Date("2026-03-02T08:00:00Z") },
      ]);
      const reduced = open(beat({ cron: "0 */20 * * * *" }));
      await reduced.drain();
      expect((await reduced.schedules.list()).map(({ key }) => key)).toEqual(["beat"]);
    });

    test("an older deployment that still runs does not undo a newer one, and a rollback takes effect later", async () => {
      const { clock, beat, open } = openSchedules(kind);
      const older = () => open(beat({ cron: "0 */10 * * * *" }));
      const newer = () => open(beat({ cron: "0 */20 * * * *" }));
      await older().drain();
      await newer().drain();
      await older().drain();
      expect(await newer().schedules.get("beat")).toMatchObject({ cron: "0 */20 * * * *" });
      await clock.advance("61m");
      await older().drain();
      expect(await newer().schedules.get("beat")).toMatchObject({ cron: "0 */10 * * * *" });
    });

    test("of a rollback take effect later, even in a process that stays, but not in one that ran before it", async () => {
      const { clock, beat, open } = openSchedules(kind);
      const older = () => open(beat({ cron: "0 */10 * * * *" }));
      const left = older();
      await left.drain();
      const newer = open(beat({ cron: "0 */20 * * * *" }));
      await newer.drain();
      const back = older();
      await back.drain();
      await clock.advance("61m");
      await left.drain();
      expect(await newer.schedules.get("beat")).toMatchObject({ cron: "0 */20 * * * *" });
      await back.drain();
      expect(await newer.schedules.get("beat")).toMatchObject({ cron: "0 */10 * * * *" });
    });

    test("do not fire once the code no longer declares them, however late that is found out", async () => {
      const { clock, slots, beat, open } = openSchedules(kind);
      await open(beat({ cron: "0 0 12 * * *" })).drain();
      const without = open(beat());
      for (let hour = 1; hour < 24; hour++) {
        await clock.advance("1h");
        await without.drain();
      }
      await clock.advance("2h");
      const { id } = await without.enqueue("beat");
      expect(await drainAll(without)).toMatchObject({ rearmed: 0, completed: 1 });
      expect(slots).toEqual([id.slice(id.indexOf("T") + 1, -5)]);
      expect(await without.schedules.list()).toEqual([]);
    });

    test("fire while older code without them still runs, end when it is rolled back to, and come back with the code", async () => {
      const { clock, slots, beat, open } = openSchedules(kind);
      const without = () => open(beat());
      await without().drain();
      await open(beat({ cron: "0 30 * * * *" })).drain();
      const back = without();
      await clock.advance("30m");
      await drainAll(back);
      expect(slots).toEqual(["12:30:00"]);
      await clock.advance("1h");
      await drainAll(back);
      await drainAll(without());
      expect(slots).toEqual(["12:30:00"]);
      await clock.advance("61m");
      await drainAll(open(beat({ cron: "0 30 * * * *" })));
      await clock.advance("1h");
      await drainAll(open(beat({ cron: "0 30 * * * *" })));
      expect(slots).toEqual(["12:30:00", "15:30:00"]);
    });

    test("leave a schedule alone that was set at run time under their key, say so, and take effect once it is removed", async () => {
      const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
      const { clock, beat, open } = openSchedules(kind);
      const other = defineJob({ name: "other", perform: (payload: unknown) => payload });
      const mine = { job: other, payload: { shop: 7 }, cron: "0 0 * * * *" };
      await open(other).schedules.upsert("beat", mine);
      const declaring = () => open(other, beat({ cron: "0 */20 * * * *" }));
      const queue = declaring();
      await queue.drain();
      await queue.drain();
      const { job, ...given } = mine;
      expect(await queue.schedules.get("beat")).toMatchObject({ ...given, name: job.name, declared: false });
      expect(warn.mock.calls).toEqual([[expect.stringMatching(/^tidegate: The schedule of job "beat" is not active/)]]);
      await clock.advance("2h");
      await open(other, defineJob({ name: "third", schedule: { cron: "@daily" }, perform: () => {} })).drain();
      expect(await queue.schedules.get("beat")).toMatchObject(given);
      await clock.advance("2h");
      await queue.schedules.remove("beat");
      await declaring().drain();
      expect(await queue.schedules.get("beat")).toMatchObject({ name: "beat", cron: "0 */20 * * * *", declared: true });
      warn.mockRestore();
    });

    test("do not come and go between two deployments while one of them is held back", async () => {
      const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
      const { beat, open } = openSchedules(kind);
      const other = (cron: string) => defineJob({ name: "other", schedule: { cron }, perform: () => {} });
      await open(beat()).schedules.upsert("beat", { job: "beat", cron: "0 0 9 * * *" });
      const older = () => open(beat({ cron: "@hourly" }), other("0 0 1 * * *"));
      const newer = () => open(beat({ cron: "@hourly" }), other("0 0 2 * * *"));
      for (const queue of [older(), newer(), older(), newer(), older()]) await queue.drain();
      expect(await newer().schedules.get("other")).toMatchObject({ cron: "0 0 2 * * *" });
      warn.mockRestore();
    });

    test("can be changed only in the code", async () => {
      const { beat, open } = openSchedules(kind);
      const queue = open(beat({ cron: "0 */10 * * * *" }));
      await queue.drain();
      const change = { job: "beat", cron: "@daily" };
      const refused = { code: "conflict", message: expect.stringMatching(/^The code declares the schedule "beat"/) };
      await expect(queue.schedules.upsert("beat", change)).rejects.toMatchObject(refused);
      await expect(queue.enqueue("beat", undefined, { cron: "@daily" })).rejects.toMatchObject(refused);
      await expect(open().schedules.upsert("beat", change)).rejects.toMatchObject(refused);
      expect(await queue.schedules.get("beat")).toMatchObject({ cron: "0 */10 * * * *", declared: true });
      // Code that no longer declares it may set it at run time.
      expect(await open(beat()).schedules.upsert("beat", change)).toMatchObject({ declared: false });
    });

    test("whose payload does not fit the schema are refused with the code, or left out if the schema is asynchronous", async () => {
      const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
      const { open } = openSchedules(kind);
      const isAda = (value: unknown) => (value === "ada" ? { value } : { issues: [{ message: "must be ada" }] });
      const schema = (validate: (value: unknown) => unknown) =>
        ({ "~standard": { version: 1, vendor: "test", validate } }) as StandardSchemaV1<string>;
      const report = (name: string, schedulePayload: string, checks: StandardSchemaV1<string>) =>
        defineJob({ name, schema: checks, schedule: { cron: "@daily" }, schedulePayload, perform: () => {} });
      expect(() => open(report("report", "eve", schema(isAda)))).toThrow(
        'The schedulePayload of job "report" does not fit its schema: must be ada.',
      );
      const later = schema(async (value) => isAda(value));
      const never = schema(() => new Promise(() => {}));
      const queue = open(
        report("at-once", "ada", schema(isAda)),
        report("later", "ada", later),
        report("unfit", "eve", later),
      );
      await queue.drain();
      expect((await queue.schedules.list()).map(({ key }) => key)).toEqual(["at-once", "later"]);
      expect(warn.mock.calls).toEqual([
        [expect.stringMatching(/^tidegate: The schedulePayload of job "unfit" does not fit its schema/)],
      ]);
      const { clock, open: openOther } = openSchedules(kind);
      const silent = openOther(report("never", "ada", never));
      const drained = silent.drain();
      await clock.advance("10s");
      await drained;
      expect(await silent.schedules.get("never")).toMatchObject({ declared: true });
      warn.mockRestore();
    });

    test("are removed even by code that declares none at all", async () => {
      const { clock, beat, open } = openSchedules(kind);
      await open(beat({ cron: "0 */10 * * * *" })).drain();
      const without = open(beat());
      await clock.advance("70m");
      await without.drain();
      await without.drain();
      expect(await without.schedules.list()).toEqual([]);
    });

    test("are left alone by older code that never declared any", async () => {
      const { clock, slots, beat, open } = openSchedules(kind);
      const before = open(beat());
      await before.drain();
      await open(beat({ cron: "0 */10 * * * *" })).drain();
      for (let slot = 1; slot <= 3; slot++) {
        await clock.advance("10m");
        await before.drain();
      }
      expect(slots).toEqual(["12:10:00", "12:20:00", "12:30:00"]);
    });

    test("schedules made at run time stay when declared ones change", async () => {
      const { beat, open } = openSchedules(kind);
      const queue = open(beat({ cron: "0 */10 * * * *" }));
      await queue.drain();
      await queue.schedules.upsert("mine", { job: "beat", cron: "0 0 9 * * 1", timeZone: "Asia/Tokyo" });
      const next = open(beat());
      await next.schedules.list();
      const changed = open(beat({ cron: "0 */30 * * * *" }));
      await changed.drain();
      expect((await changed.schedules.list()).map(({ key, declared }) => [key, declared])).toEqual([
        ["beat", true],
        ["mine", false],
      ]);
    });
  });
});
