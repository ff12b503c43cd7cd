import { deepStrictEqual } from "node:assert/strict";
import { type AlertFigures, alertSeries } from "../../support/alert-crashes.ts";
import { buildProgram } from "../../support/child.ts";
import { seededRandom } from "../../support/random.ts";
import { openStage } from "../../support/stage.ts";
import type { Figures, Part } from "../part.ts";

/** Kills processes whose jobs die and that send alerts, on one database and in three partitions. */
export const alerts: Part = {
  about: "processes killed while jobs die and alerts are sent: no group of failures unreported, none without its end",
  sizes: { alertKills: 200 },
  async run({ size, seed, progress }) {
    const kills = size("alertKills");
    const program = await buildProgram("alerts-child.ts");
    const stage = await openStage();
    try {
      const half = Math.ceil(kills / 2);
      const whole = { stage, program, kills: half, random: seededRandom(seed) };
      const onOne = await alertSeries({ ...whole, progress: (done) => progress(done, kills) });
      const parts = { stage, program, kills: Math.max(1, kills - half), random: seededRandom(seed + 1), partitions: 3 };
      const inParts = await alertSeries({ ...parts, progress: (done) => progress(half + done, kills) });
      return { ...shown("one database", onOne), ...shown("three partitions", inParts) };
    } finally {
      await stage.close();
      await program.remove();
    }
  },
};

function shown(where: string, { killed, unreported, unended, tooMany, left, ...counts }: AlertFigures): Figures {
  deepStrictEqual({ unreported, unended, tooMany, left }, { unreported: 0, unended: 0, tooMany: 0, left: 0 });
  const all = Object.values(killed).reduce((sum, count) => sum + count, 0);
  return {
    [`${where}: kills`]: all,
    [`${where}: groups of failures`]: counts.groups,
    [`${where}: messages received`]: counts.requests,
    [`${where}: of these, again with the same id`]: counts.repeated,
    [`${where}: groups without an alert`]: unreported,
    [`${where}: groups without an end`]: unended,
  };
}
