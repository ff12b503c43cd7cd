import { afterAll, beforeAll, expect, test } from "vitest";
import { seed, trials } from "../../scripts/shared/all-tests.ts";
import { alertSeries } from "../support/alert-crashes.ts";
import { buildProgram, type Program } from "../support/child.ts";
import { seededRandom } from "../support/random.ts";
import { openStage, type Stage } from "../support/stage.ts";

// A small share of `npm run soak -- alerts`.

let stage: Stage;
let program: Program;
beforeAll(async () => {
  stage = await openStage();
  program = await buildProgram("alerts-child.ts");
});
afterAll(async () => {
  await program.remove();
  await stage.close();
});

test("whatever is killed at any moment, an alert reports each group of failures and its end", async () => {
  const kills = trials(18);
  const figures = await alertSeries({ stage, program, trials: kills, random: seededRandom(seed) });
  expect(figures, `seed ${seed}`).toMatchObject({ unreported: 0, unended: 0, tooMany: 0, left: 0 });
  expect(Object.values(figures.killed).reduce((sum, count) => sum + count, 0)).toBe(kills);
});
