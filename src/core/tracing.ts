import type { EnqueueResult } from "./enqueue.ts";
import { invalidRequest } from "./errors.ts";
import type { AttemptInfo } from "./hooks.ts";
import type { AttemptOutcome } from "./outcomes.ts";
import type { JobTrace } from "./record.ts";

/** A position in a trace, as the W3C writes it in HTTP headers: https://www.w3.org/TR/trace-context/ */
export interface TraceContext {
  /** The trace, and the span in it. */
  readonly traceparent: string;
  /** What tracing systems have added for themselves. */
  readonly tracestate?: string | undefined;
}

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

/**
 * What a queue needs to be traced: two functions that do what they are given to do, once, and note what comes of it. What they
 * throw themselves harms no job. `tracing()` of `tidegate/telemetry` is one for OpenTelemetry.
 */
export interface Tracing {
  /** Enqueues; the trace context that it hands on is stored with each of the jobs. */
  enqueue(
    jobs: TracedEnqueue,
    enqueue: (trace?: TraceContext) => Promise<{ readonly results: readonly EnqueueResult[] }>,
  ): Promise<unknown>;
  /** Makes an attempt. What it is given never rejects. */
  attempt(attempt: TracedAttempt, make: () => Promise<Pick<AttemptOutcome, "to" | "thrown">>): Promise<unknown>;
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

/** Does the work inside what traces it. Whatever becomes of the trace, the work is done once, and what comes of it counts. */
export async function traced<Result>(
  trace: (work: (context?: TraceContext) => Promise<Result>) => Promise<unknown>,
  work: (context?: TraceContext) => Promise<Result>,
): Promise<Result> {
  let result: Promise<Result> | undefined;
  const once = (context?: TraceContext) => {
    result ??= work(context);
    return result;
  };
  try {
    await trace(once);
  } catch {
    // Either the work has failed, which its own promise tells, or the tracing has, which is no reason not to do the work.
  }
  return once();
}
