import { NO_LIMIT } from "../../core/drain-options.ts";
import { drainQueues } from "../../core/drain-queues.ts";
import { addReport, type DrainTotals, noTotals } from "../../core/drain-report.ts";
import { TidegateError } from "../../core/errors.ts";
import { Queue } from "../../core/queue.ts";
import { startWorker } from "../../platforms/node.ts";
import type { OwnTarget, RedisTarget, Target } from "../target.ts";
import { Tally } from "./tally.ts";
import type { Worksite } from "./worksite.ts";

/** How many jobs run at the same time where nothing is said. */
export const WORKERS = 4;

/** A drain is ended now and then, so that its pace is measured anew. */
const LONGEST_DRAIN = "10m";

/** Works in this process, on the jobs of the user's module or the queues that it made. */
export async function workHere(target: RedisTarget | OwnTarget, site: Worksite): Promise<DrainTotals> {
  const tally = new Tally(() => site.display.show(tally));
  const queues = target.kind === "own" ? target.queues : [counted(target, tally)];
  // What is set up wrong is told now, and not tried again and again.
  for (const queue of queues) await queue.ping();
  site.display.show(tally);
  if (site.once) return drainUntilEmpty(target, queues, tally, site);
  const worker = startWorker(queues, {
    workers: site.workers ?? WORKERS,
    checkEvery: site.checkEvery,
    signal: site.signal,
    onProgress: () => tally.take(worker.totals),
    onReport: ({ nextRunAt }) => site.display.show(tally, nextRunAt),
    onError: (error, retryInMs) => site.tellFailure(error, retryInMs),
  });
  return worker.done;
}

/** A queue like the target's, whose jobs are counted while they run. */
function counted({ jobs, store, queue }: RedisTarget, tally: Tally): Queue {
  return new Queue({ name: queue.name, store, jobs: jobs.map((job) => tally.counting(job)), clock: queue.clock });
}

async function drainUntilEmpty(
  target: Target,
  queues: readonly Queue[],
  tally: Tally,
  site: Worksite,
): Promise<DrainTotals> {
  let totals = noTotals;
  for (;;) {
    const report = await drainQueues(queues, {
      concurrency: site.workers ?? WORKERS,
      maxJobs: NO_LIMIT,
      timeBudget: LONGEST_DRAIN,
      budget: { roundTrips: NO_LIMIT, commands: NO_LIMIT },
      signal: site.signal,
      onProgress: (report) => tally.take(addReport(totals, report)),
    });
    totals = addReport(totals, report);
    site.display.show(tally, report.nextRunAt);
    if (report.stoppedBy === "aborted" && !site.signal.aborted) throw storeFailed();
    if (site.isDone(report, target)) return totals;
  }
}

function storeFailed(): TidegateError {
  return new TidegateError(
    "store_unavailable",
    "The store could not be reached while jobs ran. Those that could not be handed in run again when their leases run out.",
  );
}
