import { aroundCalls } from "../../core/store/calls.ts";
import { countRequest } from "../../core/store/meter.ts";
import type { Store } from "../../core/store/store.ts";
import { wrongPartitions } from "../wrong-partitions.ts";
import { memoryQueue } from "./queue.ts";
import { MemoryState } from "./state.ts";

/**
 * Keeps jobs in memory: for tests, for local use, and as the specification of a store. Everything is gone when the
 * process ends. It holds plain data, and every method ends in the turn of its call, so requests may share it.
 */
export function memoryStore(): Store {
  const states = new Map<string, MemoryState>();
  return {
    open(name, meter, partition) {
      const part = partition === undefined ? name : `${name}/${partition}`;
      const state = states.get(part) ?? new MemoryState();
      states.set(part, state);
      return aroundCalls(memoryQueue(state), async (method, call) => {
        // In another store, each call is a round trip.
        countRequest(meter, 0);
        if (state.spread && method !== "partitions") throw wrongPartitions(name, state.spread, undefined);
        return call();
      });
    },
  };
}
