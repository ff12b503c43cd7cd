import type { Wake, WakeCalls } from "../observe/wake.ts";
import type { Clock } from "../shared/clock.ts";
import { isTidegateError } from "../shared/errors.ts";
import type { DrainReport } from "./report.ts";

interface WokenQueue {
  readonly clock: Clock;
  readonly wakes: WakeCalls | undefined;
}

/** When to look again at what is due and could not be claimed. */
const STUCK_MS = 60_000;

/** When the next drain is wanted after one; infinite if nothing is known to come, and on a paused queue. */
export function nextWake(
  { stoppedBy, nextRunAt, backlog, claimed, released, rearmed }: DrainReport,
  now: number,
): number {
  const never = Number.POSITIVE_INFINITY;
  if (stoppedBy === "paused") return never;
  // A response was lost, or the drain was aborted: what it knows of the queue may be too little.
  const unknown = stoppedBy === "aborted" ? now + STUCK_MS : never;
  const next = Math.min(nextRunAt?.getTime() ?? never, backlog ? now : unknown);
  if (next > now) return next;
  // What nobody can claim must not keep the platform busy.
  return claimed > released || rearmed > 0 ? now : now + STUCK_MS;
}

/**
 * Drains queues, and asks for the next drain of each, also if this one fails.
 *
 * @param wake is asked in place of the queues' own, and only for what is known to come.
 * @param reportOf returns the report of one queue, from that of the drain. Default: the same.
 */
export async function thenWake<Queue extends WokenQueue>(
  queues: readonly Queue[],
  { wake }: { readonly wake?: Wake },
  drain: () => Promise<DrainReport>,
  reportOf?: (queue: Queue, report: DrainReport) => DrainReport,
): Promise<DrainReport> {
  let report: DrainReport;
  try {
    report = await drain();
  } catch (error) {
    const isOfCaller = isTidegateError(error) && error.code === "invalid_request";
    if (!wake && !isOfCaller) await Promise.all(queues.map(({ wakes }) => wakes?.afterFailure()));
    throw error;
  }
  const asked = queues.map((queue) => {
    const own = reportOf?.(queue, report) ?? report;
    const at = nextWake(own, queue.clock());
    if (!wake) return queue.wakes?.afterDrain(at, own.claimed === 0 && own.rearmed === 0);
    return at < Number.POSITIVE_INFINITY ? wake(at) : undefined;
  });
  await Promise.all(asked);
  return report;
}
