import { refreshWaitMs } from "../../../../core/shared/poll-wait.ts";

// How often the page refreshes: less often when nothing changes, and within an allowance.

const SHORTEST_MS = 3_000;
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

/** What a new viewer may spend at once, and what it earns after that. Together at most 1,500 commands in an hour. */
const MOST_SAVED = 300;
const PER_MS = 1_200 / 3_600_000;

/** The commands that a page of the dashboard may spend without the user. */
export class Allowance {
  #left = MOST_SAVED;
  #at: number;

  constructor(now: number) {
    this.#at = now;
  }

  /** Takes the cost of a refresh. A refresh that the user asked for never causes a debt. */
  spend(commands: number, now: number, isAsked: boolean): void {
    const left = this.#leftAt(now);
    this.#left = isAsked ? Math.max(Math.min(left, 0), left - commands) : left - commands;
    this.#at = now;
  }

  /** In how many ms the viewer can afford a refresh of this cost. */
  waitFor(commands: number, now: number): number {
    return Math.max(0, (commands - this.#leftAt(now)) / PER_MS);
  }

  #leftAt(now: number): number {
    return Math.min(MOST_SAVED, this.#left + Math.max(0, now - this.#at) * PER_MS);
  }
}
