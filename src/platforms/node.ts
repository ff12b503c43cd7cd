/** A worker for a process that keeps running, and a handler for Node's HTTP server. @module tidegate/node */

import process from "node:process";
import type { DrainOptions } from "../core/drain/options.ts";
import type { DrainReport, DrainTotals as WorkerTotals } from "../core/drain/report.ts";
import { checkQueue, type Queue } from "../core/queue/queue.ts";
import { type Duration, durationMs } from "../core/shared/duration.ts";
import { invalidRequest, isTidegateError } from "../core/shared/errors.ts";
import { checkFunctions, knownOptions, wholeNumber } from "../core/shared/validate.ts";
import { LEAST_PAUSE_MS, makeWorker, type WorkerNeeds } from "../worker/worker.ts";

export {
  type FetchHandler,
  type NodeListener,
  type NodeRequest,
  type NodeResponse,
  nodeListener,
} from "./node-listener.ts";
export { type TimerWakeOptions, timerWake } from "./node-timer.ts";
export type { WorkerTotals };

/** Options of a worker. */
export interface WorkerOptions extends Pick<DrainOptions, "batchSize" | "onProgress"> {
  /** How many jobs run at the same time. Default 10. */
  readonly workers?: number | undefined;
  /**
   * How long to sleep at most before the worker polls for jobs that another process enqueued. Jobs enqueued through the
   * same `Queue` object start immediately. Default "10s", at least "100ms".
   *
   * A poll that finds nothing costs one command for each queue. On Upstash's pay as you go plan ($0.20 for 100,000
   * commands), a month of them costs $0.52 at "10s", $1.04 at "5s", $5.18 at "1s" and $0.09 at "60s". A poll every 5
   * seconds uses up the free plan. On your own Redis polls cost nothing, so use "1s" there.
   */
  readonly checkEvery?: Duration | undefined;
  /** Aborting it is the same as `stop()`. */
  readonly signal?: AbortSignal | undefined;
  /** Stops on the first SIGINT or SIGTERM. The second one, of either kind, ends the process. Default false. */
  readonly handleSignals?: boolean | undefined;
  /** Called after each drain that did something. */
  readonly onReport?: ((report: DrainReport) => void) | undefined;
  /**
   * Called when a drain fails, mostly with `store_unavailable`, with the time until the next one. If the store fails
   * while jobs run, the `cause` of the error is what the store threw. Default: writes a line to standard error.
   */
  readonly onError?: ((error: unknown, retryInMs: number) => void) | undefined;
}

/** A worker in the background. */
export interface RunningWorker {
  /** Resolves with the totals once the worker has stopped and all of its jobs have finished. Never rejects. */
  readonly done: Promise<WorkerTotals>;
  /** The totals so far, including the current drain. */
  readonly totals: WorkerTotals;
  /** Releases jobs that have not started, lets running ones finish, and returns `done`. */
  stop(): Promise<WorkerTotals>;
}

/**
 * Works on a queue for as long as the process lives: drains it, sleeps until something is due, and drains again.
 * While something is due, no worker is idle, however long other jobs take. If the store is unavailable, it retries
 * after 1 to 30 seconds. It never throws in the background.
 *
 * ```ts
 * const worker = startWorker(queue, { workers: 20, handleSignals: true });
 * await worker.done; // after SIGTERM: running jobs have finished, the others are released
 * await client.close();
 * ```
 *
 * @param queue one queue, or several in order of priority. A free worker takes a job of a later queue only if the
 *   earlier ones have none due.
 * @throws {TidegateError} `invalid_request` for an invalid option. Nothing is started.
 */
export function startWorker(queue: Queue | readonly Queue[], options: WorkerOptions = {}): RunningWorker {
  const stopping = new AbortController();
  const worker = makeWorker(readOptions([queue].flat(), options, stopping.signal));
  const stop = () => stopping.abort();
  const ignoreSignals = options.handleSignals ? onFirstSignal(stop) : () => {};
  const done = worker.run().finally(ignoreSignals);
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

/** Calls `stop` on the first signal. After that, each signal ends the process. Returns what stops listening. */
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

function readOptions(queues: readonly Queue[], given: WorkerOptions, stopping: AbortSignal): WorkerNeeds {
  const options = knownOptions(given, optionNames, "startWorker");
  checkFunctions(options, ["onReport", "onError", "onProgress"]);
  if (queues.length === 0) throw invalidRequest("startWorker needs at least one queue.");
  for (const each of queues) checkQueue(each);
  const { workers = 10, checkEvery = "10s", batchSize, onReport, onError = writeLine, onProgress } = options;
  if (options.signal !== undefined && !(options.signal instanceof AbortSignal))
    throw invalidRequest("signal must be an AbortSignal.");
  const checkMs = durationMs(checkEvery, "checkEvery");
  if (checkMs < LEAST_PAUSE_MS) throw invalidRequest('checkEvery must be at least "100ms".');
  const reportError = (error: unknown, retryInMs: number) => {
    try {
      onError(error, retryInMs);
    } catch {
      // There is nowhere else to report it.
    }
  };
  return {
    queues,
    workers: wholeNumber(workers, "workers", 1, 10_000),
    batchSize,
    checkMs,
    signal: options.signal ? AbortSignal.any([options.signal, stopping]) : stopping,
    onReport(report) {
      try {
        onReport?.(report);
      } catch (error) {
        reportError(error, 0);
      }
    },
    onError: reportError,
    onProgress: (report) => onProgress?.(report),
  };
}

function writeLine(error: unknown, retryInMs: number): void {
  // The message of a foreign error can hold anything.
  const reason = isTidegateError(error)
    ? error.message
    : `${(error as Error | undefined)?.name ?? "An error"} was thrown.`;
  console.error(`tidegate worker: ${reason} Retrying in ${Math.ceil(retryInMs / 1_000)} s.`);
}
