import { deepStrictEqual } from "node:assert/strict";
import { type DeliveryFigures, deliverySeries, mustBeNone, newFigures } from "../../support/delivery-crashes.ts";
import { killInSeries, shownKills } from "../kills.ts";
import type { Figures, Part } from "../part.ts";

const TRIALS_A_SERIES = 25;

/** Kills processes that serve QStash's interface and deliver its messages. */
export const deliveries: Part = {
  about:
    "processes killed while QStash's SDKs publish to them: no message, callback or step's result lost, no callback made twice",
  sizes: { deaths: 500 },
  async run(run) {
    const series = { file: "delivery-child.ts", trials: run.size("deaths"), most: TRIALS_A_SERIES };
    const restore = muteErrors();
    const total = await killInSeries(run, series, newFigures(), deliverySeries).finally(restore);
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

function shown(counts: DeliveryFigures): Figures {
  return {
    ...shownKills(counts),
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
