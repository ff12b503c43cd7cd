import type { DrainReport } from "./report.ts";

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
