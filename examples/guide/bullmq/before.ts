// #region define
import { type ConnectionOptions, Queue, UnrecoverableError, Worker } from "bullmq";
import { mail } from "../services.ts";

interface Email {
  readonly to: string;
  readonly subject: string;
}

export const openQueue = (connection: ConnectionOptions) => new Queue<Email>("mail", { connection });

// In a route, with four attempts.
export const welcome = (queue: Queue<Email>, to: string) =>
  queue.add("send_email", { to, subject: "Welcome" }, { attempts: 4 });

// A process that keeps running.
export const startWorker = (connection: ConnectionOptions) =>
  new Worker<Email>(
    "mail",
    async (job) => {
      if (!job.data.to.includes("@")) throw new UnrecoverableError("Not a valid address.");
      await mail(job.data.to, job.data.subject, { key: job.id ?? "" });
    },
    { connection, concurrency: 10 },
  );
// #endregion
