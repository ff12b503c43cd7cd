import process from "node:process";
import { handle, type LambdaContext } from "hono/aws-lambda";
import { dashboard } from "tidegate/dashboard";
import { createHandler } from "tidegate/http";
import { queue } from "./queue.ts";

const auth = { admin: [process.env["TIDEGATE_ADMIN_TOKEN"] ?? ""], drain: [process.env["CRON_SECRET"] ?? ""] };

/** For a function URL, API Gateway or a load balancer. */
export const http = handle(createHandler({ queue, auth, basePath: "/api/queue", dashboard: dashboard() }));

/** For EventBridge, every minute. It starts no job in the last quarter of the function's time. */
export async function tick(_event: unknown, context: Pick<LambdaContext, "getRemainingTimeInMillis">) {
  const time = context.getRemainingTimeInMillis() - 5_000;
  return queue.drain({ timeBudget: time * 0.75, grace: time * 0.25 });
}
