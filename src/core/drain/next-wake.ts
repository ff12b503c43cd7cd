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

/** When the next drain is wanted after one; undefined if nothing is known to come, and on a paused queue. */
export function nextWake(
  { stoppedBy, nextRunAt, backlog, claimed, released, rearmed }: DrainReport,
  now: number,
): number | undefined {
  if (stoppedBy === "paused") return undefined;
  const moments = [
    ...(nextRunAt ? [nextRunAt.getTime()] : []),
    ...(backlog ? [now] : []),
    // A response was lost, or the drain was aborted: what it says of the queue may be too little.
    ...(stoppedBy === "aborted" ? [now + STUCK_MS] : []),
  ];
  if (moments.length === 0) return undefined;
  const next = Math.min(...moments);
  if (next > now) return next;
  // What nobody can claim must not keep the platform busy.
  return claimed > released || rearmed > 0 ? now : now + STUCK_MS;
}

/**
 * Drains queues, and asks for the next drain of each, also if this one fails.
 *
 * @param wake is asked in place of the queues' own, and only for what is known to come.
 * @param reportOf the report of one queue. Default: that of the drain.
 * @throws what `drain` throws.
 */
export async function thenWake<Queue extends WokenQueue>(
  queues: readonly Queue[],
  { wake }: { readonly wake?: Wake },
  drain: () => Promise<DrainReport>,
  reportOf = (_: Queue, report: DrainReport) => report,
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
    const at = nextWake(reportOf(queue, report), queue.clock());
    if (!wake) return queue.wakes?.afterDrain(at);
    return at === undefined ? undefined : wake(at);
  });
  await Promise.all(asked);
  return report;
}
