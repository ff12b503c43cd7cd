import { defineJob, type Queue } from "tidegate";
import { mail } from "../services.ts";
import { post } from "./services.ts";

// #region job
interface FollowUp {
  readonly user: number;
  readonly email: string;
}

export const followUp = defineJob({
  name: "follow_up",
  async perform({ user, email }: FollowUp, job) {
    const draft = await job.step("draft", (step) => post<{ text: string }>("model", { user }, step), { timeout: "2m" });
    await job.sleep("3d"); // frees its slot: nothing runs, and nothing is billed
    await job.step("ask", ({ key, signal }) => mail(email, draft.text, { key, signal }));
    const reply = await job.waitFor<{ text: string }>(`reply-${user}`, { timeout: "7d" }); // null if none has come
    if (reply) await job.step("thank", ({ key, signal }) => mail(email, "Thank you", { key, signal }));
    return reply?.text ?? "no reply";
  },
});
// #endregion

export function replied(queue: Queue, user: number, { text, messageId }: { text: string; messageId: string }) {
  // #region signal
  return queue.signal(`reply-${user}`, { text }, { id: messageId }); // { woken: 1, kept: false }
  // #endregion
}
