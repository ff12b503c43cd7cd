import { defineJob } from "tidegate";
import { mail } from "./services.ts";

// #region rate
export const sendNews = defineJob({
  name: "send_news",
  flowControl: { key: "mail-provider", rate: 100, period: "1m" },
  async perform({ to }: { readonly to: string }, job) {
    await mail(to, "News", { key: job.id });
  },
});
// #endregion
