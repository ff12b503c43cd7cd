import type { DrainReport } from "../core/drain/report.ts";
import { backoffMs } from "../core/job/backoff.ts";
import { type Clock, sleep } from "../core/shared/clock.ts";
import { isTidegateError, TidegateError } from "../core/shared/errors.ts";

export interface LoopNeeds {
  readonly clock: Clock;
  /** Aborting it ends the loop once running jobs have ended. */
  readonly signal: AbortSignal;
  /** How long to sleep at most. */
  readonly checkMs: number;
  /** The least pause if something seems due but could not be claimed. */
  readonly leastPauseMs: number;
  /** Drains once. Calls `stopped` when it claims no more: another drain then need not wait for this one. */
  drain(stopped: (report: DrainReport, failure?: unknown) => void): Promise<DrainReport>;
  /** Called after each drain. Returning true ends the loop. */
  onReport(report: DrainReport): boolean;
  /** Called after a failed drain, with the time until the next one. Throwing ends the loop. */
  onFailure(error: unknown, retryInMs: number): void;
}

const failureBackoff = { base: "1s", max: "30s", jitter: 0.5 } as const;

export function isIdle({ claimed, rearmed }: DrainReport): boolean {
  return claimed === 0 && rearmed === 0;
}

/** Drains repeatedly: at once while there is a backlog, otherwise when something falls due. */
export class DrainLoop {
  readonly #needs: LoopNeeds;
  readonly #underWay = new Set<Promise<unknown>>();
  #failures = 0;
  #isOver = false;
  /** The earliest run time of jobs enqueued since the last drain began. */
  #nextDueAt = Number.POSITIVE_INFINITY;
  #wake: () => void = () => {};

  constructor(needs: LoopNeeds) {
    this.#needs = needs;
  }

  /** Notes that something was enqueued that is due at `runAt`. The loop wakes for it without a poll. */
  wakeBy(runAt: number): void {
    this.#nextDueAt = Math.min(this.#nextDueAt, runAt);
    this.#wake();
  }

  /** Runs until the signal is aborted or a callback ends it, and all drains have ended. */
  async run(): Promise<void> {
    const { signal } = this.#needs;
    const stop = () => this.#wake();
    signal.addEventListener("abort", stop);
    try {
      while (!signal.aborted && !this.#isOver) {
        this.#nextDueAt = Number.POSITIVE_INFINITY;
        await this.#sleep(await this.#round());
      }
    } finally {
      signal.removeEventListener("abort", stop);
      await Promise.all(this.#underWay);
    }
  }

  /** Drains, and returns how long to wait before the next drain. */
  async #round(): Promise<number> {
    const ended = await this.#drainUntilItClaimsNoMore();
    if ("error" in ended) return this.#retryInMs(ended.error);
    if (this.#needs.signal.aborted) return 0;
    const { report, failure } = ended;
    if (report.stoppedBy === "aborted") return this.#retryInMs(failedWhileJobsRan(failure));
    if (this.#isOver) return 0;
    this.#failures = 0;
    return report.stoppedBy === "paused" ? this.#needs.checkMs : this.#waitMs(report);
  }

  #drainUntilItClaimsNoMore(): Promise<Ended> {
    return new Promise<Ended>((resolve) => {
      const drained: Promise<void> = this.#needs
        .drain((report, failure) => resolve({ report, failure }))
        .then(
          (report) => {
            if (this.#needs.onReport(report)) this.#end();
            resolve({ report });
          },
          (error: unknown) => resolve({ error }),
        )
        .finally(() => this.#underWay.delete(drained));
      this.#underWay.add(drained);
    });
  }

  #end(): void {
    this.#isOver = true;
    this.#wake();
  }

  #waitMs(report: DrainReport): number {
    const { clock, checkMs, leastPauseMs } = this.#needs;
    if (report.backlog) return isIdle(report) ? leastPauseMs : 0;
    const waitMs = report.nextRunAt === null ? checkMs : report.nextRunAt.getTime() - clock();
    if (waitMs > 0) return Math.min(waitMs, checkMs);
    return isIdle(report) ? leastPauseMs : 0;
  }

  #retryInMs(error: unknown): number {
    this.#failures++;
    const ms = backoffMs(failureBackoff, Math.min(this.#failures, 10), error, Math.random);
    this.#needs.onFailure(error, ms);
    return ms;
  }

  /** Sleeps this long, or until a job that is enqueued meanwhile falls due. */
  async #sleep(waitMs: number): Promise<void> {
    const { clock, signal } = this.#needs;
    const sleptAt = clock();
    const wakeAt = sleptAt + waitMs;
    for (let ms = 1; ms > 0 && !signal.aborted && !this.#isOver; ) {
      const awake = new AbortController();
      this.#wake = () => awake.abort();
      const now = clock();
      // If the clock is set back, the loop must not sleep until it has caught up.
      if (now < sleptAt) return;
      ms = Math.min(wakeAt, this.#failures > 0 ? wakeAt : this.#nextDueAt) - now;
      if (ms > 0) await sleep(clock, ms, awake.signal);
    }
  }
}

type Ended = { readonly report: DrainReport; readonly failure?: unknown } | { readonly error: unknown };

/** Foreign errors can contain anything in their messages, so they are only the `cause`. */
function failedWhileJobsRan(cause: unknown): TidegateError {
  const reason = isTidegateError(cause) ? cause.message : "The store could not be reached while jobs ran.";
  return new TidegateError(
    "store_unavailable",
    `${reason} Jobs whose outcomes could not be stored run again when their leases expire.`,
    { cause },
  );
}
