import { describe, expect, test } from "vitest";
import { defineJob, memoryStore, Queue } from "../../../src/index.ts";
import { aroundStore } from "../../support/around-calls.ts";
import { clockByHand, start } from "../../support/clock.ts";

const minute = 60_000;

function setUp() {
  const clock = clockByHand(start);
  let manifestsRead = 0;
  const store = aroundStore(memoryStore(), ({ method, parameters: [, withManifest] }, run) => {
    if (method === "peek" && withManifest) manifestsRead++;
    return run();
  });
  /** A deployment whose code declares these schedules, by the names of their jobs. */
  const deploy = (crons: Readonly<Record<string, string>>) => {
    const jobs = Object.entries(crons).map(([name, cron]) => defineJob({ name, schedule: { cron }, perform() {} }));
    return new Queue({ store, clock, jobs });
  };
  const reads = () => manifestsRead;
  return { clock, store, deploy, reads };
}

describe("declared schedules", () => {
  test("are reported by the first drain, which gives the earliest as the next run", async () => {
    const { deploy } = setUp();
    const queue = deploy({ daily: "@daily", half: "*/30 * * * *", hourly: "@hourly" });
    expect(await queue.drain()).toMatchObject({ nextRunAt: new Date(start + 30 * minute) });
  });

  test("are read once by code that declares some, even if it later fires those of newer code", async () => {
    const { clock, deploy, reads } = setUp();
    const older = deploy({ old: "@yearly" });
    await older.drain();
    await deploy({ new: "* * * * *" }).drain();
    const before = reads();
    for (let slot = 1; slot <= 3; slot++) {
      clock.now = start + slot * minute;
      expect(await older.drain()).toMatchObject({ rearmed: 1 });
    }
    expect(reads() - before).toBe(0);
  });

  test("of the previous code are remembered for an hour, and then forgotten", async () => {
    const { clock, store, deploy } = setUp();
    for (const cron of ["@yearly", "@monthly", "@weekly", "@daily"]) {
      await deploy({ job: cron }).drain();
      clock.now += 61 * minute;
    }
    const { manifest } = await store.open("default").peek(start, true);
    expect(Object.keys(JSON.parse(manifest ?? "").replaced)).toHaveLength(1);
  });
});
