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
