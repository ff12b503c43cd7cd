// #region store
import { Redis } from "@upstash/redis";
import { Queue } from "tidegate";
import { upstashStore } from "tidegate/upstash";

const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = process.env;
export const redis = new Redis({ url, token, retry: { retries: 0 } });
export const store = upstashStore({ redis });

/** For use inside jobs. It lists no jobs, so this file imports none. */
export const sender = new Queue({ store });
// #endregion
