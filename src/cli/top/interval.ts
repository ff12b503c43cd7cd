import type { QueueBrief } from "../../core/manage/stats.ts";
import { refreshWaitMs } from "../../core/shared/poll-wait.ts";

/** The longest wait, unless the user wants a longer one. */
const LONGEST_MS = 90_000;

/** When to look at some queues again. @param quiet how many looks in a row found no change. @see refreshWaitMs */
export function waitBeforeLook(everyMs: number, quiet: number, queues: readonly QueueBrief[], now: number): number {
  const dueInMs = queues.map(({ stats }) => (stats.paused ? 0 : Number(stats.nextRunAt) - now));
  return refreshWaitMs(everyMs, Math.max(everyMs, LONGEST_MS), quiet, dueInMs);
}
