/**
 * How much longer than its timeout the lease of a job must last when it starts, so that its outcome can still be
 * settled.
 */
export const SETTLE_MARGIN_MS = 5_000;
/** How long a claimed job may wait for a free slot before its lease is too short to start it. */
const WAIT_FOR_SLOT_MS = 25_000;
/**
 * Leases differ by up to this much at random, so that two claims in one millisecond can be distinguished if one must be
 * sent again.
 */
const SPREAD_MS = 1_000;

/** How long a claim leases jobs whose timeouts are no longer than this. */
export function leaseMsFor(longestTimeoutMs: number, random: () => number): number {
  return longestTimeoutMs + SETTLE_MARGIN_MS + WAIT_FOR_SLOT_MS + Math.floor(random() * SPREAD_MS);
}

/**
 * When an attempt began whose lease ends at `endsAt`, or extended it last: within a few seconds.
 *
 * @param timeoutMs of the job.
 * @param longestTimeoutMs of the jobs that its drain can perform.
 */
export function begunAbout(endsAt: number, timeoutMs: number, longestTimeoutMs: number): number {
  // A lease too short for the job is extended as the attempt begins.
  return (
    endsAt -
    Math.max(
      timeoutMs + SETTLE_MARGIN_MS,
      leaseMsFor(longestTimeoutMs, () => 0.5),
    )
  );
}
