// #region define
import { type ConnectionOptions, Queue, UnrecoverableError, Worker } from "bullmq";
import { mail } from "../services.ts";

interface Email {
  readonly to: string;
  readonly subject: string;
}

export const openQueue = (connection: ConnectionOptions) => new Queue<Email>("mail", { connection });

// A process that keeps running.
export const startWorker = (connection: ConnectionOptions) =>
  new Worker<Email>(
    "mail",
    async (job) => {
      if (!job.data.to.includes("@")) throw new UnrecoverableError("This is no address.");
      await mail(job.data.to, job.data.subject, { key: job.id ?? "" });
    },
    { connection, concurrency: 10 },
  );
// #endregion

export async function add(queue: Queue<Email>) {
  // #region add
  await queue.add(
    "send_email",
    { to: "ada@example.com", subject: "Hello" },
    { jobId: "hello-ada", delay: 5_000, attempts: 4, backoff: { type: "exponential", delay: 60_000 } },
  );
  // #endregion
}

export async function recur(queue: Queue<Email>) {
  // #region recur
  await queue.upsertJobScheduler(
    "daily",
    { pattern: "0 0 9 * * *", tz: "Europe/Paris" },
    { name: "send_email", data: { to: "team@example.com", subject: "Good morning" } },
  );
  // #endregion
}

export async function redrive(queue: Queue<Email>) {
  // #region redrive
  for (const job of await queue.getFailed(0, 99)) console.log(job.id, job.failedReason);
  await queue.retryJobs({ state: "failed" });
  // #endregion
}
