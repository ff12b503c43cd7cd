import { dashboard } from "tidegate/dashboard";
import { createHandler } from "tidegate/http";
import { queue } from "#lib/server/queue.ts";
import { CRON_SECRET, TIDEGATE_ADMIN_TOKEN } from "$app/env/private";

const handler = createHandler({
  queue,
  basePath: "/api/queue",
  auth: { admin: [TIDEGATE_ADMIN_TOKEN], drain: [CRON_SECRET] },
  dashboard: dashboard(),
});

export const fallback = ({ request }: { request: Request }) => handler.fetch(request);
