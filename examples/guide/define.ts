// #region first
import { defineJob } from "tidegate";
import * as z from "zod";
import { mail } from "./services.ts";

export const sendEmail = defineJob({
  name: "send_email",
  schema: z.object({ to: z.string(), subject: z.string().default("Hello") }),
  maxRetries: 3,
  async perform({ to, subject }, job) {
    await mail(to, subject, { key: job.id }); // a throw is a failed attempt
  },
});
// #endregion

// #region plain
export const resize = defineJob({
  name: "resize",
  perform({ image, width }: { image: string; width: number }) {
    return `${image} is ${width} wide now`; // kept with the job: see getJob and wait
  },
});
// #endregion

export const jobs = [sendEmail, resize];
