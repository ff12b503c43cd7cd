import type { Clock } from "../shared/clock.ts";
import { isTidegateError } from "../shared/errors.ts";
import { atMostAWhile } from "./afterwards.ts";
import { type Logger, logWarning } from "./log.ts";

/**
 * Asks the platform to drain the queue, no later than a time in ms since 1970.
 *
 * It is a hint. It may fail, come twice or too early: no job is lost, and a cron that ticks every hour finds what a
 * lost call has missed. A platform that keeps a single time must keep the earliest that is still ahead.
 */
export type Wake = (at: number) => void | Promise<void>;

/** Times that are asked for soon are at least this far apart. */
const SPACING_MS = 1_000;
/** How early a wake-up may come: some platforms round to a minute. */
const EARLY_MS = 60_000;

/** Calls `wake` when something is due before all that this object has asked for. */
export class WakeCalls {
  readonly #wake: Wake;
  readonly #clock: Clock;
  readonly #logger: Logger | undefined;
  /** The latest time that was asked for: while it is ahead, it is the earliest of those that are. */
  #asked = Number.NEGATIVE_INFINITY;
  /** The latest time that was asked for a second ahead or less. */
  #soon = Number.NEGATIVE_INFINITY;
  /** The earliest time of the calls that have failed since the last one. */
  #missed = Number.POSITIVE_INFINITY;
  #failures = 0;
  /** How many drains in a row came before the time that was asked for, and found nothing. */
  #early = 0;

  /** How long after a failed drain the next one is wanted: a minute, then twice as long each time, up to an hour. */
  static afterFailuresMs(failures: number): number {
    return Math.min(60_000 * 2 ** (failures - 1), 3_600_000);
  }

  constructor(wake: Wake, clock: Clock, logger: Logger | undefined) {
    this.#wake = wake;
    this.#clock = clock;
    this.#logger = logger;
  }

  /**
   * Asks for a drain by then, or less than a second later. Undefined if one that was asked for serves as well: it is
   * still ahead, and comes by then or less than a second later. An infinite time asks for none.
   *
   * @returns a promise that never rejects, and resolves when the call has ended or after two seconds.
   */
  by(at: number): Promise<void> | undefined {
    const now = this.#clock();
    const wanted = Math.max(Math.min(at, this.#missed), now);
    // A time that has passed may have been served before this was stored.
    if (at === Number.POSITIVE_INFINITY || (this.#asked > now && this.#asked < wanted + SPACING_MS)) return undefined;
    // A clock that was set back must not postpone the call.
    const asked = Math.max(wanted, Math.min(this.#soon, now) + SPACING_MS);
    this.#asked = asked;
    this.#missed = Number.POSITIVE_INFINITY;
    if (asked <= now + SPACING_MS) this.#soon = asked;
    return atMostAWhile(this.#clock, () => this.#call(asked));
  }

  /**
   * Asks for the drain after one that has ended. That one may be the one that was asked for, if the platform was early:
   * then it is asked for again. Each time after the first, the platform gets more time, so that it does not come at
   * once.
   *
   * @param isEmpty whether the drain has found nothing.
   */
  afterDrain(at: number, isEmpty: boolean): Promise<void> | undefined {
    const now = this.#clock();
    const isEarly = this.#asked > now && this.#asked < now + EARLY_MS;
    if (isEarly) this.#asked = Number.NEGATIVE_INFINITY;
    this.#failures = 0;
    this.#early = isEarly && isEmpty ? this.#early + 1 : 0;
    const moreMs = this.#early > 1 ? Math.min(SPACING_MS * 2 ** (this.#early - 2), EARLY_MS) : 0;
    return this.by(at + moreMs);
  }

  afterFailure(): Promise<void> | undefined {
    this.#failures++;
    return this.by(this.#clock() + WakeCalls.afterFailuresMs(this.#failures));
  }

  async #call(at: number): Promise<void> {
    try {
      await this.#wake(at);
    } catch (error) {
      this.#asked = Number.NEGATIVE_INFINITY;
      this.#missed = Math.min(this.#missed, at);
      // The message of a foreign error can hold anything, such as a URL or a token.
      const reason = isTidegateError(error) ? error.message : `${(error as Error | undefined)?.name} was thrown.`;
      logWarning(this.#logger, `A wake-up has failed: a cron, or the next one, makes up for it. ${reason}`);
    }
  }
}
