/** Keeps jobs in Upstash Redis, over HTTP. @module tidegate/upstash */

import { invalidRequest } from "../../core/shared/errors.ts";
import { checkObject, knownOptions } from "../../core/shared/validate.ts";
import type { ProducerStore, Store } from "../../core/store/store.ts";
import { Connection, readPrefix } from "../redis/connection.ts";
import { keysOf } from "../redis/keys.ts";
import { redisProducer, redisQueue } from "../redis/queue.ts";
import { checkClient, transportOf, transportTo, type UpstashClient } from "./client.ts";

export type {
  UpstashClient,
  UpstashPipeline,
  UpstashRequest,
  UpstashResponse,
  UpstashSend,
} from "./client.ts";

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
  /**
   * Your client of `@upstash/redis`. Its settings hold, except that each request ends at the store's own deadline.
   * Give it `retry: { retries: 0 }`: the store sends again by itself, and recognizes what an earlier request has done.
   */
  readonly redis: UpstashClient;
  /** The start of every key. Default "tidegate". */
  readonly prefix?: string | undefined;
}

/**
 * Keeps jobs in Upstash Redis, over HTTP, with `@upstash/redis`. It works wherever `fetch` does.
 *
 * ```ts
 * const store = upstashStore({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN });
 * ```
 *
 * @throws {TidegateError} `invalid_request` if the url or the token is missing, if an option is invalid, or if `redis`
 *   is another client. Nothing is sent before a queue needs it.
 */
export function upstashStore(options: UpstashStoreOptions | UpstashClientOptions): Store;
export function upstashStore(options: UpstashStoreOptions | UpstashClientOptions, ...more: unknown[]): Store {
  const { connection, prefix } = readOptions(options, more, "upstashStore");
  return { open: (queue, meter) => redisQueue(connection, keysOf(prefix, queue), meter) };
}

/**
 * The part of `upstashStore` that a `Producer` needs, with the same options.
 *
 * @throws as `upstashStore`
 */
export function upstashProducerStore(options: UpstashStoreOptions | UpstashClientOptions): ProducerStore;
export function upstashProducerStore(
  options: UpstashStoreOptions | UpstashClientOptions,
  ...more: unknown[]
): ProducerStore {
  const { connection, prefix } = readOptions(options, more, "upstashProducerStore");
  return { open: (queue) => redisProducer(connection, keysOf(prefix, queue)) };
}

function readOptions(options: UpstashStoreOptions | UpstashClientOptions, more: readonly unknown[], taker: string) {
  const forms = `${taker} takes { url, token, prefix }, or { redis, prefix } with a client of @upstash/redis`;
  checkObject(options, `${forms}.`);
  if (more.length > 0) throw invalidRequest(`${forms}, as its only argument.`);
  if ("evalsha" in options || "sendCommand" in options) {
    checkClient(options, taker);
    throw invalidRequest(`${forms}: write ${taker}({ redis }).`);
  }
  if ("redis" in options && options.redis !== undefined) {
    const { redis, prefix } = knownOptions(options, ["redis", "prefix"], `${taker} with a client`);
    checkClient(redis, taker);
    const keysBegin = readPrefix(prefix);
    return { connection: connectionOf(redis), prefix: keysBegin };
  }
  const { url, token, prefix } = knownOptions(options as UpstashStoreOptions, ["url", "token", "prefix"], taker);
  if (typeof url !== "string" || !URL.canParse(url) || !/^https?:\/\/[^\s@#$./?][^\s@]+$/i.test(url))
    throw invalidRequest(
      `${taker} needs the REST url of the database: set UPSTASH_REDIS_REST_URL to what its console shows. It begins with https:// and holds no user. ${LOCAL}`,
    );
  if (typeof token !== "string" || !/^[!-~]+$/.test(token))
    throw invalidRequest(
      `${taker} needs the REST token: set UPSTASH_REDIS_REST_TOKEN to what the database's console shows. ${LOCAL}`,
    );
  const keysBegin = readPrefix(prefix);
  return { connection: new Connection(transportTo(url, token)), prefix: keysBegin };
}

/** All stores of a client share one connection: each would put a middleware of its own around the client's requests. */
const connections = new WeakMap<UpstashClient, Connection>();

function connectionOf(client: UpstashClient): Connection {
  const connection = connections.get(client) ?? new Connection(transportOf(client));
  connections.set(client, connection);
  return connection;
}

const LOCAL = "For a local one, start npx tidegate dev.";
