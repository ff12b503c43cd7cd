import { defineJob, memoryStore, Queue } from "tidegate";

const sendEmail = defineJob({
  name: "send_email",
  perform: ({ to }, job) => console.log(`attempt ${job.attempt}: mail to ${to}`),
});

const queue = new Queue({ store: memoryStore(), jobs: [sendEmail] });
await queue.enqueue(sendEmail, { to: "ada@example.com" });
await queue.enqueue(sendEmail, { to: "ben@example.com" }, { delay: "5m" });

const { completed } = await queue.drain(); // what a cron tick does
const { scheduledCount } = await queue.getStats();
console.log(`${completed} completed, ${scheduledCount} scheduled`);
