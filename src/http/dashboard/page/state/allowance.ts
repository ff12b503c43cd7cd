/** What a new viewer may spend at once, and what it earns after that. Together at most 1,500 commands in an hour. */
const MOST_SAVED = 300;
export const PER_HOUR = 1_200;
const PER_MS = PER_HOUR / 3_600_000;

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
