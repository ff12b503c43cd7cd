import { addTotals, type DrainTotals, noTotals } from "../../core/drain/report.ts";
import type { QueueOptions } from "../../core/queue/options.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { startWorker } from "../../platforms/node.ts";
import { Worker } from "../../worker/worker.ts";
import type { Target } from "../connect.ts";
import { printing } from "./attempt-lines.ts";
import type { WorkContext } from "./context.ts";

/** The default number of jobs that run at the same time. */
export const WORKERS = 4;

/** Runs the jobs of the user's module, or of its queues, in this process. */
export async function workInProcess(
  target: Target,
  queues: readonly Queue[],
  context: WorkContext,
): Promise<DrainTotals> {
  // Fails on a wrong setup now, instead of retrying.
  for (const queue of queues) await queue.ping();
  context.display.show(noTotals);
  if (context.once) return workOnce(target, queues, context);
  const worker = startWorker(queues, {
    workers: context.workers ?? WORKERS,
    checkEvery: context.checkEvery,
    signal: context.signal,
    onProgress: () => context.display.show(worker.totals),
    onReport: ({ nextRunAt }) => context.display.show(worker.totals, nextRunAt),
    onError: (error, retryInMs) => context.reportFailure(error, retryInMs),
  });
  return worker.done;
}

/** Makes a queue print a line for each finished attempt. The hooks print failures too. */
export function logging(context: WorkContext): (options: QueueOptions) => QueueOptions {
  return (options) => ({ ...options, hooks: printing(context), logger: null });
}

async function workOnce(target: Target, queues: readonly Queue[], context: WorkContext): Promise<DrainTotals> {
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
      onProgress: () => context.display.show(addTotals(before, worker.totals)),
      onReport: () => {},
      onError: () => {},
    });
    const pass = await worker.run();
    totals = addTotals(before, pass);
    // Jobs of one queue may have enqueued jobs in a queue that was already done.
    claimed = queues.length > 1 && !context.signal.aborted ? pass.claimed : 0;
  }
  context.display.show(totals, nextRunAt);
  return totals;
}
