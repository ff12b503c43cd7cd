import { Queue, type Store } from "tidegate";
import { slack, webhook } from "tidegate/alerts";
import { resize, sendEmail } from "./define.ts";

const jobs = [sendEmail, resize];

export function withAlerts(store: Store, env: Readonly<Record<"SLACK_WEBHOOK_URL" | "ALERT_SECRET", string>>) {
  // #region alerts
  const dashboard = "https://app.example.com/queue/dashboard"; // messages link to it
  const queue = new Queue({
    store,
    jobs,
    alerts: [
      slack(env.SLACK_WEBHOOK_URL, { dashboard, silentFor: "15m" }),
      webhook("https://ops.example.com/alerts", { secret: env.ALERT_SECRET, dashboard, messages: false }),
    ],
  });
  // #endregion
  return queue;
}
