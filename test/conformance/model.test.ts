import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { otherServers, pathOf } from "../../scripts/other-servers.ts";
import { isForAll, trials } from "../../scripts/shared/all-tests.ts";
import { nothingCounted, queueModel, storeModel } from "../support/model.ts";
import { clocksApartOperation, familyOperation, occurrenceOperation, signalOperation } from "../support/operations.ts";
import { openStage, type Stage } from "../support/stage.ts";

// A small share of `npm run soak -- model`, with the same sequences each time; other ones with `--all`.

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

// A number of runs and no time limit: coverage does not depend on the machine. A counterexample is given as it was
// drawn, since shrinking one takes longer than a test may: `npm run soak -- model` does that.
const runs = (numRuns: number) => ({ numRuns, endOnFailure: true });
const limits = runs(trials(30));
const counted = () => nothingCounted(isForAll ? 1 : 2);

test("Redis gives the same answers and holds the same state as memory, step by step, even through network faults", async () => {
  const count = counted();
  await fc.assert(storeModel(stage, 30, count), limits);
  expect(count.faults).toBeGreaterThan(10);
});

test("Redis fires the schedules that memory fires, through faults of the network too", async () => {
  const count = counted();
  // Few sequences fire a schedule, so there are twice as many.
  await fc.assert(storeModel(stage, 60, count, occurrenceOperation), runs(trials(60)));
  expect(count.fired).toBeGreaterThan(0);
});

test("parents start when their children have ended, on Redis as in memory, through faults of the network too", async () => {
  const count = counted();
  await fc.assert(storeModel(stage, 30, count, familyOperation), limits);
  expect(count.faults).toBeGreaterThan(10);
});

test("signals wake the jobs that wait for them, on Redis as in memory, through faults of the network too", async () => {
  const count = counted();
  await fc.assert(storeModel(stage, 30, count, signalOperation), runs(trials(18)));
  expect(count.faults).toBeGreaterThan(0);
});

test("Redis does what memory does where the clocks of its callers differ", async () => {
  const count = counted();
  await fc.assert(storeModel(stage, 30, count, clocksApartOperation, true), limits);
  expect(count.operations).toBeGreaterThan(20);
});

test("clients whose invocations may die see the same on Redis as in memory, and counters add up", async () => {
  const count = counted();
  await fc.assert(queueModel(stage, 30, count), limits);
  expect(count.operations).toBeGreaterThan(20);
});

describe.each(otherServers.filter(pathOf))("$name", (server) => {
  test("gives the same answers and holds the same state as memory, step by step", async () => {
    const older = await openStage({ server });
    try {
      const count = counted();
      await fc.assert(storeModel(older, 30, count), runs(trials(9)));
      // A sequence may be short.
      expect(count.operations).toBeGreaterThan(3);
    } finally {
      await older.close();
    }
  });
});
