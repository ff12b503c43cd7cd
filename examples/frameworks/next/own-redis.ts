import { Redis } from "ioredis";
import { redisStore } from "tidegate/redis";

// next dev loads this file anew when it changes, but keeps what globalThis has: one connection.
const kept = globalThis as { redis?: Redis };
kept.redis ??= new Redis(process.env.REDIS_URL ?? "", { lazyConnect: true });

export const store = redisStore(kept.redis);
