import { deepStrictEqual } from "node:assert/strict";
import { type AlertFigures, alertSeries } from "../../support/alert-crashes.ts";
import { buildProgram } from "../../support/child.ts";
import { seededRandom } from "../../support/random.ts";
import { openStage } from "../../support/stage.ts";
import type { Figures, Part } from "../part.ts";

/** Kills processes whose jobs die and that send alerts. */
export const alerts: Part = {
  about: "processes killed while jobs die and alerts are sent: no group of failures unreported, none without its end",
  sizes: { alertKills: 200 },
  async run({ size, seed, progress }) {
    const kills = size("alertKills");
    const program = await buildProgram("alerts-child.ts");
    const stage = await openStage();
    try {
      const series = { stage, program, trials: kills, random: seededRandom(seed) };
      return shown(await alertSeries({ ...series, progress: (done) => progress(done, kills) }));
    } finally {
      await stage.close();
      await program.remove();
    }
  },
};

function shown({ killed, unreported, unended, tooMany, left, ...counts }: AlertFigures): Figures {
  deepStrictEqual({ unreported, unended, tooMany, left }, { unreported: 0, unended: 0, tooMany: 0, left: 0 });
  const all = Object.values(killed).reduce((sum, count) => sum + count, 0);
  return {
    kills: all,
    "groups of failures": counts.groups,
    "messages received": counts.requests,
    "of these, again with the same id": counts.repeated,
    "groups without an alert": unreported,
    "groups without an end": unended,
  };
}
