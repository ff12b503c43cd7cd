import { addReport, type DrainTotals, noTotals } from "../../core/drain/report.ts";
import { isTidegateError } from "../../core/shared/errors.ts";
import { DrainLoop } from "../../worker/loop.ts";
import type { HandlerTarget } from "../target.ts";
import type { WorkContext } from "./context.ts";
import { countsOf } from "./counters.ts";

/** A job that is due by this machine's clock may not be due yet by the handler's. */
const LEAST_PAUSE_MS = 1_000;

/**
 * Drives a handler: drains it repeatedly while there is a backlog, and sleeps until the next run time.
 *
 * @throws {TidegateError} if the handler refuses. With `--once`, also if it cannot be reached.
 */
export async function driveHandler(target: HandlerTarget, context: WorkContext): Promise<DrainTotals> {
  let totals = noTotals;
  context.display.show(countsOf(totals));
  const loop = new DrainLoop({
    clock: context.clock,
    signal: context.signal,
    checkMs: Math.max(context.checkEvery, LEAST_PAUSE_MS),
    leastPauseMs: LEAST_PAUSE_MS,
    drain: () => target.queue.drain(context.workers === undefined ? {} : { concurrency: context.workers }),
    onReport(report) {
      totals = addReport(totals, report);
      context.display.show(countsOf(totals), report.backlog ? undefined : report.nextRunAt);
      return context.once && context.isDone(report, target);
    },
    onFailure(error, retryInMs) {
      if (context.once || !isTidegateError(error) || error.code !== "store_unavailable") throw error;
      context.reportFailure(error, retryInMs);
    },
  });
  await loop.run();
  return totals;
}
