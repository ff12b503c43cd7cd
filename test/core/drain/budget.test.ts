import { expect, test } from "vitest";
import { Allowance } from "../../../src/core/drain/allowance.ts";
import { DrainBounds } from "../../../src/core/drain/bounds.ts";
import { DrainBudget } from "../../../src/core/drain/budget.ts";
import type { InFlight } from "../../../src/core/drain/in-flight.ts";
import type { JobsInHand } from "../../../src/core/drain/in-hand.ts";
import { type DrainOptions, drainLimits } from "../../../src/core/drain/options.ts";
import type { ExchangeSize } from "../../../src/core/store/store.ts";
import { memoryStore } from "../../../src/index.ts";
import { start } from "../../support/clock.ts";

const claimOf = (limit: number, meetsKeys = true) => ({ limit, meetsKeys });

/**
 * What a budget allows with so many jobs that have ended, and others that run. An exchange costs one command per job it
 * settles or claims, and one more per claim that may meet keys.
 */
function allowed(budget: NonNullable<DrainOptions["budget"]>, ended: number, running: number) {
  const mostOfExchange = ({ settles = 0, claims = 0, hasKeys }: ExchangeSize) => ({
    roundTrips: 1,
    commands: settles + claims * (hasKeys ? 2 : 1),
  });
  const local = { ...memoryStore().open("default").local, mostOfExchange };
  const requests = ended > 0 ? [ended] : [];
  const jobs = { unsettled: ended + running, ended: { requests }, waiting: [], mayHaveKeys: false };
  return new Allowance(new DrainBudget(drainLimits({ budget })), local, jobs as unknown as JobsInHand);
}

/** The same for a claim that is not the first. */
function allowedLater(...given: Parameters<typeof allowed>) {
  const allowance = allowed(...given);
  allowance.noteClaim();
  return allowance;
}

test("what has ended is settled early only if the other jobs can be settled after it", () => {
  expect(allowed({ commands: 30 }, 10, 20).allowsSettling({})).toBe(true);
  expect(allowed({ commands: 30 }, 10, 21).allowsSettling({})).toBe(false);
  expect(allowed({ roundTrips: 3 }, 10, 1).allowsSettling({ release: true })).toBe(true);
});

test("only as many jobs are claimed as can be settled within the budget", () => {
  expect(allowedLater({ commands: 30 }, 10, 0).mostClaims(100, [], {})).toEqual(claimOf(10, false));
  expect(allowedLater({ commands: 30 }, 10, 0).mostClaims(5, [], {})).toEqual(claimOf(5));
  expect(allowedLater({ commands: 30 }, 10, 20).mostClaims(5, [], {})).toEqual(claimOf(0, false));
});

test("a claim is as small as it must be to be sent again, and to release what it brings", () => {
  const claims = (room: object) => allowedLater({ commands: 36 }, 0, 0).mostClaims(100, [], room).limit;
  expect([{}, { again: true }, { again: true, release: true }].map(claims)).toEqual([18, 12, 9]);
});

test("the first claim has room for keys, and to lengthen a lease", () => {
  expect(allowed({ commands: 30 }, 0, 0).mostClaims(100, [], {})).toEqual(claimOf(10));
  expect(allowed({ roundTrips: 3 }, 0, 0).mostClaims(1, [], {})).toEqual(claimOf(1));
  expect(allowed({ roundTrips: 3 }, 0, 0).mostClaims(1, [], { again: true })).toEqual(claimOf(0, false));
  expect(allowedLater({ roundTrips: 3 }, 0, 0).mostClaims(1, [], { again: true })).toEqual(claimOf(1));
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

test("requests that can wait need not, while half of the budget is left, and are then spread over the time that it must last", () => {
  const budget = new DrainBudget({ roundTrips: 40, commands: 1_000 });
  const request = { roundTrips: 1, commands: 5 };
  expect(budget.spacing(60_000, request)).toBe(0);
  budget.roundTrips = 20;
  expect(budget.spacing(60_000, request)).toBe(0);
  budget.setAside(() => ({ roundTrips: 5, commands: 100 }));
  expect(budget.spacing(60_000, request)).toBe(4_000);
  budget.commands = 850;
  expect(budget.spacing(60_000, request)).toBe(6_000);
  budget.commands = 900;
  expect(budget.spacing(60_000, request)).toBe(Number.POSITIVE_INFINITY);
});
