import { refreshWaitMs } from "../../../../core/shared/poll-wait.ts";

export const SHORTEST_MS = 3_000;
const LONGEST_MS = 150_000;
const LONGEST_RETRY_MS = 60_000;
const FIRST_RETRY_MS = 2_000;
const LONGEST_ASKED_MS = 3_600_000;

/** How long to wait after a successful refresh: 3 s while things change, up to two and a half minutes. */
export function waitAfterRefresh(quiet: number, dueInMs: number): number {
  return refreshWaitMs(SHORTEST_MS, LONGEST_MS, quiet, [dueInMs]);
}

/** Whether a repeated request would be refused again. Not after a timeout (408) or too many requests (429). */
export function isLasting(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}

/**
 * How long to wait after a failure: 2 s, 4 s, and so on up to a minute. Longer if the response says so, up to an hour.
 *
 * @param before how many failures came before it.
 * @param retryAfter the header of the response, in seconds or as a date.
 */
export function waitAfterFailure(before: number, retryAfter: string | null, now: number): number {
  const seconds = Number(retryAfter ?? 0);
  const asked = Number.isNaN(seconds) ? Date.parse(retryAfter ?? "") - now : seconds * 1_000;
  return Math.max(refreshWaitMs(FIRST_RETRY_MS, LONGEST_RETRY_MS, before, []), Math.min(asked || 0, LONGEST_ASKED_MS));
}
