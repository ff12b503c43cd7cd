/** How much longer than its timeout a job's lease must last at the start, so that its outcome can still be settled. */
export const SETTLE_MARGIN_MS = 5_000;
/** How long a claimed job may wait for a free slot before its lease is too short to start it. */
const WAIT_FOR_SLOT_MS = 25_000;
/** Leases differ at random by up to this much, to distinguish two claims in one millisecond if one is sent again. */
const SPREAD_MS = 1_000;

/** How long a claim leases jobs with timeouts up to this. A lease is what other queues call a visibility timeout. */
export function leaseMsFor(longestTimeoutMs: number, random: () => number): number {
  return longestTimeoutMs + SETTLE_MARGIN_MS + WAIT_FOR_SLOT_MS + Math.floor(random() * SPREAD_MS);
}

/** When an attempt began, or last extended its lease, to within a few seconds, from the timeouts of job and drain. */
export function begunAbout(endsAt: number, timeoutMs: number, longestTimeoutMs: number): number {
  const claimedMs = leaseMsFor(longestTimeoutMs, () => 0.5);
  // A lease that is too short for the job is extended when the attempt begins.
  return endsAt - Math.max(timeoutMs + SETTLE_MARGIN_MS, claimedMs);
}
