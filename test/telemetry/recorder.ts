import { context, type Tracer } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeAll } from "vitest";
import { defineJob, memoryStore, Queue, type QueueOptions } from "../../src/index.ts";
import { tracing } from "../../src/telemetry/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";

/** Propagates spans across awaits, as the SDK for Node does, during the tests of a file. */
export function useContextManager(): void {
  beforeAll(() => void context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()));
  afterAll(() => context.disable());
}

/**
 * The recording of one process, or one deployment: a tracer of the real SDK, and its spans in the order in which they
 * ended.
 */
export function recorder() {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const spans = () => exporter.getFinishedSpans();
  return {
    provider,
    tracer: provider.getTracer("test"),
    spans,
    /** The spans with a name. */
    named: (name: string) => spans().filter((span) => span.name === name),
    /** The only span with a name. */
    only(name: string): ReadableSpan {
      const [span, ...others] = spans().filter((each) => each.name === name);
      if (!span || others.length > 0) throw new Error(`${others.length + (span ? 1 : 0)} spans are named ${name}.`);
      return span;
    },
  };
}

/** The place of a span: its trace, its id, its parent, and its links. */
export function placeOf(span: ReadableSpan) {
  const { traceId, spanId } = span.spanContext();
  const linked = span.links.map(({ context: { spanId: id } }) => id);
  return { traceId, spanId, parent: span.parentSpanContext?.spanId, linked };
}

/** Runs a function inside a new span. */
export function inSpan<Result>(tracer: Tracer, name: string, work: () => Promise<Result>): Promise<Result> {
  return tracer.startActiveSpan(name, (span) => work().finally(() => span.end()));
}

export const secret = { card: "4111" };

export const works = defineJob({ name: "works", perform: (_: typeof secret) => {} });
export const fails = defineJob({
  name: "fails",
  maxRetries: 1,
  perform() {
    throw new RangeError("no luck");
  },
});

/** A traced queue in memory, with a manual clock, and its recording. */
export function setUp(options: Partial<QueueOptions> = {}) {
  const recorded = recorder();
  const clock = testClock(start);
  const shared = { store: memoryStore(), clock, tracing: tracing(recorded), jobs: [works, fails], ...options };
  return { clock, queue: new Queue(shared), ...recorded };
}
