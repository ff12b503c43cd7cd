/** Keeps jobs in Upstash Redis, over HTTP. @module tidegate/upstash */

import { invalidRequest } from "../../core/shared/errors.ts";
import { checkObject, knownOptions } from "../../core/shared/validate.ts";
import type { ProducerStore, Store } from "../../core/store/store.ts";
import { Connection, readPrefix } from "../redis/connection.ts";
import { keysOf } from "../redis/keys.ts";
import { redisProducer, redisQueue } from "../redis/queue.ts";
import { transportOf, transportTo, type UpstashClient } from "./transport.ts";

export type { UpstashClient } from "./transport.ts";

/** Where the database is. */
export interface UpstashStoreOptions {
  /** `UPSTASH_REDIS_REST_URL` */
  readonly url: string;
  /** `UPSTASH_REDIS_REST_TOKEN`, not the read-only one. */
  readonly token: string;
  /** The start of every key. Default "tidegate". */
  readonly prefix?: string | undefined;
}

/** A database that you have a client for. */
export interface UpstashClientOptions {
  /** Your client. Its own settings do not change. */
  readonly redis: UpstashClient;
  /** The start of every key. Default "tidegate". */
  readonly prefix?: string | undefined;
}

/**
 * Keeps jobs in Upstash Redis, over HTTP. It works wherever `fetch` does.
 *
 * ```ts
 * const store = upstashStore({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN });
 * ```
 *
 * @throws {TidegateError} `invalid_request` if the url or the token is missing, or if an option is invalid. Nothing is
 *   sent before a queue needs it.
 */
export function upstashStore(options: UpstashStoreOptions | UpstashClientOptions | UpstashClient): Store {
  const { connection, prefix } = readOptions(options, "upstashStore");
  return { open: (queue, meter) => redisQueue(connection, keysOf(prefix, queue), meter) };
}

/**
 * The part of `upstashStore` that a `Producer` needs, with the same options.
 *
 * @throws as `upstashStore`
 */
export function upstashProducerStore(
  options: UpstashStoreOptions | UpstashClientOptions | UpstashClient,
): ProducerStore {
  const { connection, prefix } = readOptions(options, "upstashProducerStore");
  return { open: (queue) => redisProducer(connection, keysOf(prefix, queue)) };
}

function readOptions(options: UpstashStoreOptions | UpstashClientOptions | UpstashClient, taker: string) {
  checkObject(options, `${taker} takes { url, token }, or a client of @upstash/redis.`);
  if ("evalsha" in options)
    return { connection: new Connection(transportOf(options as UpstashClient)), prefix: readPrefix() };
  if ("redis" in options && options.redis !== undefined) {
    const { redis, prefix } = knownOptions(options, ["redis", "prefix"], `${taker} with a client`);
    return { connection: new Connection(transportOf(redis)), prefix: readPrefix(prefix) };
  }
  const { url, token, prefix } = knownOptions(options as UpstashStoreOptions, ["url", "token", "prefix"], taker);
  if (typeof url !== "string" || !URL.canParse(url) || !/^https?:\/\/[^\s@]+$/i.test(url))
    throw invalidRequest(
      `${taker} needs the REST url of the database: set UPSTASH_REDIS_REST_URL to what its console shows. It begins with https:// and holds no user. ${LOCAL}`,
    );
  if (typeof token !== "string" || !/^[!-~]+$/.test(token))
    throw invalidRequest(
      `${taker} needs the REST token: set UPSTASH_REDIS_REST_TOKEN to what the database's console shows. ${LOCAL}`,
    );
  return { connection: new Connection(transportTo(url, token)), prefix: readPrefix(prefix) };
}

const LOCAL = "For a local one, start npx tidegate dev.";
