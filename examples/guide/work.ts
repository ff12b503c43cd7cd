import type { Queue, Store } from "tidegate";
import { cloudflareFree } from "tidegate/cloudflare";
import { startWorker } from "tidegate/node";
import { sendEmail } from "./define.ts";
import { openQueue } from "./queue.ts";

export async function drained(queue: Queue) {
  // #region drain
  const report = await queue.drain({
    maxJobs: 100,
    concurrency: 10,
    timeBudget: "25s",
    budget: { roundTrips: 40, commands: 1_000 },
  });
  console.log(`${report.completed} done, ${report.retried} to be retried; stopped by ${report.stoppedBy}`);
  // #endregion
  return report;
}

export async function lingered(queue: Queue) {
  // #region linger
  const report = await queue.drain({ linger: "55s", timeBudget: "55s" });
  // #endregion
  return report;
}

interface Context {
  waitUntil(work: Promise<unknown>): void;
}

export async function afterTheAnswer(queue: Queue, context: Context, to: string): Promise<Response> {
  // #region after-the-answer
  const { id } = await queue.enqueue(sendEmail, { to });
  const within28s = { timeBudget: "10s", linger: "10s", grace: "18s" } as const;
  context.waitUntil(queue.drain({ ...cloudflareFree, ...within28s, maxJobs: 10 }));
  return Response.json({ id }, { status: 202 });
  // #endregion
}

export async function workedFor(store: Store, signal: AbortSignal) {
  // #region process
  const worker = startWorker(openQueue(store), { workers: 4, handleSignals: true, signal });
  const { completed, retried, deadLettered } = await worker.done; // after SIGTERM, Ctrl-C, or an abort of the signal
  // #endregion
  return { completed, retried, deadLettered };
}
