import { defineJob, Queue } from "tidegate";
import { createWorker } from "tidegate/cloudflare";
import { upstashStore } from "tidegate/upstash";
import * as z from "zod";
import type { Env } from "./env.ts";

export const resize = defineJob({
  name: "resize",
  schema: z.object({ image: z.url(), width: z.int().min(1).default(320) }),
  // The payload has the schema's output type.
  perform: ({ image, width }) => `${image} is ${width} wide now`,
});

export default createWorker((env: Env) => ({
  queue: new Queue({
    store: upstashStore({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN }),
    jobs: [resize],
  }),
  auth: { enqueue: [env.TIDEGATE_ENQUEUE_TOKEN], admin: [env.TIDEGATE_ADMIN_TOKEN] },
}));
