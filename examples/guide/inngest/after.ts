// #region define
import { defineJob, PermanentError, type Queue } from "tidegate";
import { mail } from "../services.ts";

interface SignedUp {
  readonly user: number;
  readonly email: string;
}

export const hello = defineJob({
  name: "hello",
  async perform({ email }: SignedUp, job) {
    if (!email.includes("@")) throw new PermanentError("This is no address.");
    await mail(email, "Welcome", { key: job.id });
  },
});

export const tips = defineJob({
  name: "tips",
  async perform({ email }: SignedUp, job) {
    await mail(email, "Tips", { key: job.id });
  },
});

export const report = defineJob({
  name: "report",
  schedule: { cron: "0 9 * * *", timeZone: "Europe/Paris" },
  async perform(_: undefined, job) {
    await mail("team@example.com", "Report", { key: job.id });
  },
});
// #endregion

// #region send
/** Both jobs are stored, or neither is. */
export const signedUp = (queue: Queue, { user, email }: SignedUp) =>
  queue.enqueueMany([
    { job: hello, payload: { user, email }, id: `hello-${user}` },
    { job: tips, payload: { user, email }, id: `tips-${user}`, delay: "3d" },
  ]);
// #endregion

export async function unsubscribed(queue: Queue, user: number) {
  // #region cancel
  await queue.cancel(`tips-${user}`);
  // #endregion
}
