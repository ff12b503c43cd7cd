// A catch-all route of Next.js: everything below /api/queue. As a plain Vercel function it is api/queue/[...path].ts.
import { Queue } from "tidegate";
import { upstashStore } from "tidegate/upstash";
import { createRoute, vercelPro } from "tidegate/vercel";
import { jobs } from "../../../../jobs.ts";

const {
  UPSTASH_REDIS_REST_URL: url = "",
  UPSTASH_REDIS_REST_TOKEN: token = "",
  TIDEGATE_ADMIN_TOKEN: admin = "",
} = process.env;

/** Server code of the same app enqueues without HTTP: `await queue.enqueue(sendInvoice, { number })`. */
export const queue = new Queue({ store: upstashStore({ url, token }), jobs });

/** How many seconds Vercel lets a request last: here, a drain. */
export const maxDuration = 60;

// vercel.json drains each minute. CRON_SECRET, which Vercel sends along, is taken from the environment.
export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = createRoute({
  queue,
  basePath: "/api/queue",
  auth: { admin: [admin] },
  drain: vercelPro,
});
