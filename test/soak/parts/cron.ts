import { deepStrictEqual } from "node:assert/strict";
import { buildProgram, type Program } from "../../support/child.ts";
import { oraclePatterns } from "../../support/cron-oracle-patterns.ts";
import { seededRandom } from "../../support/random.ts";
import type { Part } from "../part.ts";

const AT_ONCE = 2;
const all = Intl.supportedValuesOf("timeZone");

interface Found {
  readonly asked: number;
  readonly differences: readonly string[];
}

/** Schedules in time zones, over two years, compared with an oracle that steps through the clock. */
export const cron: Part = {
  about: `slots of ${oraclePatterns.length} patterns in all time zones, for two years, beside a reading of the rule written apart`,
  sizes: { zones: all.length },
  async run({ size, seed, progress }) {
    const zones = shuffled(all, seededRandom(seed)).slice(0, size("zones"));
    const program = await buildProgram("cron-child.ts");
    const left = [...zones];
    const found: Found[] = [];
    const work = async () => {
      for (let zone = left.shift(); zone; zone = left.shift()) {
        found.push(await compare(program, zone));
        progress(found.length, zones.length);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work)).finally(program.remove);
    deepStrictEqual(
      found.flatMap(({ differences }) => differences),
      [],
    );
    return {
      "zones compared": zones.length,
      "zones there are": all.length,
      "patterns in each": oraclePatterns.length,
      "slots asked for": found.reduce((sum, { asked }) => sum + asked, 0),
      differences: 0,
    };
  },
};

async function compare(program: Program, zone: string): Promise<Found> {
  const child = program.start({ ZONE: zone });
  const code = await child.ended;
  if (code !== 0) throw new Error(`The comparison of ${zone} ended with ${code}.`);
  return JSON.parse(child.output) as Found;
}

function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
