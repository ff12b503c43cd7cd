import { addTotals, type DrainTotals, noTotals } from "../../core/drain/report.ts";
import { Queue } from "../../core/queue/queue.ts";
import { startWorker } from "../../platforms/node.ts";
import { Worker } from "../../worker/worker.ts";
import type { OwnTarget, RedisTarget, Target } from "../target.ts";
import type { Worksite } from "./context.ts";
import { Tally } from "./counters.ts";

/** How many jobs run at the same time where nothing is said. */
export const WORKERS = 4;

/** Works in this process, on the jobs of the user's module or the queues that it made. */
export async function workHere(target: RedisTarget | OwnTarget, site: Worksite): Promise<DrainTotals> {
  const tally = new Tally(() => site.display.show(tally));
  const queues = target.kind === "own" ? target.queues : [printing(target, tally, site)];
  // What is set up wrong is told now, and not tried again and again.
  for (const queue of queues) await queue.ping();
  site.display.show(tally);
  if (site.once) return workOnce(target, queues, tally, site);
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

/** A queue like the target's, whose jobs are counted while they run and get a line each when they end. */
function printing({ jobs, store, queue }: RedisTarget, tally: Tally, site: Worksite): Queue {
  return new Queue({
    name: queue.name,
    store,
    jobs: jobs.map((job) => tally.counting(job)),
    clock: queue.clock,
    hooks: site.hooks,
    // The lines of the hooks say why an attempt failed.
    logger: null,
  });
}

async function workOnce(target: Target, queues: readonly Queue[], tally: Tally, site: Worksite): Promise<DrainTotals> {
  let totals = noTotals;
  let nextRunAt: Date | null = null;
  for (let claimed = 1; claimed > 0; ) {
    const before = totals;
    nextRunAt = null;
    const worker = new Worker({
      queues,
      workers: site.workers ?? WORKERS,
      checkMs: site.checkEvery,
      signal: site.signal,
      isDone(report) {
        if (report.nextRunAt && !(nextRunAt && nextRunAt <= report.nextRunAt)) nextRunAt = report.nextRunAt;
        return site.isDone(report, target);
      },
      onProgress: () => tally.take(addTotals(before, worker.totals)),
      onReport: () => {},
      onError: () => {},
    });
    const pass = await worker.run();
    totals = addTotals(before, pass);
    // The jobs of one queue may have put something in line in another that was done already.
    claimed = queues.length > 1 && !site.signal.aborted ? pass.claimed : 0;
  }
  site.display.show(tally, nextRunAt);
  return totals;
}
