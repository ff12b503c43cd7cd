import { Queue } from "tidegate";
import { cloudflarePaid, createWorker } from "tidegate/cloudflare";
import { upstashStore } from "tidegate/upstash";
import { cleanUp, greet } from "./jobs.ts";

interface Env {
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
  readonly TIDEGATE_DRAIN_TOKEN: string;
}

// #region worker
export default createWorker((env: Env) => {
  const store = upstashStore({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN });
  return {
    queues: [
      new Queue({ name: "urgent", store, jobs: [greet] }),
      new Queue({ name: "bulk", store, jobs: [greet, cleanUp] }),
    ],
    auth: { drain: [env.TIDEGATE_DRAIN_TOKEN] },
    drain: cloudflarePaid,
    scheduled: { linger: "60s" },
  };
});
// #endregion
