import { Queue } from "tidegate";
import { cloudflareFree, createWorker } from "tidegate/cloudflare";
import { createQStash } from "tidegate/qstash";
import { upstashStore } from "tidegate/upstash";

interface Env {
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
  readonly QSTASH_TOKEN: string;
  readonly QSTASH_CURRENT_SIGNING_KEY: string;
  readonly QSTASH_NEXT_SIGNING_KEY: string;
  readonly TIDEGATE_ADMIN_TOKEN: string;
}

export default createWorker((env: Env) => {
  const qstash = createQStash({
    tokens: [env.QSTASH_TOKEN],
    signingKeys: { current: env.QSTASH_CURRENT_SIGNING_KEY, next: env.QSTASH_NEXT_SIGNING_KEY },
    targets: ["https://app.example.com/api/*"],
  });
  const store = upstashStore({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN });
  const queue = new Queue({ store, jobs: qstash.jobs });
  return {
    queue,
    qstash,
    auth: { admin: [env.TIDEGATE_ADMIN_TOKEN] },
    drain: cloudflareFree,
    scheduled: { linger: "60s" },
  };
});
