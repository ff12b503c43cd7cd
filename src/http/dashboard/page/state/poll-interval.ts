const SHORTEST_MS = 3_000;
const LONGEST_MS = 60_000;
/** What falls due has mostly been done so much later. */
const GRACE_MS = 500;
const FIRST_RETRY_MS = 2_000;

/**
 * How long to wait after a refresh that succeeded: 3 s while things move, and twice as long each time that all was as before, up
 * to a minute. Where something falls due sooner, until then.
 *
 * @param quiet how many looks in a row have found all as it was.
 * @param dueInMs when something next needs attention, from now; 0 or less where it is overdue, or nothing will.
 */
export function waitAfterRefresh(quiet: number, dueInMs: number): number {
  const usual = Math.min(SHORTEST_MS * 2 ** quiet, LONGEST_MS);
  return dueInMs > 0 ? Math.max(SHORTEST_MS, Math.min(usual, dueInMs + GRACE_MS)) : usual;
}

/** How long to wait after a failure with so many before it in a row: 2 s, 4 s, and so on up to a minute. */
export function waitAfterFailure(before: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** before, LONGEST_MS);
}
