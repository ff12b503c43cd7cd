import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { defineJob, InvalidPayloadError, Queue } from "tidegate";
import {
  cloudflareFree,
  createWakeObject,
  createWorker,
  durableObjectWake,
  type WakeNamespace,
} from "tidegate/cloudflare";
import { dashboard } from "tidegate/dashboard";
import { upstashStore } from "tidegate/upstash";
import * as z from "zod";

type Secrets = Record<"UPSTASH_REDIS_REST_URL" | "UPSTASH_REDIS_REST_TOKEN" | "TIDEGATE_ADMIN_TOKEN", string>;
type Env = Secrets & { readonly WAKE: WakeNamespace };

const sendWelcome = defineJob({
  name: "send_welcome",
  schema: z.object({ to: z.email() }),
  perform: ({ to }) => console.log(`Welcome, ${to}`), // Send the email here.
});

let queue: Queue | undefined; // one per isolate
function openQueue({ UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token, WAKE }: Env): Queue {
  queue ??= new Queue({ store: upstashStore({ url, token }), jobs: [sendWelcome], wake: durableObjectWake(WAKE) });
  return queue;
}

const configure = (env: Env) => ({
  queue: openQueue(env),
  basePath: "/api/queue",
  auth: { admin: [env.TIDEGATE_ADMIN_TOKEN] },
  dashboard: dashboard(),
  drain: cloudflareFree, // also for cron ticks and Wake, unless you set `scheduled`
});
const worker = createWorker(configure);
export const Wake = createWakeObject(configure);

const app = new Hono<{ Bindings: Env }>();

app.post("/sign-up", async ({ req, env, json }) => {
  const { email } = await req.json();
  const { id } = await openQueue(env).enqueue(sendWelcome, { to: email }); // Wake runs it within about a second
  return json({ id }, 202);
});

app.all("/api/queue/*", ({ req, env, executionCtx }) => worker.fetch(req.raw, env, executionCtx));

app.onError((error, { json }) => {
  if (error instanceof InvalidPayloadError) return json({ issues: error.issues }, 422);
  if (error instanceof SyntaxError) return json({ error: "The body must be JSON." }, 400);
  if (error instanceof HTTPException) return error.getResponse(); // such as a 401 from bearerAuth
  console.error(error);
  return json({ error: "Something went wrong." }, 500);
});

export default { fetch: app.fetch, scheduled: worker.scheduled };
