import { Queue } from "tidegate";
import {
  cloudflareFree,
  createWakeObject,
  createWorker,
  durableObjectWake,
  type WakeNamespace,
} from "tidegate/cloudflare";
import { upstashStore } from "tidegate/upstash";
import { jobs } from "./jobs.ts";

interface Env {
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
  readonly TIDEGATE_ENQUEUE_TOKEN: string;
  readonly TIDEGATE_ADMIN_TOKEN: string;
  readonly WAKE: WakeNamespace;
}

// #region worker
const configure = (env: Env) => ({
  queue: new Queue({
    store: upstashStore({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN }),
    jobs,
    wake: durableObjectWake(env.WAKE),
  }),
  auth: { enqueue: [env.TIDEGATE_ENQUEUE_TOKEN], admin: [env.TIDEGATE_ADMIN_TOKEN] },
  scheduled: { ...cloudflareFree, linger: "0s" } as const, // of the hourly cron, and of the object's alarm
});

export default createWorker(configure);
export const Wake = createWakeObject(configure);
// #endregion
