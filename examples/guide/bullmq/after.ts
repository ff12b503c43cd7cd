// #region define
import type { Redis } from "ioredis";
import { defineJob, PermanentError, Queue } from "tidegate";
import { startWorker } from "tidegate/node";
import { redisStore } from "tidegate/redis";
import { mail } from "../services.ts";

interface Email {
  readonly to: string;
  readonly subject: string;
}

export const sendEmail = defineJob({
  name: "send_email",
  async perform({ to, subject }: Email, job) {
    if (!to.includes("@")) throw new PermanentError("Not a valid address.");
    await mail(to, subject, { key: job.id });
  },
});

export const openQueue = (client: Redis) => new Queue({ name: "mail", store: redisStore(client), jobs: [sendEmail] });

// In a route. Four attempts are the default.
export const welcome = (queue: Queue, to: string) => queue.enqueue(sendEmail, { to, subject: "Welcome" });

// A long-running process, for as long as you want to keep it.
export const work = (queue: Queue) =>
  startWorker(queue, {
    workers: 10,
    checkEvery: "1s",
    handleSignals: true,
  });
// #endregion
