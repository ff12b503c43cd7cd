// #region define
import { defineJob, PermanentError, type Queue } from "tidegate";
import { mail } from "../services.ts";

interface SignedUp {
  readonly user: number;
  readonly email: string;
}

export const welcome = defineJob({
  name: "welcome",
  async perform({ email }: SignedUp, job) {
    if (!email.includes("@")) throw new PermanentError("This is no address.");
    await job.step("hello", ({ key }) => mail(email, "Welcome", { key }));
    await job.sleep("3d");
    await job.step("tips", ({ key }) => mail(email, "Tips", { key }));
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
export const signedUp = (queue: Queue, { user, email }: SignedUp) =>
  queue.enqueue(welcome, { user, email }, { id: `signed-up-${user}` });
// #endregion

export async function unsubscribed(queue: Queue, user: number) {
  // #region cancel
  await queue.cancel(`signed-up-${user}`);
  // #endregion
}
