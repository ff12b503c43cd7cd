// #region worker
import { defineJob, Queue } from "tidegate";
import { cloudflarePaid, createWorker, type ExecutionContext } from "tidegate/cloudflare";
import { upstashStore } from "tidegate/upstash";
import { mail } from "../services.ts";

interface Email {
  readonly to: string;
  readonly subject: string;
}

export const sendEmail = defineJob({
  name: "send_email",
  maxRetries: 3, // after 60, 120 and 240 s
  async perform({ to, subject }: Email, job) {
    await mail(to, subject, { key: job.id });
  },
});

const openQueue = (env: Env) =>
  new Queue({
    name: "mail",
    store: upstashStore({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN }),
    jobs: [sendEmail],
  });

const worker = createWorker((env: Env) => ({
  queue: openQueue(env),
  auth: { admin: [env.TIDEGATE_ADMIN_TOKEN] },
  scheduled: cloudflarePaid,
}));

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    if (new URL(request.url).pathname !== "/mail") return worker.fetch(request, env, context);
    const email: Email = await request.json();
    await openQueue(env).enqueue(sendEmail, email, { delay: "5m" });
    return new Response(null, { status: 202 });
  },
  scheduled: worker.scheduled,
};
// #endregion

export interface Env {
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
  readonly TIDEGATE_ADMIN_TOKEN: string;
}
