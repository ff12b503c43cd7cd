import { deepStrictEqual } from "node:assert/strict";
import { buildProgram } from "../../support/child.ts";
import { poison as poisonTrial } from "../../support/overload.ts";
import { openStage } from "../../support/stage.ts";
import type { Part } from "../part.ts";

const OTHERS = 40;

/** A job that kills each invocation that performs it, among others. */
export const poison: Part = {
  about:
    "a job that kills its invocation each time: it ends in the dead letter, and those claimed with it are unharmed",
  sizes: { poisons: 10 },
  async run({ size, progress }) {
    const stage = await openStage();
    const program = await buildProgram("poison-child.ts");
    const total = { kills: 0, harmed: 0 };
    try {
      for (let trial = 0; trial < size("poisons"); trial++) {
        const { kills, harmed } = await poisonTrial(stage, program, OTHERS);
        total.kills += kills;
        total.harmed += harmed;
        progress(trial + 1, size("poisons"));
      }
    } finally {
      await program.remove();
      await stage.close();
    }
    deepStrictEqual(
      { "jobs that died with a poisoned one": total.harmed },
      { "jobs that died with a poisoned one": 0 },
    );
    return {
      "poisoned jobs": size("poisons"),
      "invocations killed by them": total.kills,
      "jobs claimed with them": size("poisons") * OTHERS,
      "of these, harmed": total.harmed,
    };
  },
};
