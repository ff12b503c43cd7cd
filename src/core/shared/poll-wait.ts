/** A due job has usually begun this much later. */
const GRACE_MS = 500;

/**
 * How long to wait before the next refresh: `first` while things change, and twice as long after each refresh without a
 * change, up to `longest`. Less if something falls due before that.
 *
 * @param quiet how many refreshes in a row found no change.
 * @param dueInMs in how many ms something falls due. Overdue jobs do not count.
 */
export function refreshWaitMs(first: number, longest: number, quiet: number, dueInMs: readonly number[]): number {
  const ahead = dueInMs.filter((ms) => ms > 0).map((ms) => ms + GRACE_MS);
  return Math.max(first, Math.min(first * 2 ** quiet, longest, ...ahead));
}
