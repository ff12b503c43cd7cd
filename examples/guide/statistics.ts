import type { Queue } from "tidegate";

export async function show(queue: Queue) {
  // #region stats
  const stats = await queue.getStats();

  console.log(`Total enqueued: ${stats.totalEnqueued}`);
  console.log(`Total processed: ${stats.totalProcessed}`);
  console.log(`Total failed: ${stats.totalFailed}`);
  console.log(`Pending: ${stats.pendingCount}`);
  console.log(`Running: ${stats.runningCount}`);
  console.log(`Dead-letter queue: ${stats.deadLetterCount}`);
  // #endregion
  return stats;
}

export async function showNames(queue: Queue) {
  // #region figures
  const { names, other } = await queue.getFigures({ pending: true });

  for (const { name, hour, pending } of names) {
    const { processed, retried, dead, running } = hour;
    console.log(`${name}: ${processed} done, ${retried} retried, ${dead} dead, p95 ${running?.p95Ms ?? 0} ms`);
    console.log(`  ${pending?.count} waiting`);
  }
  // #endregion
  return { names, other };
}

export async function showBusiestHour(queue: Queue) {
  // #region history
  const { hours } = await queue.getHistory();
  const busiest = hours.reduce((a, b) => (b.processed > a.processed ? b : a));
  console.log(`${busiest.at.toISOString()}: ${busiest.processed} jobs`);
  // #endregion
}

// #region watch
const MINUTE_MS = 60_000;

/** Problems that need attention, as sentences. */
export async function problems(queue: Queue): Promise<string[]> {
  const { deadLetterCount, oldestReadyAgeMs, paused } = await queue.getStats();
  return [
    ...(deadLetterCount > 0 ? [`Dead jobs: ${deadLetterCount}.`] : []),
    ...((oldestReadyAgeMs ?? 0) > 5 * MINUTE_MS
      ? ["Nothing runs the jobs that are due. Does the cron trigger fire?"]
      : []),
    ...(paused ? ["The queue is paused."] : []),
  ];
}
// #endregion

export async function holdBack(queue: Queue, migrate: () => Promise<void>) {
  // #region pause-jobs
  await queue.pauseJobs("charge", { reason: "CRM is down", by: "on-call" });
  await queue.resumeJobs("charge", { by: "on-call" });
  // #endregion
  // #region pause
  await queue.pause({ by: "migration" }); // no drain starts a job or fires a schedule; enqueuing works
  await migrate();
  await queue.resume({ by: "migration" });
  // #endregion
}

export async function blame(queue: Queue) {
  // #region changes
  const { changes } = await queue.listChanges({ limit: 20 });
  for (const { at, by, operation, target, count } of changes) console.log(at, by, operation, target, count);
  // #endregion
}

export async function empty(queue: Queue) {
  // #region clear
  const { cleared } = await queue.clear({ state: "pending" }); // or "scheduled", "ready", "completed", "dead"
  // #endregion
  return cleared;
}
