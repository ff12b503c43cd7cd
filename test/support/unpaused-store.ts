import type { Store } from "../../src/core/store/store.ts";
import { Connection, type Transport } from "../../src/stores/redis/connection.ts";
import { keysOf } from "../../src/stores/redis/keys.ts";
import { redisQueue } from "../../src/stores/redis/queue.ts";

/** A store of Redis that resends at once. */
export function unpausedStore(transport: Transport, prefix: string): Store {
  const connection = new Connection(transport, async () => {});
  return {
    open: (queue, meter) => redisQueue(connection, keysOf(prefix, queue), meter),
  };
}
