import { describe, expect, test } from "vitest";
import { encodeSchedule, firesOf, type ScheduleRecord } from "../../../src/core/schedule/fire.ts";
import { start as slot } from "../../support/clock.ts";

const minute = 60_000;
const minutely: ScheduleRecord = {
  name: "job",
  cron: "0 * * * * *",
  timeZone: "UTC",
  missed: "once",
  overlap: "allow",
};

/** What a schedule that came due at `slot` makes at `now`. */
function fireOf(schedule: Partial<ScheduleRecord>, now: number) {
  const record = encodeSchedule({ ...minutely, ...schedule });
  const [fire] = firesOf([{ key: "schedule", slot, revision: 0, record }], now);
  return { next: fire?.next, unless: fire?.unless, slots: fire?.jobs.map(({ runAt }) => runAt) };
}

describe("a firing", () => {
  test("makes the job of a slot that is 5 minutes late, and of missed ones that are later none with skip", () => {
    const rare = { cron: "0 0 12 * * *", missed: "skip" } as const;
    expect(fireOf(rare, slot + 5 * minute).slots).toEqual([slot]);
    expect(fireOf(rare, slot + 5 * minute + 1).slots).toEqual([]);
  });

  test("makes up for slots up to the very moment, and for 100 at once", () => {
    expect(fireOf({ missed: "all" }, slot + 2 * minute)).toMatchObject({
      slots: [slot, slot + minute, slot + 2 * minute],
      next: slot + 3 * minute,
    });
    const many = fireOf({ missed: "all" }, slot + 1_000 * minute);
    expect(many.slots).toHaveLength(100);
    expect(many.next).toBe(slot + 100 * minute);
  });

  test("without overlap makes one job alone, unless the last one is there, and the first in any case", () => {
    const alone = { missed: "all", overlap: "skip" } as const;
    expect(fireOf(alone, slot + 2 * minute)).toMatchObject({ slots: [slot + 2 * minute], unless: undefined });
    expect(fireOf({ ...alone, lastJobId: "last" }, slot).unless).toMatchObject({ id: "last" });
    expect(fireOf({ lastJobId: "last" }, slot).unless).toBeUndefined();
  });
});
