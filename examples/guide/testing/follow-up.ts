import { defineJob } from "tidegate";
import { mail } from "../services.ts";

/** Asks a new user how it's going, three days after the sign-up, and answers the reply. */
export const askHowItGoes = defineJob({
  name: "ask_how_it_goes",
  async perform({ to }: { readonly to: string }, job) {
    await job.sleep("3d");
    await job.step("ask", ({ key }) => mail(to, "How is it going?", { key }));
    const reply = await job.waitFor<{ readonly text: string }>(`reply-${to}`, { timeout: "7d" });
    if (!reply) return "silence";
    await job.step("answer", ({ key }) => mail(to, `Re: ${reply.text}`, { key }));
    return "answered";
  },
});
