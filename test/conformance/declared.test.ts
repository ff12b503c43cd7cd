import { describe, expect, test } from "vitest";
import { defineJob } from "../../src/index.ts";
import { onEveryStore } from "../support/stores.ts";
import { openSchedules, start } from "./support.ts";

const minute = 60_000;

onEveryStore((kind) => {
  describe("schedules of the code", () => {
    test("are added, changed and removed with it, and keep their slot where they stay the same", async () => {
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

    test("an older deployment that still runs does not undo a newer one, and a rollback comes into force later", async () => {
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

    test("of a rollback come into force later also in a process that stays, and not in one that was there before", async () => {
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

    test("go with the code even where it declares none any more", async () => {
      const { clock, beat, open } = openSchedules(kind);
      await open(beat({ cron: "0 */10 * * * *" })).drain();
      const without = open(beat());
      await clock.advance("70m");
      await without.drain();
      await without.drain();
      expect(await without.schedules.list()).toEqual([]);
    });

    test("the first of all are left alone by code that was there before them and declares none", async () => {
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

    test("those made at run time stay when the code's change", async () => {
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
