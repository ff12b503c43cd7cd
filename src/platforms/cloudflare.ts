/** A Cloudflare Worker that serves queues and drains them when its cron trigger fires. @module tidegate/cloudflare */

import { defineJob } from "../core/job/define.ts";
import { encodeRecord } from "../core/job/record.ts";
import { Queue } from "../core/queue/queue.ts";
import type { RingingClock } from "../core/shared/clock.ts";
import { invalidRequest } from "../core/shared/errors.ts";
import { misconfigured, reasonOf } from "../http/contract/problems.ts";
import { storeOfReplies } from "../stores/redis/store-of-replies.ts";
import { type CloudflareOptions, type WorkerParts, workerParts } from "./worker-parts.ts";

export { relayTo } from "../http/backlog-fan-out.ts";
export { cloudflareFree, cloudflarePaid } from "./presets.ts";
export {
  createWakeObject,
  durableObjectWake,
  type WakeNamespace,
  type WakeObject,
  type WakeObjectClass,
  type WakeObjectState,
  type WakeObjectStorage,
  type WakeStub,
} from "./wake-object.ts";
export type { CloudflareOptions } from "./worker-parts.ts";

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
  const built = new WeakMap<Env, WorkerParts>();
  // Tests and other runtimes pass only the request.
  const none = {} as Env;
  const partsFor = (env = none): WorkerParts => {
    const parts = built.get(env) ?? workerParts(configure(env), "createWorker");
    built.set(env, parts);
    return parts;
  };
  return {
    async fetch(request, env, context) {
      let parts: WorkerParts;
      try {
        parts = partsFor(env);
      } catch (error) {
        return misconfigured("Worker", error);
      }
      return parts.handler.fetch(request, env, context);
    },
    async scheduled(_, env) {
      try {
        await partsFor(env).tick();
      } catch (error) {
        console.error(`tidegate: a cron trigger failed. ${reasonOf(error)}`);
        throw error;
      }
    },
  };
}

/** As many made-up jobs as a drain claims first. */
const JOBS = 10;
const TOKEN = "token-of-the-warm-up";

/** Time that stands still, so that no alarm rings. */
const still: RingingClock = Object.assign(() => 0, { alarm: () => () => {} });

/**
 * Runs a tick and a request with made-up jobs: V8 compiles a function when it is first called. At module scope workerd
 * allows no timers, no signals, no random numbers, no requests, and no response with a body. So the clock stands still,
 * Redis replies from a list, and the request gets a response without a body.
 */
async function warmUp(): Promise<void> {
  const job = defineJob({ name: "warm_up", perform() {} });
  const store = storeOfReplies(encodeRecord({ name: job.name, enqueuedAt: 0 }), JOBS);
  const queue = new Queue({ store, jobs: [job], clock: still, random: () => 0, logger: null });
  const scheduled = { maxJobs: JOBS, concurrency: JOBS };
  const options = { queue, auth: { admin: [TOKEN] }, scheduled, onError() {} };
  const { tick, handler } = workerParts(options, "createWorker");
  await tick();
  const headers = { Authorization: `Bearer ${TOKEN}` };
  await handler.fetch(new Request("https://warm-up.invalid/jobs/any", { method: "DELETE", headers }));
}
