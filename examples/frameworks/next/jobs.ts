import { defineJob, PermanentError } from "tidegate";
import * as z from "zod";

export const sendWelcome = defineJob({
  name: "send_welcome",
  schema: z.object({ to: z.email() }), // types and checks each payload
  perform({ to }) {
    if (to.endsWith("@nowhere.test")) throw new PermanentError("No such mailbox."); // dead, without retries
    console.log(`Welcome, ${to}`); // Send the email here.
  },
});
const report = defineJob({ name: "report", schedule: { cron: "0 9 * * *", timeZone: "Asia/Tokyo" }, perform() {} });

export const jobs = [sendWelcome, report];
