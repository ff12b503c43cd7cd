import { Queue } from "tidegate";
import { cloudflarePaid, createWorker, relayTo } from "tidegate/cloudflare";
import { upstashStore } from "tidegate/upstash";
import { jobs } from "./jobs.ts";

interface Env {
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
  readonly TIDEGATE_DRAIN_TOKEN: string;
  /** A service binding to the Worker itself. */
  readonly SELF: { fetch: typeof fetch };
}

// #region worker
export default createWorker((env: Env) => ({
  queue: new Queue({
    store: upstashStore({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN }),
    jobs,
  }),
  auth: { drain: [env.TIDEGATE_DRAIN_TOKEN] },
  drain: cloudflarePaid,
  scheduled: { linger: "60s" },
  fanOut: 4, // invocations that a tick starts in parallel when it leaves a backlog
  onBacklog: relayTo({
    url: "https://self/drain", // through the service binding, so the host does not matter
    token: env.TIDEGATE_DRAIN_TOKEN,
    fetch: env.SELF.fetch.bind(env.SELF),
  }),
}));
// #endregion
