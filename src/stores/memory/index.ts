import { aroundCalls } from "../../core/store/calls.ts";
import { countRequest } from "../../core/store/meter.ts";
import type { Store } from "../../core/store/store.ts";
import { wrongPartitions } from "../wrong-partitions.ts";
import { MemoryQueue } from "./queue.ts";

/**
 * Keeps jobs in memory: for tests, for local runs, and as the specification of what a store does. Everything is gone with
 * the process. It holds plain data and every method ends in the turn in which it was called, so requests may share it.
 */
export function memoryStore(): Store {
  const queues = new Map<string, MemoryQueue>();
  return {
    open(name, meter, partition) {
      const part = partition === undefined ? name : `${name}/${partition}`;
      const queue = queues.get(part) ?? new MemoryQueue();
      queues.set(part, queue);
      return aroundCalls(queue, async (method, call) => {
        // A call counts as the round trip that it would be elsewhere.
        countRequest(meter, 0);
        if (queue.spread && method !== "partitions") throw wrongPartitions(name, queue.spread, undefined);
        return call();
      });
    },
  };
}
