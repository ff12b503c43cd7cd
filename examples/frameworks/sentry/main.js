import * as Sentry from "@sentry/node";
import { defineJob, memoryStore, Queue } from "tidegate";
import { sentry } from "./instrument.js";

const sendWelcome = defineJob({
  name: "send_welcome",
  perform: () => Sentry.startSpan({ name: "mail" }, () => "sent"),
});
const fail = defineJob({
  name: "fail",
  maxRetries: 0,
  perform() {
    throw new Error("no such mailbox");
  },
});

const queue = new Queue({ store: memoryStore(), jobs: [sendWelcome, fail], logger: null, ...sentry });
await Sentry.startSpan({ name: "sign up" }, () => queue.enqueueMany([{ job: sendWelcome }]));
await Sentry.startSpan({ name: "sign up" }, () => queue.enqueue(fail));
await queue.drain();
await Sentry.flush(5_000);
