// #region define
import { defineJob, PermanentError, Queue, type Store } from "tidegate";
import { cloudflarePaid, createWorker } from "tidegate/cloudflare";
import { upstashStore } from "tidegate/upstash";
import { mail } from "../services.ts";

export const sendEmail = defineJob({
  name: "send_email",
  async perform({ to, subject }: { to: string; subject: string }, job) {
    if (!to.includes("@")) throw new PermanentError("This is no address.");
    await mail(to, subject, { key: job.id });
  },
});

export const openQueue = (store: Store) => new Queue({ name: "mail", store, jobs: [sendEmail] });

// Instead of the process: a Worker with a cron trigger.
export default createWorker((env: Env) => ({
  queue: openQueue(upstashStore({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN })),
  auth: { admin: [env.TIDEGATE_ADMIN_TOKEN] },
  drain: { ...cloudflarePaid, linger: "0s" },
  scheduled: cloudflarePaid, // lingers between the ticks of a minute
}));
// #endregion

interface Env {
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
  readonly TIDEGATE_ADMIN_TOKEN: string;
}
