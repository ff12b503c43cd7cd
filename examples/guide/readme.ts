// #region worker
import { defineJob, Queue } from "tidegate";
import { cloudflareFree, createWorker } from "tidegate/cloudflare";
import { upstashStore } from "tidegate/upstash";
import * as z from "zod";

type Env = Record<"UPSTASH_REDIS_REST_URL" | "UPSTASH_REDIS_REST_TOKEN" | "TIDEGATE_ADMIN_TOKEN", string>;
const sendEmail = defineJob({
  name: "send_email",
  schema: z.object({ to: z.email(), subject: z.string().default("Hello") }), // types and checks each payload
  perform: ({ to, subject }) => console.log(`To ${to}: ${subject}`), // a throw is a failed attempt
});
const atNine = { cron: "0 0 9 * * *", timeZone: "Europe/Paris" }; // correct across daylight saving
const dailyReport = defineJob({ name: "daily_report", schedule: atNine, perform() {} });

export default createWorker(({ UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token, ...env }: Env) => ({
  queue: new Queue({ store: upstashStore({ url, token }), jobs: [sendEmail, dailyReport] }),
  auth: { admin: [env.TIDEGATE_ADMIN_TOKEN] },
  scheduled: cloudflareFree, // fits the plan's limits; delays and schedules are accurate to the second
}));

// #endregion

import { QueueClient } from "tidegate/client";

export async function fromBoth(
  queue: Queue,
  url: string,
  token: string,
  { to, subject }: { to: string; subject: string },
) {
  await queue.enqueue(sendEmail, { to, subject }, { delay: "5m" }); // beside the queue
  await new QueueClient({ url, token }).enqueue("send_email", { to, subject }); // from anywhere with fetch
}
