import * as z from "zod";
import { defineJob } from "../../../src/index.ts";

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
