import { Producer } from "tidegate";
import { upstashProducerStore } from "tidegate/upstash";
import { sendEmail } from "./define.ts";

interface Env {
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
}

// #region worker
let queue: Producer | undefined; // one for all requests of an isolate

export default {
  async fetch(request: Request, env: Env) {
    queue ??= new Producer({
      store: upstashProducerStore({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN }),
      jobs: [sendEmail],
    });
    const { id } = await queue.enqueue(sendEmail, { to: await request.text(), subject: "Welcome" });
    return new Response(id, { status: 201 });
  },
};
// #endregion
