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
  scheduled: { ...cloudflarePaid, concurrency: 10 },
}));
// #endregion

interface Env {
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
  readonly TIDEGATE_ADMIN_TOKEN: string;
}

export async function add(queue: Queue) {
  // #region add
  await queue.enqueue(
    sendEmail,
    { to: "ada@example.com", subject: "Hello" },
    { id: "hello-ada", delay: "5s", maxRetries: 3, backoff: { type: "exponential", base: "60s" } },
  );
  // #endregion
}

export async function recur(queue: Queue) {
  // #region recur
  await queue.schedules.upsert("daily", {
    job: sendEmail,
    payload: { to: "team@example.com", subject: "Good morning" },
    cron: "0 0 9 * * *",
    timeZone: "Europe/Paris",
  });
  // #endregion
}

export async function redrive(queue: Queue) {
  // #region redrive
  for (const job of (await queue.listDeadLetter()).jobs) console.log(job.id, job.error.message);
  await queue.retryFromDeadLetter({ all: true });
  // #endregion
}
