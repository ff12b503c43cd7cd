// #region enqueue
import { QueueClient } from "tidegate/client";

export async function enqueue(client: QueueClient) {
  const { id, status } = await client.enqueue(
    "send_email",
    { to: "ada@example.com", subject: "Hello" },
    { delay: "5m", id: "hello-ada" },
  );
  return { id, status };
}
// #endregion

export const connect = (url: string, token: string, fetch: (request: Request) => Promise<Response>) =>
  new QueueClient({ url, token, fetch });

// #region receive
import { defineJob, PermanentError, Queue, type Store } from "tidegate";
import { createRoute, vercelPro } from "tidegate/vercel";
import { mail } from "../services.ts";

export const sendEmail = defineJob({
  name: "send_email",
  maxRetries: 3,
  async perform({ to, subject }: { to: string; subject: string }, job) {
    if (!to.includes("@")) throw new PermanentError("This is no address.");
    await mail(to, subject, { key: job.id });
  },
});

/** The route file app/api/queue/[[...path]]/route.ts exports its result. */
export const routeOf = (store: Store, token: string) =>
  createRoute({
    queue: new Queue({ store, jobs: [sendEmail, goodMorning] }),
    basePath: "/api/queue",
    auth: { enqueue: [token] },
    drain: vercelPro,
  });
// #endregion

// #region recur
export const goodMorning = defineJob({
  name: "good_morning",
  schedule: { cron: "0 9 * * *", timeZone: "Europe/Paris" },
  perform: (_: undefined, job) => mail("team@example.com", "Good morning", { key: job.id }),
});
// #endregion
