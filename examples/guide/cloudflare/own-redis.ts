import { createClient } from "redis";
import { Queue } from "tidegate";
import { cloudflarePaid } from "tidegate/cloudflare";
import { createHandler } from "tidegate/http";
import { redisStore } from "tidegate/redis";
import { jobs } from "./jobs.ts";

interface Env {
  readonly REDIS_URL: string;
  readonly TIDEGATE_ADMIN_TOKEN: string;
}

interface Context {
  waitUntil(work: Promise<unknown>): void;
  passThroughOnException(): void;
  readonly props: unknown;
}

async function connect({ REDIS_URL: url }: Env) {
  const client = await createClient({ url }).connect();
  return { client, queue: new Queue({ store: redisStore(client), jobs }) };
}

export default {
  async fetch(request: Request, env: Env, context: Context): Promise<Response> {
    const { client, queue } = await connect(env);
    const handler = createHandler({ queue, auth: { admin: [env.TIDEGATE_ADMIN_TOKEN] } });
    const background: Promise<unknown>[] = [];
    const waitUntil = (work: Promise<unknown>) => void background.push(work);
    try {
      return await handler.fetch(request, env, { waitUntil, passThroughOnException() {}, props: {} });
    } finally {
      // Jobs that start after the response need the connection too.
      context.waitUntil(Promise.allSettled(background).then(() => client.close()));
    }
  },
  async scheduled(_: unknown, env: Env): Promise<void> {
    const { client, queue } = await connect(env);
    try {
      await queue.drain(cloudflarePaid);
    } finally {
      await client.close();
    }
  },
};
