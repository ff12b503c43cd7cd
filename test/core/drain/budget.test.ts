import { expect, test } from "vitest";
import { DrainBounds } from "../../../src/core/drain/bounds.ts";
import { DrainBudget, LEAST_ROUND_TRIPS } from "../../../src/core/drain/budget.ts";
import type { InFlight } from "../../../src/core/drain/in-flight.ts";
import { JobsInHand } from "../../../src/core/drain/in-hand.ts";
import { type DrainOptions, drainLimits } from "../../../src/core/drain/options.ts";
import { start } from "../../support/clock.ts";

/** A budget with so many round trips left, and so many claimed jobs that have no outcome yet. */
function budgetOf(limit: { roundTrips?: number; commands?: number }, claiming = 0) {
  const budget = new DrainBudget({ roundTrips: 40, commands: 1_000, ...limit });
  budget.setAside(new JobsInHand({ claiming, count: 0 } as unknown as InFlight));
  return budget;
}

test("a claim leaves round trips to settle its jobs, to release some first, and for a resend", () => {
  expect(LEAST_ROUND_TRIPS).toBe(4);
  expect(budgetOf({ roundTrips: 4 }).allowsClaim(0)).toBe(true);
  expect(budgetOf({ roundTrips: 3 }).allowsClaim(0)).toBe(false);
});

test("what has ended is settled early only if the other jobs can be settled after it", () => {
  expect(budgetOf({ roundTrips: 1 }).allowsExchange()).toBe(true);
  expect(budgetOf({ roundTrips: 1 }, 5).allowsExchange()).toBe(false);
  expect(budgetOf({ roundTrips: 2 }, 5).allowsExchange()).toBe(true);
  expect(budgetOf({ roundTrips: 2 }, 5).allowsExchange(0, 1)).toBe(false);
});

test("no request takes the round trip that settles the jobs in hand", () => {
  expect(budgetOf({ roundTrips: 2 }, 5).allows(1)).toBe(true);
  expect(budgetOf({ roundTrips: 1 }, 5).allows(1)).toBe(false);
  const budget = budgetOf({ roundTrips: 3 }, 5);
  const release = budget.hold(2);
  expect(budget.allows(1)).toBe(false);
  release();
  expect(budget.allows(1)).toBe(true);
});

test("nothing is claimed once the commands are spent, but for the first claim", () => {
  const budget = budgetOf({ commands: 10 });
  budget.commands = 10;
  expect(budget.allowsClaim(0)).toBe(true);
  budget.noteClaim();
  expect(budget.allowsClaim(0)).toBe(false);
  budget.commands = 9;
  expect(budget.allowsClaim(0)).toBe(true);
});

test("a parallel claim is held back if what has no reply yet may cost the rest of the commands", () => {
  const budget = budgetOf({ commands: 100 });
  budget.noteClaim();
  expect([0, 1, 2, 3].map((inFlight) => budget.allowsClaim(inFlight))).toEqual([true, true, true, false]);
  budget.largest = 60;
  expect([0, 1, 2].map((inFlight) => budget.allowsClaim(inFlight))).toEqual([true, true, false]);
});

function boundsOf(options: DrainOptions, inFlight: Partial<InFlight> = {}) {
  const flying = { count: 0, claiming: 0, ...inFlight } as InFlight;
  return new DrainBounds(drainLimits(options), start, flying);
}

test("claims in flight count against maxJobs", () => {
  const bounds = boundsOf({ maxJobs: 20 }, { claiming: 5 });
  expect(bounds.mostClaims(3)).toBe(12);
  expect(bounds.batch(3)).toBe(12);
});

test("lingering ends before the time budget does", () => {
  expect(boundsOf({ timeBudget: "25s", linger: "10s" }).lingersUntil).toBe(start + 10_000);
  expect(boundsOf({ timeBudget: "25s", linger: "1m" }).lingersUntil).toBe(start + 60_000 - 1);
});

test("requests that can wait need not, while half of the round trips are left, and are then spread over the time that these must last", () => {
  const budget = budgetOf({}, 5);
  expect(budget.spacing(60_000)).toBe(0);
  budget.roundTrips = 19;
  expect(budget.spacing(60_000)).toBe(0);
  budget.roundTrips = 24;
  expect(budget.spacing(60_000)).toBe(4_000);
  budget.roundTrips = 39;
  expect(budget.spacing(60_000)).toBe(Number.POSITIVE_INFINITY);
});

test("requests that can wait are not sent once the commands are spent", () => {
  const budget = budgetOf({ commands: 10 });
  budget.commands = 10;
  expect(budget.spacing(60_000)).toBe(Number.POSITIVE_INFINITY);
});
