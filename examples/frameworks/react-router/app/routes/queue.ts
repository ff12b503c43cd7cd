import { dashboard } from "tidegate/dashboard";
import { createHandler } from "tidegate/http";
import { queue } from "../queue.server";

const { TIDEGATE_ADMIN_TOKEN = "", CRON_SECRET = "" } = process.env;

const handler = createHandler({
  queue,
  basePath: "/api/queue",
  auth: { admin: [TIDEGATE_ADMIN_TOKEN], drain: [CRON_SECRET] },
  dashboard: dashboard(),
});

const serve = ({ request }: { request: Request }) => handler.fetch(request);

export { serve as action, serve as loader };
