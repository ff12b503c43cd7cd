import { type Clock, sleep } from "../core/shared/clock.ts";
import type { AppQueues, Looked } from "./app-queues.ts";
import type { DrainCalls, Drained } from "./drain-calls.ts";

export interface CronParts {
  readonly queues: Pick<AppQueues, "look">;
  /** Undefined: the queues are only looked at. */
  readonly app: Pick<DrainCalls, "call"> | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Gets what is wrong with the app, once, and undefined when the app answers again. */
  readonly onProblem: (problem: string | undefined) => void;
}

/** How often it looks for what has become due. Upstash is not billed for it. */
const LOOK_MS = 250;
const MINUTE_MS = 60_000;
/** How long it waits after a failure, and at first after a call that found nothing to do. */
const RETRY_MS = 2_000;
/** How long an app may show no sign of life while something is due, before it counts as hanging. */
const SILENCE_MS = 10_000;
const MOST_AT_ONCE = 2;
/** After how many calls that took nothing it says so. The clock of the app may be a little behind. */
const MOST_IN_VAIN = 3;
/** A response has its time in whole seconds. */
const CLOCKS_APART_MS = 3_000;

const HANGS = `The app has not responded on its drain route for ${SILENCE_MS / 1_000} s, and runs no job. Its own log may say why.`;

/**
 * Calls the app's drain route when something is due, and every minute, as a cron does in production. One call follows
 * another; that of the minute does not wait for a long one. What a call has left due is tried again more and more
 * seldom, unless something changes.
 */
export class Cron {
  readonly #parts: CronParts;
  readonly #underWay = new Set<AbortController>();
  #minuteAt = 0;
  #retryAt = 0;
  #isFailing = false;
  #problem: string | undefined;
  readonly #said = new Set<string>();
  /** What was due when a call took nothing, and how many calls in turn did so. */
  #left = { due: "", calls: 0, againAt: 0 };
  /** Since when nothing has happened in the queues although something is due and a call is under way. */
  #silentAt = 0;
  #ended = 0;

  constructor(parts: CronParts) {
    this.#parts = parts;
  }

  /** Runs until the signal is aborted. Then it waits for nothing: what the app has begun continues there. */
  async run(): Promise<void> {
    const { queues, app, clock, signal } = this.#parts;
    while (!signal.aborted) {
      // Without an answer it looks again soon: whoever owns the Redis reports that it is gone.
      const looked = await queues.look(clock()).catch(() => []);
      const now = clock();
      if (app && !signal.aborted) this.#act(app, looked, now);
      const nextMs = Math.min(
        LOOK_MS,
        ...looked.filter(({ nextAt }) => nextAt > now).map(({ nextAt }) => nextAt - now),
      );
      await sleep(clock, Math.max(1, nextMs), signal);
    }
    for (const call of this.#underWay) call.abort();
  }

  #act(app: Pick<DrainCalls, "call">, looked: readonly Looked[], now: number): void {
    const due = looked.filter(({ nextAt }) => nextAt <= now);
    this.#giveUpSilent(looked, due.length > 0, now);
    if (this.#wants(keyOf(due), now)) void this.#call(app, due, now);
  }

  #giveUpSilent(looked: readonly Looked[], isDue: boolean, now: number): void {
    const ended = looked.reduce((sum, queue) => sum + queue.ended, 0);
    const isSilent =
      isDue && this.#underWay.size > 0 && ended === this.#ended && !looked.some((each) => each.isRunning);
    if (!isSilent) this.#silentAt = now;
    this.#ended = ended;
    if (now - this.#silentAt < (this.#problem === HANGS ? RETRY_MS : SILENCE_MS)) return;
    for (const call of this.#underWay) call.abort();
    this.#underWay.clear();
    this.#isFailing = true;
    this.#say(HANGS);
  }

  #wants(due: string, now: number): boolean {
    if (now < this.#retryAt || this.#underWay.size >= MOST_AT_ONCE) return false;
    const isIdle = this.#underWay.size === 0;
    if (this.#isFailing) return isIdle;
    if (now >= this.#minuteAt) return true;
    return isIdle && due !== "" && (due !== this.#left.due || now >= this.#left.againAt);
  }

  async #call(app: Pick<DrainCalls, "call">, due: readonly Looked[], now: number): Promise<void> {
    if (now >= this.#minuteAt) this.#minuteAt = now - (now % MINUTE_MS) + MINUTE_MS;
    const call = new AbortController();
    this.#underWay.add(call);
    const drained = await app.call(call.signal).catch(() => undefined);
    // It was given up, or the end has come.
    if (!this.#underWay.delete(call) || !drained || this.#parts.signal.aborted) return;
    this.#note(drained, due);
  }

  #note({ isFailed, problem, took = 0, clockAheadMs = 0 }: Drained, due: readonly Looked[]): void {
    const now = this.#parts.clock();
    this.#isFailing = isFailed;
    this.#retryAt = isFailed ? now + RETRY_MS : 0;
    this.#say(problem);
    if (Math.abs(clockAheadMs) > CLOCKS_APART_MS) this.#sayOnce("clock", clockProblem(clockAheadMs));
    if (isFailed || took > 0) return;
    const key = keyOf(due);
    const calls = key === this.#left.due ? this.#left.calls + 1 : 1;
    this.#left = { due: key, calls, againAt: now + RETRY_MS * 2 ** (calls - 1) };
    if (calls === MOST_IN_VAIN) for (const { name } of due) this.#sayOnce(name, leftAlone(name));
  }

  #say(problem: string | undefined): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#parts.onProblem(problem);
  }

  #sayOnce(about: string, problem: string): void {
    if (this.#said.has(about)) return;
    this.#said.add(about);
    this.#parts.onProblem(problem);
  }
}

function keyOf(due: readonly Looked[]): string {
  return due.map(({ name, nextAt }) => `${name} ${nextAt}`).join();
}

function leftAlone(name: string): string {
  return `Jobs are due in the queue "${name}", and the app takes none. Its drain route must serve that queue, with the same prefix.`;
}

function clockProblem(aheadMs: number): string {
  const seconds = Math.round(Math.abs(aheadMs) / 1_000);
  return `The app's clock is ${seconds} s ${aheadMs > 0 ? "ahead of" : "behind"} this one. Set it right: jobs start by the app's clock.`;
}
