import { backoffMs } from "../../core/backoff.ts";
import { sleep } from "../../core/clock.ts";
import type { DrainReport } from "../../core/drain-report.ts";
import { addReport, type DrainTotals, noTotals } from "../../core/drain-report.ts";
import { isTidegateError } from "../../core/errors.ts";
import type { HandlerTarget } from "../target.ts";
import { countsOf, isIdle } from "./totals.ts";
import type { Worksite } from "./worksite.ts";

/** How long to wait where something seems due and yet could not be taken. */
const LEAST_PAUSE_MS = 1_000;
const failureBackoff = { base: "1s", max: "30s", jitter: 0.5 } as const;

/**
 * Has a handler do the work: drains there again and again while there is a backlog, and sleeps until the next run time.
 *
 * @throws {TidegateError} where the handler refuses; with `--once` also where it cannot be reached.
 */
export async function driveHandler(target: HandlerTarget, site: Worksite): Promise<DrainTotals> {
  let totals = noTotals;
  let failures = 0;
  site.display.show(countsOf(totals));
  while (!site.signal.aborted) {
    let waitMs: number;
    try {
      const report = await target.queue.drain(site.workers === undefined ? {} : { concurrency: site.workers });
      failures = 0;
      totals = addReport(totals, report);
      site.display.show(countsOf(totals), report.backlog ? undefined : report.nextRunAt);
      if (site.once && site.isDone(report, target)) break;
      waitMs = waitAfter(report, site);
    } catch (error) {
      if (site.once || !isTidegateError(error) || error.code !== "store_unavailable") throw error;
      failures++;
      waitMs = backoffMs(failureBackoff, Math.min(failures, 10), error, Math.random);
      site.tellFailure(error, waitMs);
    }
    await sleep(site.clock, waitMs, site.signal);
  }
  return totals;
}

function waitAfter(report: DrainReport, site: Worksite): number {
  const checkEvery = Math.max(site.checkEvery, LEAST_PAUSE_MS);
  if (report.stoppedBy === "paused") return checkEvery;
  if (report.backlog) return isIdle(report) ? LEAST_PAUSE_MS : 0;
  const untilNext = report.nextRunAt === null ? checkEvery : report.nextRunAt.getTime() - site.clock();
  // By this machine's clock it may have come already, and by the handler's not yet.
  return Math.min(Math.max(untilNext, LEAST_PAUSE_MS), checkEvery);
}
