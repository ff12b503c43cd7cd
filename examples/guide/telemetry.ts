import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { type Hooks, Queue, type Store } from "tidegate";
import { tracing } from "tidegate/telemetry";
import { jobs } from "./cloudflare/jobs.ts";
import { exporter } from "./telemetry-exporter.ts";

// #region log
const log = (event: string) => (fields: object) => console.log(JSON.stringify({ event, ...fields }));

export const jsonLog: Hooks = {
  onEnqueue: log("job enqueued"),
  onStart: log("job started"),
  onStep: log("step ended"),
  onComplete: log("job completed"),
  onRetry: ({ error, ...job }) => log("job retried")({ ...job, error: String(error) }),
  onSnooze: log("job snoozed"),
  onDead: ({ error, ...job }) => log("job dead")({ ...job, error: String(error) }),
  onExpire: log("job expired"),
  onLost: ({ error, ...job }) => log("job lost")({ ...job, error: error && String(error) }),
};
// #endregion

export function logged(store: Store) {
  // #region queue
  const queue = new Queue({ store, jobs, hooks: jsonLog });
  // #endregion
  return queue;
}

// #region alert
/** Reports dead jobs to a webhook. The drain waits for it, so the platform does not end the invocation before. */
export const alerts = (url: string): Hooks => ({
  onDead: ({ queue, name, id, error }) =>
    fetch(url, { method: "POST", body: JSON.stringify({ text: `${name} ${id} died in ${queue}: ${error}` }) }),
});
// #endregion

export function traced(store: Store) {
  // #region node
  const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());

  const queue = new Queue({ store, jobs, tracing: tracing() });
  // #endregion
  return { queue, provider };
}
