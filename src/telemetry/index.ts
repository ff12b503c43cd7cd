/** Traces with OpenTelemetry. Install `@opentelemetry/api` beside Tidegate. @module tidegate/telemetry */

import type { Attributes, Context, Span, SpanContext, Tracer } from "@opentelemetry/api";
import { context, createTraceState, isSpanContextValid, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { describeError } from "../core/job/record.ts";
import type { TraceContext } from "../core/job/trace-context.ts";
import type { TracedAttempt, TracedEnqueue, TracedStep, Tracing } from "../core/observe/tracing.ts";

export type { JobTrace, TraceContext } from "../core/job/trace-context.ts";
export type { TracedAttempt, TracedEnqueue, TracedOutcome, TracedStep, Tracing } from "../core/observe/tracing.ts";

/** Options of `tracing`. */
export interface TracingOptions {
  /** Makes the spans. Default: a tracer of the provider that is registered at that time. */
  readonly tracer?: Tracer | undefined;
  /**
   * Sends ended spans, such as `() => provider.forceFlush()`. Each drain calls it at its end and waits two seconds at
   * most. Without it, spans that wait for a timer are lost when the platform ends the invocation. Default: nothing.
   */
  readonly flush?: (() => Promise<unknown>) | undefined;
}

/**
 * Traces a queue with OpenTelemetry: a `send` span for each enqueue, a `process` span around each attempt's `perform`,
 * and in it a `step` span around each step that runs. The trace context travels in the job's record.
 *
 * ```ts
 * const queue = new Queue({ store, jobs, tracing: tracing() });
 * ```
 *
 * It costs 82 bytes in each record, and no command. Without a registered provider, nothing is traced or stored.
 *
 * @param options the tracer and how to flush it.
 */
export function tracing({ tracer = trace.getTracer("tidegate"), flush }: TracingOptions = {}): Tracing {
  return {
    enqueue: (jobs, enqueue) => traceEnqueue(tracer, jobs, enqueue),
    attempt: (attempt, make) => traceAttempt(tracer, attempt, make),
    step: (step, run) => traceStep(tracer, step, run),
    ...(flush && { flush }),
  };
}

async function traceEnqueue(tracer: Tracer, jobs: TracedEnqueue, enqueue: Parameters<Tracing["enqueue"]>[1]) {
  const attributes = { ...about("send", jobs.queue), ...ofEnqueue(jobs) };
  const active = context.active();
  const parent = trace.getSpanContext(active) ? active : under(active, jobs.caller && readContext(jobs.caller));
  const span = tracer.startSpan(`send ${jobs.queue}`, { kind: SpanKind.PRODUCER, attributes }, parent);
  await within(span, parent, async () => {
    const [result, ...others] = (await enqueue(contextOf(span))).results;
    if (result && others.length === 0) span.setAttribute("messaging.message.id", result.id);
  });
}

async function traceAttempt(tracer: Tracer, attempt: TracedAttempt, make: Parameters<Tracing["attempt"]>[1]) {
  const active = context.active();
  const creation = attempt.trace && readContext(attempt.trace);
  const parent = under(active, attempt.trace?.isBatch ? undefined : creation);
  const contexts = [creation, trace.getSpanContext(active)];
  const links = contexts.flatMap((each) => (each && isSpanContextValid(each) ? { context: each } : []));
  const attributes = { ...about("process", attempt.queue), ...ofAttempt(attempt) };
  const span = tracer.startSpan(`process ${attempt.queue}`, { kind: SpanKind.CONSUMER, attributes, links }, parent);
  await within(span, parent, async () => {
    const outcome = await make(contextOf(span));
    span.setAttribute("messaging.tidegate.job.outcome", outcome.to);
    if ("thrown" in outcome) fail(span, outcome.thrown);
  });
}

/** The context of the attempt is active: what the step does is inside its span, and what follows it is not. */
async function traceStep(tracer: Tracer, { step, stepAttempt }: TracedStep, run: () => Promise<unknown>) {
  const attributes = { "messaging.tidegate.step.name": step, "messaging.tidegate.step.attempt": stepAttempt };
  await within(tracer.startSpan(`step ${step}`, { attributes }), context.active(), run);
}

/** Does the work within a span, which then ends. What the work throws shows in the span: the queue has it already. */
async function within(span: Span, parent: Context, work: () => Promise<unknown>): Promise<void> {
  try {
    await context.with(trace.setSpan(parent, span), work);
  } catch (error) {
    fail(span, error);
  } finally {
    span.end();
  }
}

/** What jobs that a span enqueues store of it: nothing if it is not recorded anywhere. */
function contextOf(span: Span): TraceContext | undefined {
  const creation = span.spanContext();
  return isSpanContextValid(creation) ? writeContext(creation) : undefined;
}

/** The context with this parent, or none. The active span belongs to a drain, which runs jobs of many callers. */
function under(active: Context, parent: SpanContext | undefined): Context {
  return parent ? trace.setSpanContext(active, parent) : trace.deleteSpan(active);
}

function about(operation: "send" | "process", queue: string): Attributes {
  return {
    "messaging.system": "tidegate",
    "messaging.destination.name": queue,
    "messaging.operation.name": operation,
    "messaging.operation.type": operation,
  };
}

function ofEnqueue({ names }: TracedEnqueue): Attributes {
  const [name, ...others] = new Set(names);
  return {
    ...(name !== undefined && others.length === 0 && { "messaging.tidegate.job.name": name }),
    ...(names.length !== 1 && { "messaging.batch.message_count": names.length }),
  };
}

function ofAttempt({ id, name, attempt, maxRetries }: TracedAttempt): Attributes {
  return {
    "messaging.message.id": id,
    "messaging.tidegate.job.name": name,
    "messaging.tidegate.job.attempt": attempt,
    "messaging.tidegate.job.max_retries": maxRetries,
  };
}

function fail(span: Span, error: unknown): void {
  const { name, message } = describeError(error);
  span.setAttribute("error.type", name);
  span.recordException({ name, message });
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}

/** The W3C requires everybody to pass on states of this length. Longer ones would bloat records. */
const LONGEST_STATE = 512;

/** Writes a span's context in the W3C format. */
export function writeContext({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceContext {
  const flags = traceFlags.toString(16).padStart(2, "0");
  const traceparent = `00-${traceId}-${spanId}-${flags}`;
  const tracestate = traceState?.serialize();
  return tracestate && tracestate.length <= LONGEST_STATE ? { traceparent, tracestate } : { traceparent };
}

/** Reads a context from `writeContext` or a caller. Undefined if it is invalid, as the W3C requires. */
export function readContext({ traceparent, tracestate }: TraceContext): SpanContext | undefined {
  const [, version, traceId, spanId, flags, more] =
    /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/.exec(traceparent) ?? [];
  if (!traceId || !spanId || !flags || version === "ff" || (version === "00" && more !== undefined)) return undefined;
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  // createTraceState drops malformed and longer states.
  return tracestate ? { ...context, traceState: createTraceState(tracestate) } : context;
}
