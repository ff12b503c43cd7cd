import { refreshWaitMs } from "../../../../core/shared/poll-wait.ts";

const SHORTEST_MS = 3_000;
const LONGEST_MS = 150_000;
const LONGEST_RETRY_MS = 60_000;
const FIRST_RETRY_MS = 2_000;
const LONGEST_ASKED_MS = 3_600_000;

/**
 * How long to wait after a successful refresh: 3 s while things change, up to two and a half minutes. @see
 * refreshWaitMs
 */
export function waitAfterRefresh(quiet: number, dueInMs: number): number {
  return refreshWaitMs(SHORTEST_MS, LONGEST_MS, quiet, [dueInMs]);
}

/**
 * Whether a request that was refused with this status is refused again. Not if it came too late (408), or one of too
 * many (429).
 */
export function isLasting(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}

/**
 * How long to wait after a failure that `before` others preceded: 2 s, 4 s, and so on up to a minute. Longer if the
 * response says so, up to an hour.
 *
 * @param retryAfter its header, in seconds or as a date.
 */
export function waitAfterFailure(before: number, retryAfter: string | null, now: number): number {
  const seconds = Number(retryAfter ?? 0);
  const asked = Number.isNaN(seconds) ? Date.parse(retryAfter ?? "") - now : seconds * 1_000;
  return Math.max(refreshWaitMs(FIRST_RETRY_MS, LONGEST_RETRY_MS, before, []), Math.min(asked || 0, LONGEST_ASKED_MS));
}

/**
 * What a page that was just opened may spend at once, and what it then earns. Together that is 1,500 commands in any
 * hour.
 */
const MOST_SAVED = 300;
const PER_MS = 1_200 / 3_600_000;

/** The commands that a page may spend by itself. */
export class Allowance {
  #left = MOST_SAVED;
  #at: number;

  constructor(now: number) {
    this.#at = now;
  }

  /** Takes what a refresh cost. What the user asked for never leaves less than nothing. */
  spend(commands: number, now: number, isAsked: boolean): void {
    const left = this.#leftAt(now);
    this.#left = isAsked ? Math.max(Math.min(left, 0), left - commands) : left - commands;
    this.#at = now;
  }

  /** In how many ms a refresh of this cost can be afforded. */
  waitFor(commands: number, now: number): number {
    return Math.max(0, (commands - this.#leftAt(now)) / PER_MS);
  }

  #leftAt(now: number): number {
    return Math.min(MOST_SAVED, this.#left + Math.max(0, now - this.#at) * PER_MS);
  }
}
