import { addTotals, type DrainTotals, noTotals } from "../../core/drain/report.ts";
import { Queue } from "../../core/queue/queue.ts";
import { startWorker } from "../../platforms/node.ts";
import { Worker } from "../../worker/worker.ts";
import type { OwnTarget, RedisTarget, Target } from "../target.ts";
import type { WorkContext } from "./context.ts";
import { WorkCounters } from "./counters.ts";
import { printing } from "./printing-hooks.ts";

/** The default number of jobs that run at the same time. */
export const WORKERS = 4;

/** Runs the jobs of the user's module, or of its queues, in this process. */
export async function workInProcess(target: RedisTarget | OwnTarget, context: WorkContext): Promise<DrainTotals> {
  const counters = new WorkCounters(() => context.display.show(counters));
  const queues = target.kind === "own" ? target.queues : [loggingQueue(target, counters, context)];
  // Fails on a wrong setup now, instead of retrying.
  for (const queue of queues) await queue.ping();
  context.display.show(counters);
  if (context.once) return workOnce(target, queues, counters, context);
  const worker = startWorker(queues, {
    workers: context.workers ?? WORKERS,
    checkEvery: context.checkEvery,
    signal: context.signal,
    onProgress: () => counters.take(worker.totals),
    onReport: ({ nextRunAt }) => context.display.show(counters, nextRunAt),
    onError: (error, retryInMs) => context.reportFailure(error, retryInMs),
  });
  return worker.done;
}

/** A queue like the target's that counts running jobs and prints a line for each finished attempt. */
function loggingQueue({ jobs, store, queue }: RedisTarget, counters: WorkCounters, context: WorkContext): Queue {
  return new Queue({
    name: queue.name,
    store,
    jobs: jobs.map((job) => counters.counting(job)),
    clock: queue.clock,
    hooks: printing(context),
    // The hooks print failures.
    logger: null,
  });
}

async function workOnce(
  target: Target,
  queues: readonly Queue[],
  counters: WorkCounters,
  context: WorkContext,
): Promise<DrainTotals> {
  let totals = noTotals;
  let nextRunAt: Date | null = null;
  for (let claimed = 1; claimed > 0; ) {
    const before = totals;
    nextRunAt = null;
    const worker = new Worker({
      queues,
      workers: context.workers ?? WORKERS,
      checkMs: context.checkEvery,
      signal: context.signal,
      isDone(report) {
        if (report.nextRunAt && !(nextRunAt && nextRunAt <= report.nextRunAt)) nextRunAt = report.nextRunAt;
        return context.isDone(report, target);
      },
      onProgress: () => counters.take(addTotals(before, worker.totals)),
      onReport: () => {},
      onError: () => {},
    });
    const pass = await worker.run();
    totals = addTotals(before, pass);
    // Jobs of one queue may have enqueued jobs in a queue that was already done.
    claimed = queues.length > 1 && !context.signal.aborted ? pass.claimed : 0;
  }
  context.display.show(counters, nextRunAt);
  return totals;
}
