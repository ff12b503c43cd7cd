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
export class Worker {
  readonly #needs: WorkerNeeds;
  readonly #slots: SharedSlots;
  readonly #underWay = new Map<object, DrainReport>();
  #ended: DrainTotals = noTotals;

  constructor(needs: WorkerNeeds) {
    this.#needs = needs;
    this.#slots = new SharedSlots(needs.workers);
    drainLimits(this.#options);
  }

  /** The totals so far, including current drains. */
  get totals(): DrainTotals {
    return [...this.#underWay.values()].reduce(addReport, this.#ended);
  }

  /** Works until the signal aborts and all jobs have ended. @returns the totals. Rejects only as `isDone` says. */
  async run(): Promise<DrainTotals> {
    await Promise.all(this.#needs.queues.map((queue, rank) => this.#work(queue, rank)));
    return this.#ended;
  }

  get #options(): DrainOptions {
    const { workers, batchSize, checkMs, signal } = this.#needs;
    return {
      concurrency: workers,
      maxJobs: NO_LIMIT,
      budget: { roundTrips: NO_LIMIT, commands: NO_LIMIT },
      timeBudget: LONGEST_DRAIN,
      checkEvery: checkMs,
      signal,
      ...(batchSize !== undefined && { batchSize }),
    };
  }

  async #work(queue: Queue, rank: number): Promise<void> {
    const { checkMs, signal, onReport, isDone, onError } = this.#needs;
    const loop = drainLoop({
      clock: queue.clock,
      signal,
      checkMs,
      leastPauseMs: LEAST_PAUSE_MS,
      drain: (onStopped) => this.#drain(queue, { slots: this.#slots.for(rank), onStopped }),
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
  }

  async #drain(queue: Queue, options: InternalDrainOptions): Promise<DrainReport> {
    const drain = {};
    const onProgress = (report: DrainReport) => {
      this.#underWay.set(drain, report);
      this.#needs.onProgress(report);
    };
    try {
      const report = await internalsOf(queue).drain(options, { ...this.#options, onProgress });
      this.#underWay.set(drain, report);
      return report;
    } finally {
      const report = this.#underWay.get(drain);
      if (report) this.#ended = addReport(this.#ended, report);
      this.#underWay.delete(drain);
    }
  }
}
