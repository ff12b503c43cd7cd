// #region worker
import { defineJob, Queue } from "tidegate";
import { cloudflareFree, createWorker } from "tidegate/cloudflare";
import { upstashStore } from "tidegate/upstash";
import { sendEmail } from "./define.ts"; // a job with a schema, which types its payload

const atNine = { cron: "0 0 9 * * *", timeZone: "Europe/Paris" }; // right at every clock change
const dailyReport = defineJob({ name: "daily_report", schedule: atNine, async perform() {} });

export default createWorker((env: Env) => ({
  queue: new Queue({
    store: upstashStore({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN }),
    jobs: [sendEmail, dailyReport],
  }),
  auth: { enqueue: [env.TIDEGATE_ENQUEUE_TOKEN], admin: [env.TIDEGATE_ADMIN_TOKEN] },
  scheduled: cloudflareFree, // fits the plan's limits; delays and schedules are accurate to the second
}));

// #endregion

import { QueueClient } from "tidegate/client";

interface Env {
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
  readonly TIDEGATE_ENQUEUE_TOKEN: string;
  readonly TIDEGATE_ADMIN_TOKEN: string;
}

export async function fromBoth(
  queue: Queue,
  url: string,
  token: string,
  { to, subject }: { to: string; subject: string },
) {
  await queue.enqueue(sendEmail, { to, subject }, { delay: "5m" }); // beside the queue
  await new QueueClient({ url, token }).enqueue("send_email", { to, subject }); // from anywhere with fetch
}
