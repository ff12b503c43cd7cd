import { dashboard } from "tidegate/dashboard";
import { createRoute, vercelPro } from "tidegate/vercel";
import { queue } from "@/queue";

export const maxDuration = 300; // seconds: what a drain may take
export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = createRoute({
  queue,
  basePath: "/api/queue",
  drain: vercelPro,
  dashboard: dashboard(),
  auth: { admin: [process.env.TIDEGATE_ADMIN_TOKEN ?? ""] }, // createRoute also accepts CRON_SECRET, for draining only
});
