import { defineJob, memoryStore, Queue } from "tidegate";

const sendEmail = defineJob({
  name: "send_email",
  backoff: { type: "fixed", base: "1s" },
  perform({ to }, job) {
    console.log(`attempt ${job.attempt}: mail to ${to}`);
    if (job.attempt === 1) throw new Error("The mail server is busy."); // runs again in a second
  },
});

const queue = new Queue({ store: memoryStore(), jobs: [sendEmail] });
await queue.enqueue(sendEmail, { to: "ada@example.com" });
await queue.enqueue(sendEmail, { to: "ben@example.com" }, { delay: "5m" });

const { retried, completed } = await queue.drain({ linger: "2s" }); // what a cron tick does
const { scheduledCount } = await queue.getStats();
console.log(`${retried} retried, ${completed} completed, ${scheduledCount} scheduled`);
