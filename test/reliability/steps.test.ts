import { afterAll, beforeAll, expect, test } from "vitest";
import { seed, trials } from "../../scripts/shared/all-tests.ts";
import { memoryStore } from "../../src/index.ts";
import { readStored, storedBreaches } from "../support/invariants.ts";
import { seededRandom } from "../support/random.ts";
import { openStage, type Stage } from "../support/stage.ts";
import { noSteppedFigures, runSteppedJobs } from "../support/stepped-jobs.ts";

// A small share of `npm run soak -- steps`.

test("in memory, no stored step runs again, no result or signal is lost, and nothing wakes early", async () => {
  const figures = noSteppedFigures();
  for (let run = 0; run < trials(80); run++) {
    const breaches = await runSteppedJobs(memoryStore(), seededRandom(seed + run), figures, run % 3 === 0);
    expect(breaches, `seed ${seed + run}`).toEqual([]);
  }
  expect(figures.killed).toBeGreaterThan(10);
  expect(figures.stepsRun).toBeGreaterThan(50);
});

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

test("the same on Redis, where nothing is left over either", async () => {
  const figures = noSteppedFigures();
  for (let run = 0; run < trials(8); run++) {
    const prefix = stage.prefix();
    const breaches = await runSteppedJobs(stage.store(prefix), seededRandom(seed + run), figures, run % 3 === 0);
    const stored = await readStored(stage.redis, prefix);
    const left = [...stored.due.keys()].filter((member) => member.startsWith(" wait:"));
    expect([...breaches, ...storedBreaches(stored), ...left], `seed ${seed + run}`).toEqual([]);
  }
  expect(figures.killed).toBeGreaterThan(0);
});
