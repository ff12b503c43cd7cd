// A catch-all route of Next.js: everything below /api/queue. Next.js lets a route file export nothing else.
import { createRoute, vercelPro } from "tidegate/vercel";
import { queue } from "../../../../queue";

/** How many seconds Vercel lets a request last: here, a drain. */
export const maxDuration = 60;

// vercel.json drains each minute. CRON_SECRET, which Vercel sends along, is taken from the environment.
export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = createRoute({
  queue,
  basePath: "/api/queue",
  auth: { admin: [process.env["TIDEGATE_ADMIN_TOKEN"] ?? ""] },
  drain: vercelPro,
});
