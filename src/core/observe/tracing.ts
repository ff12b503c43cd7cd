import type { AttemptInfo, AttemptOutcome } from "../job/attempt-info.ts";
import type { EnqueueResult } from "../job/enqueue.ts";
import type { JobTrace, TraceContext } from "../job/trace-context.ts";
import type { Clock } from "../shared/clock.ts";
import { invalidRequest } from "../shared/errors.ts";
import { Afterwards, atMostAWhile } from "./afterwards.ts";

/** Jobs that one call is about to enqueue. */
export interface TracedEnqueue {
  /** The name of the queue. */
  readonly queue: string;
  /** The names of the jobs, in order. */
  readonly names: readonly string[];
  /** The trace of the HTTP request that asked for it. */
  readonly caller: TraceContext | undefined;
}

/** An attempt that is about to be made. */
export interface TracedAttempt extends AttemptInfo {
  /** The trace in which the job was enqueued, if it was traced. */
  readonly trace: JobTrace | undefined;
}

/** How an attempt has ended. */
export interface TracedOutcome {
  /** The outcome of the attempt. */
  readonly to: "completed" | "retried" | "snoozed" | "released" | "dead" | "expired";
  /** What the attempt threw, if it failed. */
  readonly thrown?: unknown;
}

/** An attempt of a step that is about to be made. */
export interface TracedStep extends AttemptInfo {
  /** The name of the step. */
  readonly step: string;
  /** Which attempt of the step it is: 1 for the first. */
  readonly stepAttempt: number;
}

/**
 * Traces a queue: functions that do the given work, once, and record how it ends. Their own errors do not affect jobs,
 * and nothing waits for what they do after the work. If one does not start the work within a second, the rest of the
 * drain is not traced. `tracing()` from `tidegate/telemetry` does this with OpenTelemetry.
 */
export interface Tracing {
  /** Calls `enqueue`. The trace context that it passes is stored with each of the jobs. */
  enqueue(
    jobs: TracedEnqueue,
    enqueue: (trace?: TraceContext) => Promise<{ readonly results: readonly EnqueueResult[] }>,
  ): Promise<unknown>;
  /**
   * Calls `make`, which makes the attempt and never rejects. The trace context that it passes is stored with each job
   * of `job.enqueue`.
   */
  attempt(attempt: TracedAttempt, make: (trace?: TraceContext) => Promise<TracedOutcome>): Promise<unknown>;
  /**
   * Calls `run`, which makes an attempt of a step and rejects if that fails. It is called inside `attempt`. Default:
   * steps are not traced.
   */
  readonly step?: ((step: TracedStep, run: () => Promise<unknown>) => Promise<unknown>) | undefined;
  /** Sends what has been recorded. A drain calls it at its end and waits for it, at most two seconds. */
  readonly flush?: (() => Promise<unknown>) | undefined;
}

export function checkTracing(tracing: Tracing | undefined): Tracing | undefined {
  if (tracing === undefined) return undefined;
  if (typeof tracing?.enqueue !== "function" || typeof tracing.attempt !== "function")
    throw invalidRequest("tracing must be an object from tracing() of tidegate/telemetry, or one of the same shape.");
  return tracing;
}

/** How long a tracing may take before it starts the work. */
const BEGINS_WITHIN_MS = 1_000;
/** How long a drain waits at its end for traces to end, before it sends them. */
const ENDS_WITHIN_MS = 1_000;

export type TraceCalls = ReturnType<typeof traceCalls>;

/** Traces one drain or enqueue. The work is done once, and its result counts. Only the end waits for the tracing. */
export function traceCalls(tracing: Tracing, clock: Clock) {
  const pending = new Afterwards();
  let hasHung = false;

  /** Waits for a tracing to start the work, or to end without it. One that hangs is not called again. */
  const begins = async (begun: Promise<void>): Promise<void> => {
    let hangs = true;
    const noted = begun.then(() => {
      hangs = false;
    });
    await atMostAWhile(clock, () => noted, BEGINS_WITHIN_MS);
    if (hangs) hasHung = true;
  };

  const traced = async <Result>(
    trace: (work: (context?: TraceContext) => Promise<Result>) => Promise<unknown>,
    work: (context?: TraceContext) => Promise<Result>,
  ): Promise<Result> => {
    if (hasHung) return work();
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
    // A failure of the work shows in its own promise. If the tracing fails, the work is still done.
    const ended = (async () => trace(once))().then(
      () => {},
      () => {},
    );
    pending.take(ended);
    if (!result) await begins(Promise.race([begun, ended]));
    return once();
  };

  const ended = (): Promise<void> => pending.endedWithin(clock, ENDS_WITHIN_MS);

  return {
    ended,
    enqueue: <Sent extends { readonly results: readonly EnqueueResult[] }>(
      jobs: TracedEnqueue,
      enqueue: (trace?: TraceContext) => Promise<Sent>,
    ): Promise<Sent> => traced((work) => tracing.enqueue(jobs, work), enqueue),
    attempt: (
      attempt: TracedAttempt,
      make: (trace?: TraceContext) => Promise<AttemptOutcome>,
    ): Promise<AttemptOutcome> => traced((work) => tracing.attempt(attempt, work), make),
    step: <Result>(step: TracedStep, run: () => Promise<Result>): Promise<Result> =>
      tracing.step ? traced(async (work) => tracing.step?.(step, work), run) : run(),
    /** Sends the traces. Takes at most two seconds, including the wait for traces to end. */
    async flushed(): Promise<void> {
      if (!tracing.flush) return ended();
      await atMostAWhile(clock, async () => {
        await ended();
        await tracing.flush?.();
      });
    },
  };
}
