import { defineJob, PermanentError } from "tidegate";
import * as z from "zod";

// #region welcome
export const sendWelcome = defineJob({
  name: "send_welcome",
  schema: z.object({ to: z.string(), name: z.string().default("friend") }), // checks payloads
  async perform({ to, name }, job) {
    if (!to.includes("@")) throw new PermanentError("The address has no @."); // other errors are retried
    console.log(`${job.id}: welcome, ${name}`); // send the email here; job.id is its idempotency key
    return { sent: true };
  },
});
// #endregion

export const dailyReport = defineJob({
  name: "daily_report",
  schedule: { cron: "0 9 * * *", timeZone: "Europe/Paris" }, // a sixth field, in front, adds seconds
  async perform() {
    return { customers: 0 };
  },
});

export const jobs = [sendWelcome, dailyReport];
