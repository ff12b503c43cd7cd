import { dashboard } from "tidegate/dashboard";
import { createHandler } from "tidegate/http";

const { TIDEGATE_ADMIN_TOKEN = "", CRON_SECRET = "" } = process.env;

const handler = createHandler({
  queue,
  basePath: "/api/queue",
  auth: { admin: [TIDEGATE_ADMIN_TOKEN], drain: [CRON_SECRET] },
  dashboard: dashboard(),
});

export default defineEventHandler((event) => handler.fetch(toWebRequest(event)));
