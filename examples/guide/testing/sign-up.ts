import { defineJob, type Queue, RetryAfterError } from "tidegate";
import * as z from "zod";
import { mail } from "../services.ts";

export const welcome = defineJob({
  name: "welcome",
  schema: z.object({ to: z.email() }),
  maxRetries: 2,
  async perform({ to }, job) {
    await mail(to, "Welcome", { key: job.id });
    return { sent: true };
  },
});

export const askForOpinion = defineJob({
  name: "ask_for_opinion",
  async perform({ to }: { readonly to: string }, job) {
    if (job.attempt === 1) throw new RetryAfterError("Not on a Sunday.", "24h");
    await mail(to, "What do you think so far?", { key: job.id });
  },
});

/** Signs a user up: an email now, and a question a week later. */
export async function signUp(queue: Queue, user: { readonly id: number; readonly email: string }): Promise<void> {
  await queue.enqueueMany([
    { job: welcome, payload: { to: user.email }, id: `welcome-${user.id}` },
    { job: askForOpinion, payload: { to: user.email }, id: `opinion-${user.id}`, delay: "7d" },
  ]);
}
