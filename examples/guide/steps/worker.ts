import { Hono } from "hono";
import { mount } from "hono/mount";
import { Queue } from "tidegate";
import { cloudflareFree, createWorker } from "tidegate/cloudflare";
import { upstashStore } from "tidegate/upstash";
import { research } from "./agent.ts";
import { importCustomers } from "./import.ts";
import { fulfil, payments } from "./order.ts";
import { services } from "./services.ts";

interface Env {
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
  readonly TIDEGATE_ADMIN_TOKEN: string;
  readonly PAYMENTS_SECRET: string;
  readonly SERVICES_URL: string;
}

function openQueue(env: Env): Queue {
  services.url = env.SERVICES_URL;
  const store = upstashStore({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN });
  return new Queue({ store, jobs: [fulfil, research, importCustomers] });
}

const worker = createWorker((env: Env) => ({
  queue: openQueue(env),
  auth: { admin: [env.TIDEGATE_ADMIN_TOKEN] },
  drain: cloudflareFree,
  scheduled: { linger: "60s" },
}));

const app = new Hono<{ Bindings: Env }>();
app.post("/webhooks/payments", ({ env, req }) => payments(openQueue(env), env.PAYMENTS_SECRET).fetch(req.raw));
app.all("/queue/*", mount(worker.fetch));

export default { fetch: app.fetch, scheduled: worker.scheduled };
