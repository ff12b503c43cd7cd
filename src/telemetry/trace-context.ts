import { createTraceState, type SpanContext } from "@opentelemetry/api";
import type { TraceContext } from "../core/job/trace-context.ts";

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
