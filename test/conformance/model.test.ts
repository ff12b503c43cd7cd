import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ModelCount, queueModel, storeModel } from "../support/model.ts";
import { openStage, type Stage } from "../support/stage.ts";

// A small share of `npm run soak -- model`, with other sequences each time.

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

// A number of runs and no time limit: coverage does not depend on the machine.
const limits = { numRuns: 20 };
const timeout = 180_000;

test("Redis gives the same answers and holds the same state as memory after each step, even through network faults", {
  timeout,
}, async () => {
  const count: ModelCount = { operations: 0, faults: 0 };
  await fc.assert(storeModel(stage, 30, count), limits);
  expect(count.faults).toBeGreaterThan(10);
});

test("clients whose invocations may die see the same on Redis as in memory, and counters add up", {
  timeout,
}, async () => {
  const count: ModelCount = { operations: 0, faults: 0 };
  await fc.assert(queueModel(stage, 30, count), limits);
  expect(count.operations).toBeGreaterThan(50);
});
