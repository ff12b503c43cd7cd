/** A Cloudflare Worker that serves queues and drains them when its cron trigger fires. @module tidegate/cloudflare */

import { type DrainOptions, drainLimits, withDefaults } from "../core/drain/options.ts";
import type { DrainReport } from "../core/drain/report.ts";
import { internalsOf } from "../core/queue/internals.ts";
import type { Queue } from "../core/queue/queue.ts";
import { drainQueues } from "../core/queue/queues.ts";
import { systemClock } from "../core/shared/clock.ts";
import { invalidRequest, quote } from "../core/shared/errors.ts";
import { knownOptions } from "../core/shared/validate.ts";
import { readFanOut, startFanOut } from "../http/backlog-fan-out.ts";
import { createHandler, type HandlerOptions } from "../http/handler.ts";
import { handlerOptions, logFailure, readOptions } from "../http/options.ts";
import { misconfigured, reasonOf } from "./misconfigured.ts";
import { warmUpParts } from "./warm-up.ts";

export { relayTo } from "../http/backlog-fan-out.ts";
export { cloudflareFree, cloudflarePaid } from "./presets.ts";

/** The options of `createHandler`, and the bounds of the cron trigger's drain. */
export interface CloudflareOptions extends HandlerOptions {
  /**
   * The bounds of the drain that a cron trigger starts, such as `cloudflareFree` or `cloudflarePaid`. Missing ones,
   * also within the budget, come from `drain`.
   *
   * With `linger: "55s"` and a trigger each minute, schedules fire to the second. Waiting costs no CPU time. Whenever
   * something falls due, the drain needs a round trip or two. The free plan allows an invocation 50 of them.
   */
  readonly scheduled?: DrainOptions | undefined;
}

/** Cloudflare's execution context. */
export interface ExecutionContext {
  /** Keeps the invocation alive until the promise settles. */
  waitUntil(promise: Promise<unknown>): void;
  /** Passes the request to the origin if the Worker throws. Not called here. */
  passThroughOnException(): void;
  /** Data from the caller of a service binding. Not read here. */
  readonly props: unknown;
}

/** The default export of a Worker's module. */
export interface CloudflareWorker<Env> {
  /** Serves the queues over HTTP. */
  fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response>;
  /** Drains every queue. Rejects if the store is unreachable, so that Cloudflare shows the invocation as failed. */
  scheduled(controller: unknown, env: Env, context: ExecutionContext): Promise<void>;
}

let isWarm = false;

/**
 * Makes a Worker that serves queues over HTTP and drains them on its cron trigger. Call it at module scope: there it
 * compiles what the first request would have to compile, and Cloudflare does not count the start of an isolate as CPU
 * time of a request.
 *
 * ```ts
 * export default createWorker((env: Env) => {
 *   const store = upstashStore({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN });
 *   const auth = { enqueue: [env.TIDEGATE_ENQUEUE_TOKEN], admin: [env.TIDEGATE_ADMIN_TOKEN] };
 *   return { queue: new Queue({ store, jobs }), auth };
 * });
 * ```
 *
 * On Workers it refuses a queue on `redisStore`, because there a connection belongs to the event that opened it.
 *
 * @param configure called by the first event of an isolate. While it throws or returns invalid options, every request
 *   gets 503 and every cron trigger fails. Callers see the message of a `TidegateError`, but not that of other errors.
 * @throws {TidegateError} `invalid_request` if `configure` is not a function.
 */
export function createWorker<Env extends object>(configure: (env: Env) => CloudflareOptions): CloudflareWorker<Env> {
  if (typeof configure !== "function")
    throw invalidRequest(
      "createWorker takes a function that returns options for an environment: (env) => ({ queue, auth }).",
    );
  if (!isWarm) {
    isWarm = true;
    // If it fails, the first request takes longer.
    warmUp().catch(() => {});
  }
  const built = new WeakMap<Env, Parts>();
  // Tests and other runtimes pass only the request.
  const none = {} as Env;
  const partsFor = (env = none): Parts => {
    const parts = built.get(env) ?? build(configure(env));
    built.set(env, parts);
    return parts;
  };
  return {
    async fetch(request, env, context) {
      let parts: Parts;
      try {
        parts = partsFor(env);
      } catch (error) {
        return misconfigured("Worker", error);
      }
      return parts.handler.fetch(request, env, context);
    },
    async scheduled(_, env) {
      try {
        warnOf(await partsFor(env).tick());
      } catch (error) {
        console.error(`tidegate: a cron trigger failed. ${reasonOf(error)}`);
        throw error;
      }
    },
  };
}

type Parts = ReturnType<typeof build>;

function build(given: CloudflareOptions) {
  if (given instanceof Promise)
    throw invalidRequest(
      "The function passed to createWorker returned a promise. Return the options directly, without async.",
    );
  const { scheduled = {}, ...options } = knownOptions(given, [...handlerOptions, "scheduled"], "createWorker");
  const { drain } = options;
  readOptions(options);
  drainLimits(scheduled);
  const bounds = () => withDefaults(scheduled, (typeof drain === "function" ? drain() : drain) ?? {});
  let handler: ReturnType<typeof createHandler> | undefined;
  const queues = options.queues ?? (options.queue ? [options.queue] : []);
  if (isOnWorkers()) for (const queue of queues) checkConnection(queue);
  const tick = async () => {
    const report = await drainQueues(queues, bounds());
    const clock = queues[0]?.clock ?? systemClock;
    await startFanOut(readFanOut(options), report, "cron", clock, options.onError ?? logFailure);
    return report;
  };
  return {
    tick,
    // Created only for requests: a cron trigger in a new isolate has little time.
    get handler() {
      handler ??= createHandler(options);
      return handler;
    },
  };
}

function isOnWorkers(): boolean {
  const { navigator } = globalThis as { readonly navigator?: { readonly userAgent?: string } };
  return navigator?.userAgent === "Cloudflare-Workers";
}

/** Refuses a queue that would work only in the first event of an isolate. */
function checkConnection(queue: Queue): void {
  if (!internalsOf(queue).local.keepsConnection) return;
  throw invalidRequest(
    `The queue ${quote(queue.name)} is on redisStore, whose connection Workers do not share between events. Use upstashStore, or ` +
      "connect in each event, as docs/guide/cloudflare.md shows.",
  );
}

/** Runs a tick and a request with made-up jobs: V8 compiles a function when it is first called. */
async function warmUp(): Promise<void> {
  const { options, request } = warmUpParts();
  const { tick, handler } = build(options);
  await tick();
  await handler.fetch(request);
}

/** The report contains counts and times, and no payload. */
function warnOf(report: DrainReport): void {
  if (report.stoppedBy !== "aborted" && report.lost === 0) return;
  console.error(`tidegate: a cron trigger could not settle every job that it ran. ${JSON.stringify(report)}`);
}
