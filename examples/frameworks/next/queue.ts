import { defineJob, PermanentError, Queue } from "tidegate";
import { upstashStore } from "tidegate/upstash";
import * as z from "zod";

export const sendWelcome = defineJob({
  name: "send_welcome",
  schema: z.object({ to: z.email() }), // types and checks each payload
  perform({ to }) {
    if (to.endsWith("@nowhere.test")) throw new PermanentError("No such mailbox."); // dead, without retries
    console.log(`Welcome, ${to}`); // Send the email here.
  },
});
const report = defineJob({ name: "report", schedule: { cron: "0 0 9 * * *", timeZone: "Asia/Tokyo" }, perform() {} });
const { UPSTASH_REDIS_REST_URL: url = "", UPSTASH_REDIS_REST_TOKEN: token = "" } = process.env;
const watchSecret = process.env.TIDEGATE_WATCH_SECRET; // signs tokens with which a page sees one job
export const queue = new Queue({ store: upstashStore({ url, token }), jobs: [sendWelcome, report], watchSecret });
