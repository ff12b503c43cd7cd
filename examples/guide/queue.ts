import { createClient } from "redis";
import { memoryStore, Queue, type Store } from "tidegate";
import { redisStore } from "tidegate/redis";
import { upstashStore } from "tidegate/upstash";
import { resize, sendEmail } from "./define.ts";
import { importRows } from "./import-rows.ts";

// #region open
export const openQueue = (store: Store) =>
  new Queue({
    name: "default",
    store,
    jobs: [sendEmail, resize, importRows],
    retention: "7d", // how long completed jobs are kept; default "24h"
  });
// #endregion

interface Env {
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
  readonly REDIS_URL: string;
}

export async function openStores(env: Env) {
  // #region stores
  const inMemory = memoryStore();
  const onUpstash = upstashStore({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN });
  const client = await createClient({ url: env.REDIS_URL }).connect(); // or an ioredis client
  const onYourRedis = redisStore(client);
  // #endregion
  return { stores: { inMemory, onUpstash, onYourRedis }, client };
}
