/** A position in a trace, as the W3C writes it in HTTP headers: https://www.w3.org/TR/trace-context/ */
export interface TraceContext {
  /** The trace, and the span in it. */
  readonly traceparent: string;
  /** What tracing systems have added for themselves. */
  readonly tracestate?: string | undefined;
}

/** The trace in which a job was enqueued; `isBatch` where it was together with others. */
export interface JobTrace extends TraceContext {
  readonly isBatch?: true;
}
