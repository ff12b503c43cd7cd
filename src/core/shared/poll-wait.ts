/** A job that has fallen due has usually begun this much later. */
const GRACE_MS = 500;

/**
 * When to look again: after `first` while things change, and twice as long after each look that found no change, up to
 * `longest`. Sooner if something falls due before that.
 *
 * @param quiet how many looks in a row found no change.
 * @param dueInMs in how many ms something falls due. What is overdue does not count.
 */
export function waitBetweenLooks(first: number, longest: number, quiet: number, dueInMs: readonly number[]): number {
  const ahead = dueInMs.filter((ms) => ms > 0).map((ms) => ms + GRACE_MS);
  return Math.max(first, Math.min(first * 2 ** quiet, longest, ...ahead));
}
