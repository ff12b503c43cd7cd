import type { APIRoute } from "astro";
import { dashboard } from "tidegate/dashboard";
import { createHandler } from "tidegate/http";
import { queue } from "../../../lib/queue";

const { TIDEGATE_ADMIN_TOKEN = "", CRON_SECRET = "" } = process.env;

const handler = createHandler({
  queue,
  basePath: "/api/queue",
  auth: { admin: [TIDEGATE_ADMIN_TOKEN], drain: [CRON_SECRET] },
  dashboard: dashboard(),
});

export const ALL: APIRoute = ({ request }) => handler.fetch(request);
