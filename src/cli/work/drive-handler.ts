import { read } from "../../client/transport.ts";
import type { DrainedAttempts, DrainReport, DrainTotals } from "../../core/drain/report.ts";
import { addReport, noTotals } from "../../core/drain/report.ts";
import { isTidegateError } from "../../core/shared/errors.ts";
import { drainLoop } from "../../worker/loop.ts";
import type { Target } from "../connect.ts";
import { counted } from "../output/text.ts";
import type { WorkContext } from "./context.ts";

/** A job that is due by the clock of this machine may not be due yet by the handler's. */
const LEAST_PAUSE_MS = 1_000;

/**
 * Drives a handler: drains it repeatedly while there is a backlog, and sleeps until the next run time. Prints a line
 * for each attempt, if the handler lists them.
 *
 * @throws {TidegateError} if the handler refuses. With `--once`, also if it cannot be reached.
 */
export async function driveHandler(target: Target, context: WorkContext): Promise<DrainTotals> {
  let totals = noTotals;
  context.display.show(totals);
  const loop = drainLoop({
    clock: context.clock,
    signal: context.signal,
    checkMs: Math.max(context.checkEvery, LEAST_PAUSE_MS),
    leastPauseMs: LEAST_PAUSE_MS,
    drain: drainAndPrint(target, context),
    onReport(report) {
      totals = addReport(totals, report);
      context.display.show(totals, report.backlog ? undefined : report.nextRunAt);
      return context.once && context.isDone(report);
    },
    onFailure(error, retryInMs) {
      if (context.once || !isTidegateError(error) || error.code !== "store_unavailable") throw error;
      context.reportFailure(error, retryInMs);
    },
  });
  await loop.run();
  return totals;
}

const UNLISTED = "The token may not read, so attempts are only counted. To list them, give it the scope read too.";

function drainAndPrint({ send }: Target, { workers, display, print }: WorkContext): () => Promise<DrainReport> {
  const options = workers === undefined ? {} : { concurrency: workers };
  const drain = async (given: object) =>
    read<DrainReport & Partial<DrainedAttempts>>("claimed", send("POST", "/drain", JSON.stringify(given)));
  let isListed = true;
  return async () => {
    if (!isListed) return drain(options);
    try {
      const report = await drain({ ...options, attempts: true });
      const { attempts = [], attemptsLeftOut = 0 } = report;
      if (attemptsLeftOut > 0) display.note(`${counted(attemptsLeftOut, "earlier attempt")} not listed.`);
      for (const attempt of attempts) print(attempt);
      return report;
    } catch (error) {
      if (!isTidegateError(error) || error.code !== "forbidden") throw error;
      const report = await drain(options);
      isListed = false;
      display.note(UNLISTED);
      return report;
    }
  };
}
