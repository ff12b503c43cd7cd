import process from "node:process";
import { dashboard } from "tidegate/dashboard";
import { createHandler } from "tidegate/http";
import { queue } from "../../queue.ts";

const auth = { admin: [process.env["TIDEGATE_ADMIN_TOKEN"] ?? ""] };
const handler = createHandler({ queue, auth, basePath: "/api/queue", dashboard: dashboard() });

/** Netlify's context has a `waitUntil`, so due jobs start right after the request that enqueues them. */
export default (request: Request, context: Context) =>
  handler.fetch(request, {}, { waitUntil: (work) => context.waitUntil(work), passThroughOnException() {}, props: {} });

export const config = { path: "/api/queue/*" };

interface Context {
  waitUntil(work: Promise<unknown>): void;
}
