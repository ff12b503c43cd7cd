import { Queue } from "tidegate";
import { cloudflareFree, createWorker } from "tidegate/cloudflare";
import { dashboard } from "tidegate/dashboard";
import { upstashStore } from "tidegate/upstash";
import { jobs } from "./jobs.ts";

interface Env {
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
  readonly TIDEGATE_ENQUEUE_TOKEN: string;
  readonly TIDEGATE_ADMIN_TOKEN: string;
}

export default createWorker((env: Env) => ({
  queue: new Queue({
    store: upstashStore({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN }),
    jobs,
  }),
  auth: { enqueue: [env.TIDEGATE_ENQUEUE_TOKEN], admin: [env.TIDEGATE_ADMIN_TOKEN] },
  dashboard: dashboard(),
  scheduled: cloudflareFree, // or cloudflarePaid
}));
