// #region define
import { defineJob, PermanentError, Queue } from "tidegate";
import {
  cloudflarePaid,
  createWakeObject,
  createWorker,
  durableObjectWake,
  type WakeNamespace,
} from "tidegate/cloudflare";
import { upstashStore } from "tidegate/upstash";
import { mail } from "../services.ts";

interface Env {
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
  readonly TIDEGATE_ADMIN_TOKEN: string;
  readonly WAKE: WakeNamespace;
}

export const sendEmail = defineJob({
  name: "send_email",
  async perform({ to, subject }: { to: string; subject: string }, job) {
    if (!to.includes("@")) throw new PermanentError("Not a valid address.");
    await mail(to, subject, { key: job.id });
  },
});

let queue: Queue | undefined; // one for all requests of an isolate
export function openQueue({ UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token, WAKE }: Env): Queue {
  queue ??= new Queue({
    name: "mail",
    store: upstashStore({ url, token }),
    jobs: [sendEmail],
    wake: durableObjectWake(WAKE),
  });
  return queue;
}

// Four attempts are the default.
export const welcome = (env: Env, to: string) => openQueue(env).enqueue(sendEmail, { to, subject: "Welcome" });

// Instead of the process: the Wake object starts a drain when a job is due, so none has to stay open waiting.
const limits = { ...cloudflarePaid, linger: "0s" } as const;
const configure = (env: Env) => ({
  queue: openQueue(env),
  basePath: "/queue",
  auth: { admin: [env.TIDEGATE_ADMIN_TOKEN] },
  drain: limits, // for jobs that run right after a request, and for POST /queue/drain
  scheduled: limits, // for cron ticks and for Wake
});

const queueWorker = createWorker(configure);
export const Wake = createWakeObject(configure);

export default {
  async fetch(request, env, context) {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/queue/")) return queueWorker.fetch(request, env, context);
    if (pathname !== "/sign-up") return new Response("Not found", { status: 404 });
    const { email } = (await request.json()) as { email: string };
    const { id } = await welcome(env, email);
    return Response.json({ id }, { status: 202 });
  },
  scheduled: queueWorker.scheduled,
} satisfies typeof queueWorker;
// #endregion
