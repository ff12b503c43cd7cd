import { addReport, type DrainTotals, noTotals } from "../../core/drain/report.ts";
import { isTidegateError } from "../../core/shared/errors.ts";
import { DrainLoop } from "../../worker/loop.ts";
import type { HandlerTarget } from "../target.ts";
import type { Worksite } from "./context.ts";
import { countsOf } from "./totals.ts";

/** By this machine's clock something may have come already, and by the handler's not yet. */
const LEAST_PAUSE_MS = 1_000;

/**
 * Has a handler do the work: drains there again and again while there is a backlog, and sleeps until the next run time.
 *
 * @throws {TidegateError} where the handler refuses; with `--once` also where it cannot be reached.
 */
export async function driveHandler(target: HandlerTarget, site: Worksite): Promise<DrainTotals> {
  let totals = noTotals;
  site.display.show(countsOf(totals));
  const loop = new DrainLoop({
    clock: site.clock,
    signal: site.signal,
    checkMs: Math.max(site.checkEvery, LEAST_PAUSE_MS),
    leastPauseMs: LEAST_PAUSE_MS,
    drain: () => target.queue.drain(site.workers === undefined ? {} : { concurrency: site.workers }),
    onReport(report) {
      totals = addReport(totals, report);
      site.display.show(countsOf(totals), report.backlog ? undefined : report.nextRunAt);
      return site.once && site.isDone(report, target);
    },
    onFailure(error, retryInMs) {
      if (site.once || !isTidegateError(error) || error.code !== "store_unavailable") throw error;
      site.tellFailure(error, retryInMs);
    },
  });
  await loop.run();
  return totals;
}
