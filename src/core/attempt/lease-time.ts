/** How much longer than its timeout a job's lease must last when it starts, so that the outcome can still be handed in. */
export const SETTLE_MARGIN_MS = 5_000;
/** How long a claimed job may wait for a free slot before its lease is too short to start it. */
const WAIT_FOR_SLOT_MS = 25_000;

/**
 * How long a claim leases jobs whose timeouts are at most so long. The odd part keeps the leases of two claims in the same
 * millisecond apart, should one of them have to ask again for its own.
 */
export function leaseMsFor(longestTimeoutMs: number, random: () => number): number {
  return longestTimeoutMs + SETTLE_MARGIN_MS + WAIT_FOR_SLOT_MS + Math.floor(random() * 1_000);
}
