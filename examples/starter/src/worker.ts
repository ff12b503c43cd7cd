import { InvalidPayloadError, Queue } from "tidegate";
import {
  cloudflareFree,
  createWakeObject,
  createWorker,
  durableObjectWake,
  type WakeNamespace,
} from "tidegate/cloudflare";
import { dashboard } from "tidegate/dashboard";
import { upstashStore } from "tidegate/upstash";
// #region worker
import { jobs, sendWelcome } from "./jobs.ts";

// #region queue
let queue: Queue | undefined; // one per isolate
function openQueue(env: Env): Queue {
  const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token, WAKE } = env;
  queue ??= new Queue({ store: upstashStore({ url, token }), jobs, wake: durableObjectWake(WAKE) });
  return queue;
}
// #endregion

async function signUp(request: Request, env: Env): Promise<Response> {
  const { email, name } = (await request.json()) as { email: string; name?: string };
  const { id } = await openQueue(env).enqueue(sendWelcome, { to: email, name });
  return Response.json({ id }, { status: 202 });
}

// #region serve
const configure = (env: Env) => ({
  queue: openQueue(env),
  basePath: "/queue",
  auth: { admin: [env.TIDEGATE_ADMIN_TOKEN], enqueue: [env.TIDEGATE_ENQUEUE_TOKEN] },
  dashboard: dashboard(), // at /queue/dashboard; sign in with the admin token
  drain: cloudflareFree, // small drains; on Workers Paid, cloudflarePaid
});
const queueWorker = createWorker(configure);
export const Wake = createWakeObject(configure); // a Durable Object

export default {
  async fetch(request, env, context) {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/queue/")) return queueWorker.fetch(request, env, context);
    if (pathname === "/sign-up") return signUp(request, env).catch(refused);
    return new Response("Not found", { status: 404 });
  },
  scheduled: queueWorker.scheduled,
} satisfies typeof queueWorker;
// #endregion
// #endregion

interface Env {
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
  readonly TIDEGATE_ADMIN_TOKEN: string;
  readonly TIDEGATE_ENQUEUE_TOKEN: string;
  readonly WAKE: WakeNamespace;
}

function refused(error: unknown): Response {
  if (error instanceof InvalidPayloadError) return Response.json({ issues: error.issues }, { status: 422 });
  if (error instanceof SyntaxError) return Response.json({ error: "The body must be JSON." }, { status: 400 });
  throw error;
}
