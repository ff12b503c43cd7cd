const SHORTEST_MS = 3_000;
const LONGEST_MS = 60_000;
/** A job that has fallen due is usually done this much later. */
const GRACE_MS = 500;
const FIRST_RETRY_MS = 2_000;

/**
 * How long to wait after a successful refresh: 3 s while things change, and twice as long after each refresh that found no
 * change, up to a minute. Less if something falls due before that.
 *
 * @param quiet how many refreshes in a row found no change.
 * @param dueInMs in how many ms something falls due. 0 or less if it is overdue, or if nothing will.
 */
export function waitAfterRefresh(quiet: number, dueInMs: number): number {
  const usual = Math.min(SHORTEST_MS * 2 ** quiet, LONGEST_MS);
  return dueInMs > 0 ? Math.max(SHORTEST_MS, Math.min(usual, dueInMs + GRACE_MS)) : usual;
}

/** How long to wait after a failure that `before` others preceded: 2 s, 4 s, and so on up to a minute. */
export function waitAfterFailure(before: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** before, LONGEST_MS);
}
