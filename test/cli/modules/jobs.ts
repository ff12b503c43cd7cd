import { defineJob } from "tidegate";
import * as z from "zod";

// As in test/support/jobs.ts, from which "tidegate" would lead to the sources.

export const sendEmail = defineJob({
  name: "send_email",
  schema: z.object({ to: z.string() }),
  perform: () => ({ sent: true }),
});

export const fails = defineJob({
  name: "fails",
  maxRetries: 0,
  perform(_: unknown) {
    throw new Error("no luck");
  },
});

export const jobs = [sendEmail, fails];
