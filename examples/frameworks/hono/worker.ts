import { Hono } from "hono";
import { defineJob, InvalidPayloadError, Queue } from "tidegate";
import { cloudflareFree, createWorker } from "tidegate/cloudflare";
import { dashboard } from "tidegate/dashboard";
import { upstashStore } from "tidegate/upstash";
import * as z from "zod";

type Env = Record<"UPSTASH_REDIS_REST_URL" | "UPSTASH_REDIS_REST_TOKEN" | "TIDEGATE_ADMIN_TOKEN", string>;

const sendWelcome = defineJob({
  name: "send_welcome",
  schema: z.object({ to: z.email() }),
  perform: ({ to }) => console.log(`Welcome, ${to}`), // Send the mail here.
});

const queueOf = ({ UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token }: Env) =>
  new Queue({ store: upstashStore({ url, token }), jobs: [sendWelcome] });

const worker = createWorker((env: Env) => ({
  queue: queueOf(env),
  basePath: "/api/queue",
  auth: { admin: [env.TIDEGATE_ADMIN_TOKEN] },
  dashboard: dashboard(),
  scheduled: cloudflareFree,
}));

const app = new Hono<{ Bindings: Env }>();

app.post("/sign-up", async ({ req, env, json, executionCtx }) => {
  const { email } = await req.json();
  const queue = queueOf(env);
  const { id } = await queue.enqueue(sendWelcome, { to: email });
  executionCtx.waitUntil(queue.drain({ timeBudget: "10s" })); // after the response
  return json({ id }, 202);
});

app.all("/api/queue/*", ({ req, env, executionCtx }) => worker.fetch(req.raw, env, executionCtx));

app.onError((error, { json }) => {
  if (error instanceof InvalidPayloadError) return json({ issues: error.issues }, 422);
  console.error(error);
  return json({ error: "Something went wrong." }, 500);
});

export default { fetch: app.fetch, scheduled: worker.scheduled };
