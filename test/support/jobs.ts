import * as z from "zod";
import { defineJob } from "../../src/index.ts";

/** Succeeds, if the payload fits. */
export const sendEmail = defineJob({
  name: "send_email",
  schema: z.object({ to: z.string() }),
  perform: () => ({ sent: true }),
});

/** Dies at its first attempt. */
export const fails = defineJob({
  name: "fails",
  maxRetries: 0,
  perform(_: unknown) {
    throw new Error("no luck");
  },
});
