import { type Clock, sleep } from "../core/shared/clock.ts";
import type { AppQueues } from "./app-queues.ts";
import type { DrainCalls, Drained } from "./drain-calls.ts";

/** What a cron calls, and where it reports. */
export interface CronParts {
  readonly queues: Pick<AppQueues, "look">;
  readonly app: Pick<DrainCalls, "call">;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called after each call of the app. */
  readonly onDrained: (drained: Drained) => void;
}

/** How often it looks for what has become due. Upstash is not billed for it. */
const LOOK_MS = 250;
const MINUTE_MS = 60_000;
/** How long to wait: for the clock of the app, until the app is up, and while it refuses. */
const RETRY_MS = { early: 1_000, away: 1_000, least: 2_000, most: 30_000 } as const;
const MOST_AT_ONCE = 2;

/**
 * Calls the app's drain route when something is due, and each minute, as a cron does in production. One call follows
 * another; that of the minute does not wait for a long one. What a call has left due is left to the next minute, unless
 * something changes.
 */
export class Cron {
  readonly #parts: CronParts;
  readonly #underWay = new Set<Promise<void>>();
  #minuteAt = 0;
  #retryAt = 0;
  #failures = 0;
  /** What was due when a call found nothing to do, once and twice: the clock of the app may be a little behind. */
  #early = "";
  #left = "";

  constructor(parts: CronParts) {
    this.#parts = parts;
  }

  /** Whether a call of the app is under way. */
  get isWaiting(): boolean {
    return this.#underWay.size > 0;
  }

  /** Runs until the signal is aborted and the calls under way have ended. */
  async run(): Promise<void> {
    const { queues, clock, signal } = this.#parts;
    while (!signal.aborted) {
      // Without an answer it looks again soon: whoever owns the Redis reports that it is gone.
      const times = await queues.look(clock()).catch(() => []);
      const now = clock();
      const due = times.map((at) => (at <= now ? at : "")).join();
      if (!signal.aborted && this.#wants(due, now)) this.#start(due, now);
      const nextMs = Math.min(LOOK_MS, ...times.filter((at) => at > now).map((at) => at - now));
      await sleep(clock, Math.max(1, nextMs), signal);
    }
    await Promise.all(this.#underWay);
  }

  /** @param due the times of what is due, a place for each queue. */
  #wants(due: string, now: number): boolean {
    if (now < this.#retryAt || this.#underWay.size >= MOST_AT_ONCE) return false;
    const isIdle = this.#underWay.size === 0;
    if (this.#failures > 0) return isIdle;
    return now >= this.#minuteAt || (isIdle && /\d/.test(due) && due !== this.#left);
  }

  #start(due: string, now: number): void {
    if (now >= this.#minuteAt) this.#minuteAt = now - (now % MINUTE_MS) + MINUTE_MS;
    this.#left = "";
    const call: Promise<void> = this.#parts.app
      .call()
      .then((drained) => this.#note(drained, due))
      .finally(() => this.#underWay.delete(call));
    this.#underWay.add(call);
  }

  #note(drained: Drained, due: string): void {
    const { clock, signal, onDrained } = this.#parts;
    if (drained.isReached || !signal.aborted) onDrained(drained);
    if (drained.isReached) {
      this.#failures = 0;
      this.#retryAt = 0;
      const { claimed = 0, rearmed = 0 } = drained.report ?? {};
      if (claimed + rearmed > 0 || !/\d/.test(due)) return;
      if (due === this.#early) this.#left = due;
      else this.#retryAt = clock() + RETRY_MS.early;
      this.#early = due;
      return;
    }
    const grown = Math.min(RETRY_MS.least * 2 ** this.#failures, RETRY_MS.most);
    this.#failures++;
    this.#retryAt = clock() + (drained.isAway ? RETRY_MS.away : grown);
  }
}
