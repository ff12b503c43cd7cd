import { context, type Tracer } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeAll } from "vitest";

/** Lets spans follow what is awaited, as the SDK for Node does, during the tests of a file. */
export function useContextManager(): void {
  beforeAll(() => void context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()));
  afterAll(() => context.disable());
}

/** What one process, or one deployment, records: a tracer of the real SDK, and its spans in the order in which they ended. */
export function recorder() {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const spans = () => exporter.getFinishedSpans();
  return {
    provider,
    tracer: provider.getTracer("test"),
    spans,
    /** The spans of a name. */
    named: (name: string) => spans().filter((span) => span.name === name),
    /** The only span of a name. */
    only(name: string): ReadableSpan {
      const [span, ...others] = spans().filter((each) => each.name === name);
      if (!span || others.length > 0) throw new Error(`${others.length + (span ? 1 : 0)} spans are named ${name}.`);
      return span;
    },
  };
}

/** Where a span stands: its trace, itself, its parent, and those it is linked to. */
export function placeOf(span: ReadableSpan) {
  const { traceId, spanId } = span.spanContext();
  const linked = span.links.map(({ context: { spanId: id } }) => id);
  return { traceId, spanId, parent: span.parentSpanContext?.spanId, linked };
}

/** Does something inside a span of its own. */
export function inSpan<Result>(tracer: Tracer, name: string, work: () => Promise<Result>): Promise<Result> {
  return tracer.startActiveSpan(name, (span) => work().finally(() => span.end()));
}
