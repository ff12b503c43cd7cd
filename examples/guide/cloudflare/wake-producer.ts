import { Producer } from "tidegate";
import { durableObjectWake, type WakeNamespace } from "tidegate/cloudflare";
import { upstashProducerStore } from "tidegate/upstash";
import { greet } from "./jobs.ts";

interface Env {
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
  readonly WAKE: WakeNamespace;
}

function producer(env: Env) {
  // #region producer
  const queue = new Producer({
    store: upstashProducerStore({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN }),
    jobs: [greet],
    wake: durableObjectWake(env.WAKE),
  });
  // #endregion
  return queue;
}

let queue: Producer | undefined;

export default {
  async fetch(_: Request, env: Env): Promise<Response> {
    queue ??= producer(env);
    return Response.json(await queue.enqueue(greet, { who: "Ada" }, { delay: "5m" }), { status: 202 });
  },
};
