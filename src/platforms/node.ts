/**
 * Works on a queue for as long as a process stays.
 *
 * @module tidegate/node
 */

import process from "node:process";
import type { DrainOptions } from "../core/drain/options.ts";
import type { DrainReport, DrainTotals } from "../core/drain/report.ts";
import { checkQueue, type Queue } from "../core/queue/queue.ts";
import { type Duration, durationMs } from "../core/shared/duration.ts";
import { invalidRequest, isTidegateError } from "../core/shared/errors.ts";
import { checkFunctions, checkKnown, wholeNumber } from "../core/shared/validate.ts";
import { LEAST_PAUSE_MS, Worker, type WorkerParts } from "../worker/worker.ts";

/** How a worker goes about it. */
export interface WorkerOptions extends Pick<DrainOptions, "batchSize" | "onProgress"> {
  /** How many jobs run at the same time. Default 10. */
  readonly workers?: number;
  /**
   * How long to sleep at most before looking whether another process has enqueued something that is due earlier than what is
   * known. What is enqueued through the same `Queue` object starts at once. Default "10s", at least "100ms".
   *
   * An idle look is one command for each queue. On Upstash's pay as you go plan (0.20 $ for 100,000) a month of them costs
   * 0.52 $ at "10s", 1.04 $ at "5s", 5.18 $ at "1s" and 0.09 $ at "60s"; the free plan has room for one look every 6 seconds
   * and for nothing else. On a Redis of your own they cost nothing, so take "1s" there.
   */
  readonly checkEvery?: Duration;
  /** Aborting it is the same as `stop()`. */
  readonly signal?: AbortSignal;
  /** Stops on the first SIGINT or SIGTERM. The next one, of either kind, ends the process, as it does by default. Default false. */
  readonly handleSignals?: boolean;
  /** Told of each drain that had something to do. */
  readonly onReport?: (report: DrainReport) => void;
  /**
   * Told when a drain failed, mostly with `store_unavailable`, and after how long the next one is tried. Default: writes a line
   * to standard error.
   */
  readonly onError?: (error: unknown, retryInMs: number) => void;
}

/** What a worker did, over all of its drains. */
export type WorkerTotals = DrainTotals;

/** A worker in the background. */
export interface RunningWorker {
  /** Resolves with the totals when the worker has stopped and all of its jobs have ended. Never rejects. */
  readonly done: Promise<WorkerTotals>;
  /** The totals so far, those of the drain under way included. */
  readonly totals: WorkerTotals;
  /** Hands back what has not started, lets what runs end, and gives what `done` gives. */
  stop(): Promise<WorkerTotals>;
}

/**
 * Works on a queue for as long as the process lives: drains it, sleeps until just when something falls due, and drains again.
 * No worker is idle while something is due, however long the jobs of the others take. While the store is away it tries again after 1 to 30 seconds. Nothing is thrown from the background.
 *
 * ```ts
 * const worker = startWorker(queue, { workers: 20, handleSignals: true });
 * await worker.done; // after SIGTERM: what ran has ended, the rest is handed back
 * await client.close();
 * ```
 *
 * @param queue one, or several in the order of their priority: a free worker takes a job of a later one while the earlier ones have none due.
 * @throws {TidegateError} `invalid_request` for an option that makes no sense. Nothing was started.
 */
export function startWorker(queue: Queue | readonly Queue[], options: WorkerOptions = {}): RunningWorker {
  const stopping = new AbortController();
  const worker = new Worker(readOptions([queue].flat(), options, stopping.signal));
  const stop = () => stopping.abort();
  options.signal?.addEventListener("abort", stop);
  const ignoreSignals = options.handleSignals ? onFirstSignal(stop) : () => {};
  if (options.signal?.aborted) stop();
  const done = worker.run().finally(() => {
    options.signal?.removeEventListener("abort", stop);
    ignoreSignals();
  });
  return {
    done,
    get totals() {
      return worker.totals;
    },
    stop() {
      stop();
      return done;
    },
  };
}

/** Calls `stop` on the first of the signals. From then on each of them ends the process. @returns a function that ends this. */
function onFirstSignal(stop: () => void): () => void {
  const signals = ["SIGINT", "SIGTERM"] as const;
  const ignore = () => {
    for (const signal of signals) process.off(signal, first);
  };
  const first = () => {
    ignore();
    stop();
  };
  for (const signal of signals) process.on(signal, first);
  return ignore;
}

const optionNames: readonly (keyof WorkerOptions)[] = [
  ...(["workers", "checkEvery", "batchSize", "signal", "handleSignals"] as const),
  ...(["onReport", "onError", "onProgress"] as const),
];

/** Checks the options. @throws {TidegateError} `invalid_request` */
function readOptions(queues: readonly Queue[], options: WorkerOptions, signal: AbortSignal): WorkerParts {
  checkKnown(options, optionNames, "startWorker");
  checkFunctions(options, ["onReport", "onError", "onProgress"]);
  if (queues.length === 0) throw invalidRequest("startWorker needs at least one queue.");
  for (const each of queues) checkQueue(each);
  const { workers = 10, checkEvery = "10s", batchSize, onReport, onError = writeLine, onProgress } = options;
  if (options.signal !== undefined && !(options.signal instanceof AbortSignal))
    throw invalidRequest("signal must be an AbortSignal.");
  const checkMs = durationMs(checkEvery, "checkEvery");
  if (checkMs < LEAST_PAUSE_MS) throw invalidRequest('checkEvery must be at least "100ms".');
  const tell = (error: unknown, retryInMs: number) => {
    try {
      onError(error, retryInMs);
    } catch {
      // There is nobody else to tell, and the jobs matter more.
    }
  };
  return {
    queues,
    workers: wholeNumber(workers, "workers", 1, 10_000),
    batchSize,
    checkMs,
    signal,
    onReport(report) {
      try {
        onReport?.(report);
      } catch (error) {
        tell(error, 0);
      }
    },
    onError: tell,
    onProgress: (report) => onProgress?.(report),
  };
}

// Messages of others may hold anything, and a log line may not.
function writeLine(error: unknown, retryInMs: number): void {
  const reason = isTidegateError(error)
    ? error.message
    : `${(error as Error | undefined)?.name ?? "An error"} was thrown.`;
  console.error(`tidegate worker: ${reason} Retrying in ${Math.ceil(retryInMs / 1_000)} s.`);
}
