import { afterAll, beforeAll, expect, test } from "vitest";
import { seed, trials } from "../../scripts/shared/all-tests.ts";
import { buildProgram, type Program } from "../support/child.ts";
import { crashPoints } from "../support/crash-points.ts";
import { crashSeries } from "../support/crashes.ts";
import { seededRandom } from "../support/random.ts";
import { openStage, type Stage } from "../support/stage.ts";

// A small share of `npm run soak -- crashes`. Drains run in separate processes, which are killed at named points and at
// any moment, while Redis crashes and forgets its scripts. The waits are injected faults: no outcome depends on them.

let stage: Stage;
let program: Program;
beforeAll(async () => {
  stage = await openStage({ persist: true });
  program = await buildProgram("crash-child.ts");
});
afterAll(async () => {
  await program.remove();
  await stage.close();
});

test("whatever is killed at any moment, no job is lost, none runs again under a lease, starts before its children or beyond its key's limits, and no stored step runs again", async () => {
  const count = trials(36);
  const series = { hasKeys: true, hasParents: true, hasSteps: true };
  const figures = await crashSeries({ stage, program, trials: count, random: seededRandom(seed), ...series });
  const none = { lost: 0, unexplained: 0, doubled: 0, early: 0, exceeded: 0, kept: 0, stepsAgain: 0 };
  expect(figures, `seed ${seed}`).toMatchObject({ ...none, parents: count, stepped: count });
  const atPoints = crashPoints.reduce((sum, point) => sum + figures.killed[point], 0);
  expect(atPoints + figures.killed["any moment"] + figures.ended).toBe(count);
  expect(atPoints).toBeGreaterThan(0);
  expect(figures.repeated).toBeGreaterThan(0);
  expect(figures.keyed).toBeGreaterThan(50);
});
