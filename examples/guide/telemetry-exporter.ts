import { InMemorySpanExporter } from "@opentelemetry/sdk-trace-base";

/**
 * Keeps spans in memory. Replace it with an exporter that sends them, such as that of
 * `@opentelemetry/exporter-trace-otlp-http`.
 */
export const exporter = new InMemorySpanExporter();
