import { describe, expect, test } from "vitest";
import { encode } from "../../../src/core/job/codec.ts";
import { firesOf } from "../../../src/core/schedule/fire.ts";
import type { ScheduleRecord } from "../../../src/core/schedule/record.ts";
import { start as due } from "../../support/clock.ts";

const minute = 60_000;
const minutely: ScheduleRecord = {
  name: "job",
  cron: "0 * * * * *",
  timeZone: "UTC",
  missed: "once",
  overlap: "allow",
};

/** What a schedule that fell due at `due` makes at `now`. */
function fireOf(schedule: Partial<ScheduleRecord>, now: number) {
  const record = encode({ ...minutely, ...schedule });
  const [fire] = firesOf([{ key: "schedule", occurrence: due, revision: 0, record }], now);
  return { next: fire?.next, unless: fire?.unless, made: fire?.jobs.map(({ runAt }) => runAt) };
}

describe("a firing", () => {
  test("with skip, makes a job for an occurrence at most 5 minutes late, and none for later ones", () => {
    const rare = { cron: "0 0 12 * * *", missed: "skip" } as const;
    expect(fireOf(rare, due + 5 * minute).made).toEqual([due]);
    expect(fireOf(rare, due + 5 * minute + 1).made).toEqual([]);
  });

  test("with all, catches up to this very moment, and on 100 occurrences at once", () => {
    expect(fireOf({ missed: "all" }, due + 2 * minute)).toMatchObject({
      made: [due, due + minute, due + 2 * minute],
      next: due + 3 * minute,
    });
    const many = fireOf({ missed: "all" }, due + 1_000 * minute);
    expect(many.made).toHaveLength(100);
    expect(many.next).toBe(due + 100 * minute);
  });

  test("with overlap skip, makes a single job if the last one has ended, and the first in any case", () => {
    const alone = { missed: "all", overlap: "skip" } as const;
    expect(fireOf(alone, due + 2 * minute)).toMatchObject({ made: [due + 2 * minute], unless: undefined });
    expect(fireOf({ ...alone, lastJobId: "last" }, due).unless).toMatchObject({ id: "last" });
    expect(fireOf({ lastJobId: "last" }, due).unless).toBeUndefined();
  });
});
