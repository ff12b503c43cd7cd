import { expect, test } from "vitest";
import { DrainBounds } from "../../../src/core/drain/bounds.ts";
import { DrainBudget } from "../../../src/core/drain/budget.ts";
import type { InFlight } from "../../../src/core/drain/in-flight.ts";
import { type DrainOptions, drainLimits } from "../../../src/core/drain/options.ts";
import type { ExchangeSize } from "../../../src/core/store/store.ts";
import { memoryStore } from "../../../src/index.ts";
import { clockByHand, start } from "../../support/clock.ts";

/** What a drain with these options may do, with exchanges in flight, if an exchange costs one command per job it settles or claims. */
function setUp(options: DrainOptions, inFlight: Partial<InFlight> = {}, spent = { roundTrips: 0, commands: 0 }) {
  const clock = clockByHand(start);
  const mostOfExchange = ({ settles = 0, claims = 0 }: ExchangeSize) => ({ roundTrips: 1, commands: settles + claims });
  const costs = { ...memoryStore().open("default").local, mostOfExchange };
  const limits = drainLimits(options);
  const budget = Object.assign(new DrainBudget(limits), spent);
  const flying = { count: 0, claiming: 0, ...inFlight } as InFlight;
  return { clock, bounds: new DrainBounds(limits, costs, clock, budget, flying, 0) };
}

/** An exchange that settles this many jobs, and leaves this many others unsettled. */
const next = (settles: number, jobsAfter: number) => ({ size: { settles }, jobsAfter, requestsAfter: 1 });

test("an exchange is affordable only if the unsettled jobs can be settled after it", () => {
  const { bounds } = setUp({ budget: { commands: 30 } });
  expect(bounds.affords(next(10, 20))).toBe(true);
  expect(bounds.affords(next(10, 21))).toBe(false);
});

test("only as many jobs are claimed as can be settled within the budget", () => {
  const { bounds } = setUp({ budget: { commands: 30 } });
  expect(bounds.mostClaims(100, next(10, 0))).toBe(10);
  expect(bounds.mostClaims(5, next(10, 0))).toBe(5);
  expect(bounds.mostClaims(5, next(10, 20))).toBe(0);
});

test("the budget is spent once no further job can be claimed and settled", () => {
  const options = { budget: { roundTrips: 6 } };
  expect(setUp(options, {}, { roundTrips: 4, commands: 0 }).bounds.stoppedBy(0, next(1, 0))).toBeUndefined();
  expect(setUp(options, {}, { roundTrips: 5, commands: 0 }).bounds.stoppedBy(0, next(1, 0))).toBe("budget");
});

test("claims in flight count against maxJobs", () => {
  const { bounds } = setUp({ maxJobs: 20 }, { claiming: 5 });
  expect(bounds.jobsLeft(3)).toBe(12);
  expect(bounds.batch(3)).toBe(12);
});

test("lingering ends before the time budget does", () => {
  expect(setUp({ timeBudget: "25s", linger: "10s" }).bounds.lingersUntil).toBe(start + 10_000);
  expect(setUp({ timeBudget: "25s", linger: "1m" }).bounds.lingersUntil).toBe(start + 60_000 - 1);
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
