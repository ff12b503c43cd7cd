import { afterAll, beforeAll, expect, test } from "vitest";
import { seed, trials } from "../../scripts/shared/all-tests.ts";
import { buildProgram, type Program } from "../support/child.ts";
import { deliverySeries, mustBeNone } from "../support/delivery-crashes.ts";
import { seededRandom } from "../support/random.ts";
import { openStage, type Stage } from "../support/stage.ts";

// A small share of `npm run soak -- deliveries`. The waits are injected faults: no outcome depends on them.

let stage: Stage;
let program: Program;
beforeAll(async () => {
  stage = await openStage({ persist: true });
  program = await buildProgram("delivery-child.ts");
});
afterAll(async () => {
  await program.remove();
  await stage.close();
});

test("whatever is killed at any moment, every message is delivered and signed, every end is reported once, and no result is lost", async () => {
  const count = trials(30);
  const figures = await deliverySeries({ stage, program, trials: count, random: seededRandom(seed) });
  expect(Object.fromEntries(mustBeNone.map((name) => [name, figures[name]])), `seed ${seed}`).toEqual(
    Object.fromEntries(mustBeNone.map((name) => [name, 0])),
  );
  expect(figures).toMatchObject({ acknowledged: count * 8, ends: count * 6, runs: Math.ceil(count / 3) });
  expect(figures.ended).toBeLessThan(count);
});
