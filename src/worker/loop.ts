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
export function drainLoop({ clock, signal, checkMs, leastPauseMs, drain, onReport, onFailure }: LoopNeeds) {
  const underWay = new Set<Promise<unknown>>();
  let failures = 0;
  let isOver = false;
  /** The earliest run time of jobs enqueued since the last drain began. */
  let nextDueAt = Number.POSITIVE_INFINITY;
  let wake: () => void = () => {};

  const drainUntilItClaimsNoMore = () =>
    new Promise<Ended>((resolve) => {
      const drained: Promise<void> = drain((report, failure) => resolve({ report, failure }))
        .then(
          (report) => {
            if (onReport(report)) {
              isOver = true;
              wake();
            }
            resolve({ report });
          },
          (error: unknown) => resolve({ error }),
        )
        .finally(() => underWay.delete(drained));
      underWay.add(drained);
    });

  const waitMs = (report: DrainReport): number => {
    const waitMs = report.nextRunAt === null ? checkMs : report.nextRunAt.getTime() - clock();
    if (!report.backlog && waitMs > 0) return Math.min(waitMs, checkMs);
    return isIdle(report) ? leastPauseMs : 0;
  };

  const retryInMs = (error: unknown): number => {
    failures++;
    const ms = backoffMs(failureBackoff, Math.min(failures, 10), error, Math.random);
    onFailure(error, ms);
    return ms;
  };

  const round = async (): Promise<number> => {
    const ended = await drainUntilItClaimsNoMore();
    if ("error" in ended) return retryInMs(ended.error);
    if (signal.aborted) return 0;
    const { report, failure } = ended;
    if (report.stoppedBy === "aborted") return retryInMs(failedWhileJobsRan(failure));
    if (isOver) return 0;
    failures = 0;
    return report.stoppedBy === "paused" ? checkMs : waitMs(report);
  };

  const pause = async (waitMs: number): Promise<void> => {
    const sleptAt = clock();
    const wakeAt = sleptAt + waitMs;
    for (let ms = 1; ms > 0 && !signal.aborted && !isOver; ) {
      const awake = new AbortController();
      wake = () => awake.abort();
      const now = clock();
      // If the clock is set back, the loop must not sleep until it has caught up.
      if (now < sleptAt) return;
      ms = Math.min(wakeAt, failures > 0 ? wakeAt : nextDueAt) - now;
      if (ms > 0) await sleep(clock, ms, awake.signal);
    }
  };

  return {
    /** Notes that something was enqueued that is due at `runAt`. The loop wakes for it without a poll. */
    wakeBy(runAt: number): void {
      nextDueAt = Math.min(nextDueAt, runAt);
      wake();
    },
    /** Runs until the signal is aborted or a callback ends it, and all drains have ended. */
    async run(): Promise<void> {
      const stop = () => wake();
      signal.addEventListener("abort", stop);
      try {
        while (!signal.aborted && !isOver) {
          nextDueAt = Number.POSITIVE_INFINITY;
          await pause(await round());
        }
      } finally {
        signal.removeEventListener("abort", stop);
        await Promise.all(underWay);
      }
    },
  };
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
