import { type DrainOptions, drainLimits, type InternalDrainOptions, NO_LIMIT } from "../core/drain/options.ts";
import { addReport, type DrainReport, type DrainTotals, noTotals } from "../core/drain/report.ts";
import { SharedSlots } from "../core/drain/slots.ts";
import { internalsOf } from "../core/queue/internals.ts";
import type { Queue } from "../core/queue/queue.ts";
import { drainLoop, isIdle } from "./loop.ts";

export interface WorkerNeeds {
  /** In order of priority. */
  readonly queues: readonly Queue[];
  /** How many jobs run at the same time, over all queues. */
  readonly workers: number;
  readonly batchSize?: number | undefined;
  /** The longest sleep between two polls of a queue. */
  readonly checkMs: number;
  /** Aborting it releases jobs that have not started, and lets running ones finish. */
  readonly signal: AbortSignal;
  /** Called after each drain that did something. This and the other callbacks must not throw. */
  readonly onReport: (report: DrainReport) => void;
  /**
   * Called after each drain of a queue. Returns whether the loop of that queue ends. If given, the worker ends once all
   * queues are done, and a failing drain ends it with the error. Default: the worker runs until it is stopped.
   */
  readonly isDone?: ((report: DrainReport) => boolean) | undefined;
  readonly onError: (error: unknown, retryInMs: number) => void;
  readonly onProgress: (report: DrainReport) => void;
}

/** Each drain ends after this time, to measure its pace again and deliver its report. The next one follows at once. */
const LONGEST_DRAIN = "10m";
/** How long to wait if something seems due but could not be claimed. */
export const LEAST_PAUSE_MS = 100;

/**
 * Works on queues for as long as the process lives. Each queue has its own drain loop, and all share the slots: no slot
 * is free while a job of any queue is due, and earlier queues come first.
 */
export function makeWorker(needs: WorkerNeeds) {
  const { queues, workers, batchSize, checkMs, signal, onReport, isDone, onError } = needs;
  const slots = new SharedSlots(workers);
  const underWay = new Map<object, DrainReport>();
  let ended = noTotals;
  const limits: DrainOptions = {
    concurrency: workers,
    maxJobs: NO_LIMIT,
    budget: { roundTrips: NO_LIMIT, commands: NO_LIMIT },
    timeBudget: LONGEST_DRAIN,
    checkEvery: checkMs,
    signal,
    ...(batchSize !== undefined && { batchSize }),
  };
  drainLimits(limits);

  const drain = async (queue: Queue, options: InternalDrainOptions): Promise<DrainReport> => {
    const own = {};
    const onProgress = (report: DrainReport) => {
      underWay.set(own, report);
      needs.onProgress(report);
    };
    try {
      const report = await internalsOf(queue).drain(options, { ...limits, onProgress });
      underWay.set(own, report);
      return report;
    } finally {
      const report = underWay.get(own);
      if (report) ended = addReport(ended, report);
      underWay.delete(own);
    }
  };

  const work = async (queue: Queue, rank: number): Promise<void> => {
    const loop = drainLoop({
      clock: queue.clock,
      signal,
      checkMs,
      leastPauseMs: LEAST_PAUSE_MS,
      drain: (onStopped) => drain(queue, { slots: slots.for(rank), onStopped }),
      onReport(report) {
        if (!isIdle(report)) onReport(report);
        return isDone?.(report) === true;
      },
      onFailure(error, retryInMs) {
        if (isDone) throw error;
        onError(error, retryInMs);
      },
    });
    const stopListening = internalsOf(queue).onDue((runAt) => loop.wakeBy(runAt));
    await loop.run().finally(stopListening);
  };

  return {
    get totals(): DrainTotals {
      return [...underWay.values()].reduce(addReport, ended);
    },
    /** Works until the signal aborts and all jobs have ended. @returns the totals. Rejects only as `isDone` says. */
    async run(): Promise<DrainTotals> {
      await Promise.all(queues.map(work));
      return ended;
    },
  };
}
