import { defineJob, type JobContext } from "tidegate";
import * as v from "valibot";

// Custom messages, since those of valibot repeat the value, and an error must not contain the payload.
const text = v.string("Expected a string.");
const natural = v.pipe(v.number("Expected a number."), v.minValue(0, "Expected 0 or more."));
const whole = v.pipe(natural, v.integer("Expected a whole number."));
const fields = "Expected an object with this field.";

export const sendEmail = defineJob({
  name: "send_email",
  schema: v.object({ to: text, subject: text }, fields),
  perform(_, job) {
    announce(job);
    return { sent: true };
  },
});

/** Fails as often as the payload says. The waits are short, so that you can watch its retries. */
export const flaky = defineJob({
  name: "flaky",
  schema: v.object({ failures: whole }, fields),
  maxRetries: 10,
  backoff: { type: "fixed", base: "1s" },
  perform({ failures }, job) {
    announce(job);
    if (job.attempt <= failures) throw new Error(`Attempt ${job.attempt} fails, as ${failures} are asked to.`);
    return { attempts: job.attempt };
  },
});

/** Dies within seconds, and stays in the dead-letter queue until you retry or remove it. */
export const alwaysFails = defineJob({
  name: "always_fails",
  maxRetries: 2,
  backoff: { base: "1s" },
  perform(_: unknown, job) {
    announce(job);
    throw new Error("This job always fails.");
  },
});

/** Sleeps, but wakes up when the attempt is aborted. */
export const sleep = defineJob({
  name: "sleep",
  schema: v.object({ ms: natural }, fields),
  async perform({ ms }, job) {
    announce(job);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, ms);
      job.signal.addEventListener("abort", () => {
        clearTimeout(timer);
        reject(job.signal.reason);
      });
    });
    return { slept: ms };
  },
});

export const heartbeat = defineJob({
  name: "heartbeat",
  schedule: { cron: "*/15 * * * * *" },
  perform(_: unknown, job) {
    announce(job);
  },
});

export const jobs = [sendEmail, flaky, alwaysFails, sleep, heartbeat];

// Never the payload: more people can read logs than the queue.
function announce(job: JobContext): void {
  console.log(`${job.name} ${job.id}: attempt ${job.attempt}`);
}
