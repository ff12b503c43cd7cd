// #region worker
import { context } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { Queue } from "tidegate";
import { cloudflareFree, createWorker } from "tidegate/cloudflare";
import { tracing } from "tidegate/telemetry";
import { upstashStore } from "tidegate/upstash";
import { jobs } from "./cloudflare/jobs.ts";
import { exporter } from "./telemetry-exporter.ts";

interface Env {
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
  readonly TIDEGATE_ADMIN_TOKEN: string;
}

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()); // needs the flag nodejs_compat
const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });

export default createWorker((env: Env) => ({
  queue: new Queue({
    store: upstashStore({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN }),
    jobs,
    tracing: tracing({
      tracer: provider.getTracer("my-worker"),
      flush: () => provider.forceFlush(), // before each drain ends: no timer fires after it
    }),
  }),
  auth: { admin: [env.TIDEGATE_ADMIN_TOKEN] },
  drain: cloudflareFree,
  scheduled: { linger: "60s" },
}));
// #endregion
