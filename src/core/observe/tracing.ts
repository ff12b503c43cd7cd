import type { EnqueueResult } from "../enqueue/new-job.ts";
import type { AttemptInfo, AttemptOutcome } from "../job/attempt-info.ts";
import type { JobTrace, TraceContext } from "../job/trace-context.ts";
import type { Clock } from "../shared/clock.ts";
import { invalidRequest } from "../shared/errors.ts";
import { atMostAWhile } from "./afterwards.ts";

/** Jobs that are about to be enqueued in one call. */
export interface TracedEnqueue {
  /** The name of the queue. */
  readonly queue: string;
  /** The names of the jobs, in order. */
  readonly names: readonly string[];
  /** The trace of whoever asked for it over HTTP. */
  readonly caller: TraceContext | undefined;
}

/** An attempt that is about to be made. */
export interface TracedAttempt extends AttemptInfo {
  /** The trace in which the job was enqueued, where it was traced. */
  readonly trace: JobTrace | undefined;
}

/** How an attempt has ended. */
export interface TracedOutcome {
  /** What becomes of the job. */
  readonly to: "completed" | "retried" | "snoozed" | "released" | "dead";
  /** What the attempt threw, if it failed. */
  readonly thrown?: unknown;
}

/**
 * What a queue needs to be traced: two functions that do what they are given to do, once, and note what comes of it. What they
 * throw themselves harms no job, and nobody waits for what they do after the work. One that has not begun the work within a second is
 * left out for the rest of the drain. `tracing()` of `tidegate/telemetry` is one for OpenTelemetry.
 */
export interface Tracing {
  /** Enqueues; the trace context that it hands on is stored with each of the jobs. */
  enqueue(
    jobs: TracedEnqueue,
    enqueue: (trace?: TraceContext) => Promise<{ readonly results: readonly EnqueueResult[] }>,
  ): Promise<unknown>;
  /** Makes an attempt. `make` never rejects. */
  attempt(attempt: TracedAttempt, make: () => Promise<TracedOutcome>): Promise<unknown>;
  /** Sends what has been noted. Called when a drain ends, which waits for it, for two seconds at most. */
  flush?(): Promise<unknown>;
}

/** Checks a tracing. @throws {TidegateError} `invalid_request` */
export function checkTracing(tracing: Tracing | undefined): Tracing | undefined {
  if (tracing === undefined) return undefined;
  if (typeof tracing?.enqueue !== "function" || typeof tracing.attempt !== "function") {
    throw invalidRequest("tracing must be what tracing() of tidegate/telemetry gives, or something of the same shape.");
  }
  return tracing;
}

/** How long a tracing may take before it begins the work. */
const BEGINS_WITHIN_MS = 1_000;
/** How long a drain waits at its end for traces before it has them sent: they end with their jobs. */
const ENDS_WITHIN_MS = 1_000;

/**
 * What one drain, or one enqueue, traces. Whatever becomes of a trace, the work is done once, and what comes of it counts; nobody
 * waits for what a trace does after the work, save at the end.
 */
export class TraceCalls {
  readonly #tracing: Tracing;
  readonly #clock: Clock;
  readonly #pending = new Set<Promise<void>>();
  #hasHung = false;

  constructor(tracing: Tracing, clock: Clock) {
    this.#tracing = tracing;
    this.#clock = clock;
  }

  enqueue<Sent extends { readonly results: readonly EnqueueResult[] }>(
    jobs: TracedEnqueue,
    enqueue: (trace?: TraceContext) => Promise<Sent>,
  ): Promise<Sent> {
    return this.#traced((work) => this.#tracing.enqueue(jobs, work), enqueue);
  }

  attempt(attempt: TracedAttempt, make: () => Promise<AttemptOutcome>): Promise<AttemptOutcome> {
    return this.#traced((work) => this.#tracing.attempt(attempt, work), make);
  }

  /** Waits for traces that have not ended with their work, for a second at most. */
  async ended(): Promise<void> {
    if (this.#pending.size > 0) await atMostAWhile(this.#clock, () => Promise.all(this.#pending), ENDS_WITHIN_MS);
  }

  /** Has what was traced sent. For two seconds at most, the wait for traces included. */
  async flushed(): Promise<void> {
    if (!this.#tracing.flush) return this.ended();
    await atMostAWhile(this.#clock, async () => {
      await this.ended();
      await this.#tracing.flush?.();
    });
  }

  async #traced<Result>(
    trace: (work: (context?: TraceContext) => Promise<Result>) => Promise<unknown>,
    work: (context?: TraceContext) => Promise<Result>,
  ): Promise<Result> {
    if (this.#hasHung) return work();
    let result: Promise<Result> | undefined;
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const once = (context?: TraceContext) => {
      begin();
      result ??= work(context);
      return result;
    };
    // What fails is either the work, which its own promise says, or the tracing, which is no reason not to do the work.
    const ended = (async () => trace(once))().then(
      () => {},
      () => {},
    );
    this.#pending.add(ended);
    void ended.then(() => this.#pending.delete(ended));
    if (!result) await this.#begins(Promise.race([begun, ended]));
    return once();
  }

  /** Waits for a tracing to begin the work, or to end without. One that hangs is not asked again. */
  async #begins(begun: Promise<void>): Promise<void> {
    let hangs = true;
    const noted = begun.then(() => {
      hangs = false;
    });
    await atMostAWhile(this.#clock, () => noted, BEGINS_WITHIN_MS);
    if (hangs) this.#hasHung = true;
  }
}

/** @returns undefined where the queue is not traced. */
export function traceCalls({ tracing, clock }: { tracing: Tracing | undefined; clock: Clock }): TraceCalls | undefined {
  return tracing && new TraceCalls(tracing, clock);
}
