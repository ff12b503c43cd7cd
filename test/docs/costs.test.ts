import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import * as costs from "../../examples/guide/costs.ts";
import { sendEmail } from "../../examples/guide/define.ts";
import { defineJob, Queue } from "../../src/index.ts";
import { start } from "../support/clock.ts";
import { useRedis } from "../support/stores.ts";

const docs = join(import.meta.dirname, "../../docs");

describe("the guide on costs", () => {
  const redis = useRedis();
  // A drain's claims follow its pace: on a busy machine the batches, and so the commands, would differ.
  beforeEach(() => {
    vi.spyOn(Date, "now").mockReturnValue(start);
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const addresses = Array.from({ length: 300 }, (_, index) => `user-${index}@example.com`);

  test.each([
    ["what things cost", "## What things cost", "commands"],
    ["steps", "### Steps and signals", "steps"],
  ])("each figure in the guide's table of %s has a test in test/costs", (_, heading, file) => {
    const [, section = ""] = readFileSync(join(docs, "guide/costs.md"), "utf8").split(heading);
    const [, table = ""] = section.split("| commands |");
    const rows = table.split("\n\n", 1).join().split("\n").slice(2);
    const tests = readFileSync(join(docs, `../test/costs/${file}.test.ts`), "utf8");
    const names = [...tests.matchAll(/\btest\(\s*"([^"]+)"/g)].map(([, name = ""]) => name);
    expect(rows.length).toBeGreaterThan(5);
    for (const row of rows)
      for (const [figure] of row.split("|")[2]?.matchAll(/[\d.]+/g) ?? [])
        expect(
          names.filter((name) => new RegExp(`(costs?|:) (.* )?${figure}\\b`).test(name)),
          row,
        ).not.toEqual([]);
  });

  test("a budget ends a drain before it is overspent", async () => {
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    const queue = new Queue({ store: redis.store(), jobs: [sendEmail] });
    for (let piece = 0; piece < 3; piece++) await costs.inOneCall(queue, addresses);
    const report = await costs.bounded(queue);
    expect(report).toMatchObject({ stoppedBy: "budget", backlog: true });
    expect(report.claimed).toBeGreaterThan(500);
    expect(report.commands).toBeLessThanOrEqual(200);
    expect(log).toHaveBeenCalledWith(`Spent ${report.commands}; more is due: true`);
  });

  test("the smallest budgets in the guide are accepted, and smaller ones refused", async () => {
    const page = readFileSync(join(docs, "guide/costs.md"), "utf8");
    const [, plain, withSchedules] = /at least (\d) round trips, or (\d) with schedules in code/.exec(page) ?? [];
    const daily = defineJob({ name: "daily", schedule: { cron: "@daily" }, perform() {} });
    for (const [jobs, least] of [
      [[sendEmail], plain],
      [[daily], withSchedules],
    ] as const) {
      const queue = new Queue({ store: redis.store(), jobs });
      const drain = (roundTrips: number) => queue.drain({ budget: { roundTrips } });
      await expect(drain(Number(least) - 1)).rejects.toMatchObject({ code: "invalid_request" });
      expect(await drain(Number(least))).toMatchObject({ claimed: 0 });
    }
  });

  test("a queue that does not observe spends no more, and lists its completed jobs all the same", async () => {
    const run = async (queue: Queue) => {
      await costs.inOneCall(queue, addresses.slice(0, 20));
      return (await queue.drain()).commands;
    };
    const observing = new Queue({ store: redis.store(), jobs: [sendEmail] });
    const other = costs.observeLess(redis.store());
    expect(await run(other)).toBeLessThanOrEqual(await run(observing));
    expect((await other.listJobs({ state: "completed" })).jobs).toHaveLength(20);
  });

  test("a queue that keeps nothing spends less, and shows none of its jobs", async () => {
    const spent = async (queue: Queue) => {
      await costs.inOneCall(queue, addresses);
      return (await queue.drain({ maxJobs: 1_000 })).commands;
    };
    const keeping = new Queue({ store: redis.store(), jobs: [sendEmail] });
    const forgetful = costs.keepNothing(redis.store());
    expect(await spent(forgetful)).toBeLessThan(await spent(keeping));
    expect(await forgetful.listJobs({ state: "completed" })).toMatchObject({ jobs: [] });
  });
});
