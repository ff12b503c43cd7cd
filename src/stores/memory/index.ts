import { aroundCalls } from "../../core/store/calls.ts";
import { countRequest } from "../../core/store/meter.ts";
import type { Store } from "../../core/store/store.ts";
import { wrongPartitions } from "../wrong-partitions.ts";
import { memoryQueue } from "./queue.ts";
import { MemoryState } from "./state.ts";

/**
 * Keeps jobs in memory: for tests, for local runs, and as the specification of what a store does. Everything is gone
 * with the process. It holds plain data and every method ends in the turn in which it was called, so requests may share
 * it.
 */
export function memoryStore(): Store {
  const states = new Map<string, MemoryState>();
  return {
    open(name, meter, partition) {
      const part = partition === undefined ? name : `${name}/${partition}`;
      const state = states.get(part) ?? new MemoryState();
      states.set(part, state);
      return aroundCalls(memoryQueue(state), async (method, call) => {
        // A call counts as the round trip that it would be elsewhere.
        countRequest(meter, 0);
        if (state.spread && method !== "partitions") throw wrongPartitions(name, state.spread, undefined);
        return call();
      });
    },
  };
}
