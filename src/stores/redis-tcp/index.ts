/** Keeps jobs in a Redis or Valkey of your own, over TCP. @module tidegate/redis */

import { invalidRequest } from "../../core/shared/errors.ts";
import { knownOptions } from "../../core/shared/validate.ts";
import type { Store } from "../../core/store/store.ts";
import { Connection, readPrefix } from "../redis/connection.ts";
import { keysOf } from "../redis/keys.ts";
import { redisQueue } from "../redis/queue.ts";
import { lineOf, type RedisClient } from "./clients.ts";
import { ClientTransport } from "./transport.ts";

export type { IoRedisClient, NodeRedisClient, NodeRedisCluster, RedisClient } from "./clients.ts";

/** How keys are named. */
export interface RedisStoreOptions {
  /** The start of every key: 1 to 64 letters, digits, dots, colons, hyphens or underscores. Default "tidegate". */
  readonly prefix?: string | undefined;
}

/**
 * Keeps jobs in a Redis of your own, over TCP, with the keys and scripts of `upstashStore`: a database may be used
 * through both.
 *
 * It needs Redis 6.2, Valkey 7.2 or newer (8 and 9 keep completed jobs for fewer commands), and a connected client of
 * the package `redis` or `ioredis`. The client stays yours: its settings do not change, other code may use it too, and
 * you close it once no queue uses it.
 *
 * ```ts
 * import { createClient } from "redis";
 *
 * const client = await createClient({ url: process.env.REDIS_URL }).connect();
 * const store = redisStore(client);
 * ```
 *
 * For a Redis Cluster, pass a client of the whole cluster: what `createCluster` of `redis` gives, or a `Cluster` of
 * `ioredis`. The keys of a queue are in one slot, and so on one node.
 *
 * While the client has no connection, and while a slot of a cluster moves or has no primary, calls wait for some
 * seconds and then throw `store_unavailable`. Nothing of them is sent later.
 *
 * @param client a connected client, for one server or for a cluster.
 * @param options how keys are named.
 * @throws {TidegateError} `invalid_request` if this is not such a client, or if the prefix is invalid.
 */
export function redisStore(client: RedisClient, options: RedisStoreOptions = {}): Store {
  const { prefix } = knownOptions(options, ["prefix"], "redisStore");
  const connection = connectionOf(client);
  const keysBegin = readPrefix(prefix);
  return { open: (queue, meter) => redisQueue(connection, keysOf(keysBegin, queue), meter) };
}

/** All stores of a client share one listener: Node warns of a leak at more than ten. */
const connections = new WeakMap<RedisClient, Connection>();

function connectionOf(client: RedisClient): Connection {
  const line = lineOf(client);
  if (!line)
    throw invalidRequest(
      "redisStore needs a client of the package `redis` or `ioredis`, such as createClient() or createCluster() gives.",
    );
  const connection = connections.get(client) ?? new Connection(new ClientTransport(line));
  connections.set(client, connection);
  return connection;
}
