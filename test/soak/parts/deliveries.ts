import { deepStrictEqual } from "node:assert/strict";
import { buildProgram } from "../../support/child.ts";
import { type DeliveryFigures, deliverySeries, mustBeNone, newFigures } from "../../support/delivery-crashes.ts";
import { seededRandom } from "../../support/random.ts";
import { openStage } from "../../support/stage.ts";
import type { Figures, Part } from "../part.ts";

const TRIALS_A_SERIES = 25;
const AT_ONCE = 2;

/** Kills processes that serve QStash's interface and deliver its messages. */
export const deliveries: Part = {
  about:
    "processes killed while QStash's SDKs publish to them: no message, callback or step's result lost, no callback made twice",
  sizes: { deaths: 500 },
  async run({ size, seed, progress }) {
    const trials = size("deaths");
    const program = await buildProgram("delivery-child.ts");
    const total = newFigures();
    const series = Array.from({ length: Math.ceil(trials / TRIALS_A_SERIES) }, (_, index) => ({
      random: seededRandom(seed + index),
      trials: Math.min(TRIALS_A_SERIES, trials - index * TRIALS_A_SERIES),
    }));
    let done = 0;
    // One Redis per runner: none may crash while another runner reads it.
    const work = async () => {
      const stage = await openStage({ persist: true });
      try {
        for (let next = series.shift(); next; next = series.shift())
          add(total, await deliverySeries({ stage, program, ...next, progress: () => progress(++done, trials) }));
      } finally {
        await stage.close();
      }
    };
    const restore = muteErrors();
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, work));
    } finally {
      restore();
      await program.remove();
    }
    const broken = mustBeNone.filter((name) => total[name] > 0);
    deepStrictEqual(Object.fromEntries(broken.map((name) => [name, total[name]])), {});
    return shown(total);
  },
};

/** The SDK for workflows logs each request that a killed process has not answered. */
function muteErrors(): () => void {
  const { error } = console;
  console.error = () => {};
  return () => {
    console.error = error;
  };
}

function add(total: DeliveryFigures, { killed, ...counts }: DeliveryFigures): void {
  for (const [point, count] of Object.entries(killed)) total.killed[point as keyof typeof killed] += count;
  for (const [name, count] of Object.entries(counts)) total[name as keyof typeof counts] += count;
}

function shown({ killed, ...counts }: DeliveryFigures): Figures {
  const points = Object.entries(killed).map(([point, count]) => [`killed at ${point}`, count] as const);
  return {
    trials: counts.trials,
    ...Object.fromEntries(points),
    "ended by themselves": counts.ended,
    "crashes of Redis": counts.restarts,
    "SCRIPT FLUSH": counts.flushes,
    "messages acknowledged": counts.acknowledged,
    "requests with a right signature": counts.deliveries,
    "requests with a wrong one": counts.forged,
    "messages delivered again after a success": counts.repeated,
    "messages lost": counts.lost,
    "deduplication ids with several messages": counts.duplicated,
    "messages of an ordered queue that overtook another": counts.overtaken,
    "callbacks due": counts.ends,
    "callbacks missing": counts.unreported,
    "callbacks made twice": counts.reportedTwice,
    "runs of workflows that succeeded": counts.runs,
    "runs that did not succeed": counts.unended,
    "steps run": counts.steps,
    "of these, again with no result stored": counts.stepsAgain,
    "again with a result stored": counts.stepsAgainInVain,
    "stored results lost": counts.resultsLost,
  };
}
