import { createTraceState, type SpanContext } from "@opentelemetry/api";
import type { TraceContext } from "../core/job/trace-context.ts";

/** As long as the W3C asks of those that pass one on: nothing that others sent may swell records. */
const LONGEST_STATE = 512;

/** Writes a span's context as the W3C does. */
export function writeContext({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceContext {
  const flags = traceFlags.toString(16).padStart(2, "0");
  const traceparent = `00-${traceId}-${spanId}-${flags}`;
  const tracestate = traceState?.serialize();
  return tracestate && tracestate.length <= LONGEST_STATE ? { traceparent, tracestate } : { traceparent };
}

/** Reads what `writeContext` has written, or a caller has sent; undefined where it makes no sense, as the W3C wants it. */
export function readContext({ traceparent, tracestate }: TraceContext): SpanContext | undefined {
  const [, version, traceId, spanId, flags, more] =
    /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/.exec(traceparent) ?? [];
  if (!traceId || !spanId || !flags || version === "ff" || (version === "00" && more !== undefined)) return undefined;
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  // createTraceState drops what is malformed, or longer than that.
  return tracestate ? { ...context, traceState: createTraceState(tracestate) } : context;
}
