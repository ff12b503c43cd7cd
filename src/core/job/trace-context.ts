/** A position in a trace, as in the HTTP headers of W3C Trace Context: https://www.w3.org/TR/trace-context/ */
export interface TraceContext {
  /** The trace, and the span in it. */
  readonly traceparent: string;
  /** What tracing systems have added. */
  readonly tracestate?: string | undefined;
}

/** The trace in which a job was enqueued. */
export interface JobTrace extends TraceContext {
  /** True if the job was enqueued together with others. */
  readonly isBatch?: true;
}
