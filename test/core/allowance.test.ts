import { describe, expect, test } from "vitest";
import { Allowance } from "../../src/core/allowance.ts";
import { type DrainOptions, drainLimits } from "../../src/core/drain-options.ts";
import type { Exchanges } from "../../src/core/exchanges.ts";
import { memoryStore } from "../../src/index.ts";
import { clockByHand } from "../support/clock.ts";

const start = Date.parse("2026-03-01T12:00:00Z");

/** What a drain may do by these options, with exchanges under way, where an exchange costs a command a job. */
function setUp(options: DrainOptions, underWay: Partial<Exchanges> = {}, spent = { roundTrips: 0, commands: 0 }) {
  const clock = clockByHand(start);
  const store = { ...memoryStore().open("default"), roundTrips: 1, mostCommands: (jobs: number) => jobs };
  const exchanges = { underWay: 0, claiming: 0, ...underWay } as Exchanges;
  return { clock, allowance: new Allowance(drainLimits(options), { store, clock }, spent, exchanges) };
}

describe("a budget of commands", () => {
  const options = { batchSize: 10, budget: { commands: 30 } };

  test("counts the exchanges under way, which have not told yet what they cost", () => {
    expect(setUp(options).allowance.affords(3, 0)).toBe(true);
    expect(setUp(options, { underWay: 1 }).allowance.affords(3, 0)).toBe(false);
    expect(setUp(options, { underWay: 1 }).allowance.affords(2, 0)).toBe(true);
  });

  test("counts what is to be handed in, where that is more than a batch", () => {
    expect(setUp(options).allowance.affords(2, 15)).toBe(true);
    expect(setUp(options).allowance.affords(2, 16)).toBe(false);
  });
});

test("an exchange that claims is sent again only where a round trip is left to hand in what it brings", () => {
  const sends = (roundTrips: number, isClaiming: boolean) =>
    setUp({ budget: { roundTrips: 6 } }, {}, { roundTrips, commands: 0 }).allowance.sends(isClaiming);
  expect([sends(2, true), sends(2, false)]).toEqual([3, 4]);
  expect([sends(5, true), sends(6, false)]).toEqual([1, 1]);
});

test("what those under way may bring counts against maxJobs", () => {
  const { allowance } = setUp({ maxJobs: 20 }, { claiming: 5 });
  expect(allowance.jobsLeft(3)).toBe(12);
  expect(allowance.batch(3)).toBe(12);
});

test("lingering ends before the time budget does", () => {
  expect(setUp({ timeBudget: "25s", linger: "10s" }).allowance.lingersUntil).toBe(start + 10_000);
  expect(setUp({ timeBudget: "25s", linger: "1m" }).allowance.lingersUntil).toBe(start + 60_000 - 1);
});
