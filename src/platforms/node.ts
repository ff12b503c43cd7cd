/**
 * Works on a queue for as long as a process stays.
 *
 * @module tidegate/node
 */

import process from "node:process";
import { backoffMs } from "../core/backoff.ts";
import { sleep } from "../core/clock.ts";
import { type DrainOptions, drainLimits, NO_LIMIT } from "../core/drain-options.ts";
import { addReport, type DrainReport, type DrainTotals, noTotals } from "../core/drain-report.ts";
import { type Duration, durationMs } from "../core/duration.ts";
import { invalidRequest, isTidegateError, TidegateError } from "../core/errors.ts";
import { checkFunctions, checkKnown } from "../core/known-options.ts";
import { wholeNumber } from "../core/options.ts";
import { checkQueue, type Queue } from "../core/queue.ts";

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
 * While the store is away it tries again after 1 to 30 seconds. Nothing is thrown from the background.
 *
 * ```ts
 * const worker = startWorker(queue, { workers: 20, handleSignals: true });
 * await worker.done; // after SIGTERM: what ran has ended, the rest is handed back
 * await client.close();
 * ```
 *
 * @param queue one, or several in the order of their priority: a later one is drained while the earlier ones are empty.
 * @throws {TidegateError} `invalid_request` for an option that makes no sense. Nothing was started.
 */
export function startWorker(queue: Queue | readonly Queue[], options: WorkerOptions = {}): RunningWorker {
  const loop = new Loop([queue].flat(), options);
  const stop = () => loop.stop();
  options.signal?.addEventListener("abort", stop);
  const ignoreSignals = options.handleSignals ? onFirstSignal(stop) : () => {};
  if (options.signal?.aborted) stop();
  const done = loop.run().finally(() => {
    options.signal?.removeEventListener("abort", stop);
    ignoreSignals();
  });
  return {
    done,
    get totals() {
      return loop.totals;
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

/** A drain is ended now and then, so that its pace is measured anew. */
const LONGEST_DRAIN = "10m";
/** How long to wait where something seems due and yet could not be taken. */
const LEAST_PAUSE_MS = 100;
const storeBackoff = { base: "1s", max: "30s", jitter: 0.5 } as const;

const optionNames: readonly (keyof WorkerOptions)[] = [
  ...(["workers", "checkEvery", "batchSize", "signal", "handleSignals"] as const),
  ...(["onReport", "onError", "onProgress"] as const),
];

class Loop {
  readonly #queues: readonly [Queue, ...Queue[]];
  readonly #options: WorkerOptions;
  readonly #checkMs: number;
  readonly #drainOptions: DrainOptions;
  readonly #stopping = new AbortController();
  #failures = 0;
  #ended: WorkerTotals = noTotals;
  #underWay: DrainReport | undefined;
  /** When something falls due that was enqueued in this process since the last round began. */
  #expectedAt = Number.POSITIVE_INFINITY;
  #wake: () => void = () => {};

  constructor([first, ...rest]: readonly Queue[], options: WorkerOptions) {
    checkKnown(options, optionNames, "startWorker");
    checkFunctions(options, ["onReport", "onError", "onProgress"]);
    if (!first) throw invalidRequest("startWorker needs at least one queue.");
    for (const each of [first, ...rest]) checkQueue(each);
    const { workers = 10, checkEvery = "10s", batchSize, onProgress, signal } = options;
    if (signal !== undefined && !(signal instanceof AbortSignal))
      throw invalidRequest("signal must be an AbortSignal.");
    this.#queues = [first, ...rest];
    this.#options = options;
    this.#checkMs = durationMs(checkEvery, "checkEvery");
    if (this.#checkMs < LEAST_PAUSE_MS) throw invalidRequest('checkEvery must be at least "100ms".');
    this.#drainOptions = {
      concurrency: wholeNumber(workers, "workers", 1, 10_000),
      maxJobs: NO_LIMIT,
      budget: { roundTrips: NO_LIMIT, commands: NO_LIMIT },
      signal: this.#stopping.signal,
      checkEvery: this.#checkMs,
      onProgress: (report) => {
        this.#underWay = report;
        onProgress?.(report);
      },
      ...(batchSize !== undefined && { batchSize }),
    };
    drainLimits(this.#drainOptions);
  }

  stop(): void {
    this.#stopping.abort();
    this.#wake();
  }

  get totals(): WorkerTotals {
    return this.#underWay ? addReport(this.#ended, this.#underWay) : this.#ended;
  }

  async run(): Promise<WorkerTotals> {
    const forget = this.#queues.map((queue) => queue.onExpected((runAt) => this.#expect(runAt)));
    while (!this.#stopping.signal.aborted) {
      this.#expectedAt = Number.POSITIVE_INFINITY;
      await this.#sleep(await this.#round());
    }
    for (const each of forget) each();
    return this.totals;
  }

  #now(): number {
    return this.#queues[0].clock();
  }

  #expect(runAt: number): void {
    this.#expectedAt = Math.min(this.#expectedAt, runAt);
    this.#wake();
  }

  /** Sleeps so long, or until something that this process enqueued falls due. */
  async #sleep(waitMs: number): Promise<void> {
    const sleptAt = this.#now();
    const wakeAt = sleptAt + waitMs;
    for (let ms = 1; ms > 0 && !this.#stopping.signal.aborted; ) {
      const awake = new AbortController();
      this.#wake = () => awake.abort();
      const now = this.#now();
      // A clock that was set back would have it sleep until it is where it was.
      if (now < sleptAt) return;
      ms = Math.min(wakeAt, this.#failures > 0 ? wakeAt : this.#expectedAt) - now;
      if (ms > 0) await sleep(this.#queues[0].clock, ms, awake.signal);
    }
  }

  /** Drains each queue, and tells after how long to do so again. Never rejects. */
  async #round(): Promise<number> {
    try {
      let waitMs = this.#checkMs;
      for (const [index, queue] of this.#queues.entries()) {
        // However much there is to do in a later queue, the earlier ones are looked at again.
        const timeBudget = index === 0 ? LONGEST_DRAIN : this.#checkMs;
        const report = await queue.drain({ ...this.#drainOptions, timeBudget });
        this.#add(report);
        if (this.#stopping.signal.aborted) return 0;
        if (report.stoppedBy === "aborted") throw storeFailed();
        waitMs = Math.min(waitMs, this.#waitMs(report, queue.clock(), index > 0));
      }
      this.#failures = 0;
      return waitMs;
    } catch (error) {
      return this.#retryInMs(error);
    }
  }

  #add(report: DrainReport): void {
    this.#underWay = undefined;
    this.#ended = addReport(this.#ended, report);
    if (isIdle(report)) return;
    try {
      this.#options.onReport?.(report);
    } catch (error) {
      this.#tell(error, 0);
    }
  }

  #waitMs(report: DrainReport, now: number, isLater: boolean): number {
    if (report.stoppedBy === "paused") return this.#checkMs;
    // Meanwhile more may have come in for the queues before it.
    if (isLater && !isIdle(report)) return 0;
    const waitMs = report.nextRunAt === null ? this.#checkMs : report.nextRunAt.getTime() - now;
    return waitMs <= 0 && isIdle(report) ? LEAST_PAUSE_MS : waitMs;
  }

  #retryInMs(error: unknown): number {
    this.#failures++;
    const ms = backoffMs(storeBackoff, Math.min(this.#failures, 10), error, Math.random);
    this.#tell(error, ms);
    return ms;
  }

  #tell(error: unknown, retryInMs: number): void {
    try {
      (this.#options.onError ?? writeLine)(error, retryInMs);
    } catch {
      // There is nobody else to tell, and the jobs matter more.
    }
  }
}

function isIdle(report: DrainReport): boolean {
  return report.claimed === 0 && report.rearmed === 0;
}

function storeFailed(): TidegateError {
  return new TidegateError(
    "store_unavailable",
    "The store could not be reached while jobs ran. What could not be handed in runs again when its lease runs out.",
  );
}

// Messages of others may hold anything, and a log line may not.
function writeLine(error: unknown, retryInMs: number): void {
  const reason = isTidegateError(error)
    ? error.message
    : `${(error as Error | undefined)?.name ?? "An error"} was thrown.`;
  console.error(`tidegate worker: ${reason} It goes on in ${Math.ceil(retryInMs / 1_000)} s.`);
}
