import { addTotals, type DrainTotals, noTotals } from "../../core/drain/report.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { LEAST_PAUSE_MS, makeWorker } from "../../worker/worker.ts";
import type { WorkContext } from "./context.ts";

export const WORKERS = 4;

/** Runs the jobs of the user's module, or of its queues, in this process. */
export async function workInProcess(queues: readonly Queue[], context: WorkContext): Promise<DrainTotals> {
  const { once, display, signal } = context;
  // Fails on a wrong setup now, instead of retrying.
  for (const queue of queues) await queue.ping();
  display.show(noTotals);
  let totals = noTotals;
  for (let claimed = 1; claimed > 0; ) {
    const before = totals;
    const worker = makeWorker({
      ...{ queues, signal, workers: context.workers ?? WORKERS },
      checkMs: Math.max(context.checkEvery, LEAST_PAUSE_MS),
      isDone: once ? context.isDone : undefined,
      onProgress: () => display.show(addTotals(before, worker.totals)),
      onReport: ({ nextRunAt }) => once || display.show(worker.totals, nextRunAt),
      onError: context.reportFailure,
    });
    const pass = await worker.run();
    totals = addTotals(before, pass);
    // Jobs of one queue may have enqueued jobs in a queue that was already done.
    claimed = once && queues.length > 1 && !signal.aborted ? pass.claimed : 0;
  }
  return totals;
}
