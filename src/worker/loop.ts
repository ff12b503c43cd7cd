import type { DrainReport } from "../core/drain/report.ts";
import { backoffMs } from "../core/job/backoff.ts";
import { type Clock, sleep } from "../core/shared/clock.ts";
import { isTidegateError, TidegateError } from "../core/shared/errors.ts";

/** What to drain repeatedly, and how. */
export interface LoopParts {
  readonly clock: Clock;
  /** Aborting it ends the loop once running jobs have ended. */
  readonly signal: AbortSignal;
  /** How long to sleep at most. */
  readonly checkMs: number;
  /** How long to wait at least if something seems due but could not be claimed. */
  readonly leastPauseMs: number;
  /**
   * Drains once. `stopped` can be called as soon as it claims no more: another drain then need not wait for this one.
   */
  drain(stopped: (report: DrainReport, failure?: unknown) => void): Promise<DrainReport>;
  /** Called after each drain. Returning true ends the loop. */
  onReport(report: DrainReport): boolean;
  /** Called after a failed drain, with the time until the next one. Throwing ends the loop. */
  onFailure(error: unknown, retryInMs: number): void;
}

const failureBackoff = { base: "1s", max: "30s", jitter: 0.5 } as const;

/** Whether a drain found nothing to do. */
export function isIdle({ claimed, rearmed }: DrainReport): boolean {
  return claimed === 0 && rearmed === 0;
}

/** Drains repeatedly: at once while there is something to do, else when something falls due. */
export class DrainLoop {
  readonly #parts: LoopParts;
  readonly #underWay = new Set<Promise<unknown>>();
  #failures = 0;
  #isOver = false;
  /** The earliest run time of what was enqueued since the last drain began. */
  #nextDueAt = Number.POSITIVE_INFINITY;
  #wake: () => void = () => {};

  constructor(parts: LoopParts) {
    this.#parts = parts;
  }

  /** Something was enqueued that is due then. The loop wakes for it without a poll. */
  wakeBy(runAt: number): void {
    this.#nextDueAt = Math.min(this.#nextDueAt, runAt);
    this.#wake();
  }

  /** Runs until the signal is aborted or a callback ends it, and all drains have ended. */
  async run(): Promise<void> {
    const { signal } = this.#parts;
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
    if (this.#parts.signal.aborted) return 0;
    const { report, failure } = ended;
    if (report.stoppedBy === "aborted") return this.#retryInMs(failedWhileJobsRan(failure));
    if (this.#isOver) return 0;
    this.#failures = 0;
    return report.stoppedBy === "paused" ? this.#parts.checkMs : this.#waitMs(report);
  }

  #drainUntilItClaimsNoMore(): Promise<Ended> {
    return new Promise<Ended>((resolve) => {
      const drained: Promise<void> = this.#parts
        .drain((report, failure) => resolve({ report, failure }))
        .then(
          (report) => {
            if (this.#parts.onReport(report)) this.#end();
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
    const { clock, checkMs, leastPauseMs } = this.#parts;
    if (report.backlog) return isIdle(report) ? leastPauseMs : 0;
    const waitMs = report.nextRunAt === null ? checkMs : report.nextRunAt.getTime() - clock();
    if (waitMs > 0) return Math.min(waitMs, checkMs);
    return isIdle(report) ? leastPauseMs : 0;
  }

  #retryInMs(error: unknown): number {
    this.#failures++;
    const ms = backoffMs(failureBackoff, Math.min(this.#failures, 10), error, Math.random);
    this.#parts.onFailure(error, ms);
    return ms;
  }

  /** Sleeps this long, or until something enqueued meanwhile falls due. */
  async #sleep(waitMs: number): Promise<void> {
    const { clock, signal } = this.#parts;
    const sleptAt = clock();
    const wakeAt = sleptAt + waitMs;
    for (let ms = 1; ms > 0 && !signal.aborted && !this.#isOver; ) {
      const awake = new AbortController();
      this.#wake = () => awake.abort();
      const now = clock();
      // After the clock was set back, it would sleep until the clock has caught up.
      if (now < sleptAt) return;
      ms = Math.min(wakeAt, this.#failures > 0 ? wakeAt : this.#nextDueAt) - now;
      if (ms > 0) await sleep(clock, ms, awake.signal);
    }
  }
}

type Ended = { readonly report: DrainReport; readonly failure?: unknown } | { readonly error: unknown };

/** The messages of foreign errors can hold anything, and are left to `cause`. */
function failedWhileJobsRan(cause: unknown): TidegateError {
  const reason = isTidegateError(cause) ? cause.message : "The store could not be reached while jobs ran.";
  return new TidegateError(
    "store_unavailable",
    `${reason} Jobs whose outcomes could not be stored run again when their leases expire.`,
    { cause },
  );
}
