import { instrument } from "@microlabs/otel-cf-workers";
import { defineJob, Queue } from "tidegate";
import { createWorker } from "tidegate/cloudflare";
import { tracing } from "tidegate/telemetry";
import { upstashStore } from "tidegate/upstash";

interface Env {
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
  readonly TIDEGATE_ADMIN_TOKEN: string;
  readonly OTLP_URL: string;
}

const greet = defineJob({ name: "greet", perform: ({ who }: { who: string }) => `Hello, ${who}` });

// #region worker
const worker = createWorker((env: Env) => ({
  queue: new Queue({
    store: upstashStore({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN }),
    jobs: [greet],
    tracing: tracing(), // with neither tracer nor flush: instrument provides both
  }),
  auth: { admin: [env.TIDEGATE_ADMIN_TOKEN] },
}));

export default instrument(worker, (env: Env) => ({
  exporter: { url: env.OTLP_URL, headers: {} },
  service: { name: "queue" },
}));
// #endregion worker
