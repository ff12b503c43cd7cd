import { afterAll, beforeAll, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { DAY_MS } from "../../src/core/store/stats.ts";
import { Queue } from "../../src/index.ts";
import { start } from "../support/clock.ts";
import { countCommands } from "../support/command-stats.ts";
import { type Attempt, settleAll, settleDay } from "../support/day-of-attempts.ts";
import { openStage, type Stage } from "../support/stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

/** The shortest duration that so great a share of the attempts did not exceed. */
function exactOf(durations: readonly number[], share: number): number {
  return durations.toSorted((a, b) => a - b)[Math.ceil(durations.length * share) - 1] ?? 0;
}

test("a day of 50 job types, with durations of every size, takes at most 60 KB, a scrape sends 30, and no estimate is more than 20 % off", async () => {
  const prefix = stage.prefix();
  const queue = new Queue({ store: stage.directStore(prefix), jobs: [], clock: () => start });
  const attempts = await settleDay(internalsOf(queue).store, start);

  const usage = ["stats", "stats:recent"].map((key) =>
    stage.redis.send(["MEMORY", "USAGE", `${prefix}:{default}:${key}`]).then(Number),
  );
  const [stored = 0, recent = 0] = await Promise.all(usage);
  expect(stored + recent).toBeLessThanOrEqual(60_000);

  const { measure } = internalsOf(queue);
  await measure();
  const { commands } = await countCommands(stage.server.port, measure);
  expect(commands).toBe(4);
  const sent = async () =>
    Number(/total_net_output_bytes:(\d+)/.exec(String(await stage.redis.send(["INFO", "stats"])))?.[1]);
  const before = await sent();
  await measure();
  // The statistics of the server are some of it.
  expect((await sent()) - before).toBeLessThanOrEqual(30_000);

  const { names } = await queue.getFigures({ days: 2 });
  expect(names).toHaveLength(50);
  for (const { name, hour, days } of names) {
    for (const [index, period] of [hour, ...days].entries()) {
      const from = period.at.getTime();
      const until = index === 1 ? (days[1]?.at.getTime() ?? 0) : start + 1;
      const counted = attempts.filter((each) => each.name === name && each.at >= from && each.at < until);
      expect(period.processed).toBe(counted.length);
      const fields: readonly (readonly [keyof Attempt & `${string}Ms`, typeof hour.running])[] = [
        ["waitedMs", period.waiting],
        ["ranMs", period.running],
      ];
      for (const [field, estimates] of fields) {
        const durations = counted.map((each) => each[field]);
        for (const [share, estimate] of [[0.5, estimates?.medianMs] as const, [0.95, estimates?.p95Ms] as const]) {
          const exact = exactOf(durations, share);
          expect(estimate).toBeGreaterThanOrEqual(exact * 0.8);
          expect(estimate).toBeLessThanOrEqual(exact * 1.2);
          expect(estimate).toBeLessThanOrEqual(Math.max(...durations));
        }
      }
    }
  }
});

test("a day on which a job type runs once takes at most 40 bytes", async () => {
  const prefix = stage.prefix();
  const store = internalsOf(new Queue({ store: stage.directStore(prefix), jobs: [] })).store;
  const settle = (name: string, at: number) => settleAll(store, [{ name, at, waitedMs: 1_234, ranMs: 56_789 }]);
  const lengths: number[] = [];
  for (let day = 0; day < 7; day++) {
    await settle("rare", start + day * DAY_MS);
    // Another job type fills what is recent, so that it is put together.
    for (let times = 0; times < 120; times++) await settle("often", start + day * DAY_MS);
    const [, line = ""] =
      /\nrare\n(.*)\n/.exec(String(await stage.redis.send(["GET", `${prefix}:{default}:stats`]))) ?? [];
    lengths.push(line.length);
  }
  const days = lengths.slice(1).map((length, index) => length - (lengths[index] ?? 0));
  expect(Math.max(...days)).toBeLessThanOrEqual(40);
  expect(Math.min(...days)).toBeGreaterThan(0);
});
