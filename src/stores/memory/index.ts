import { aroundCalls } from "../../core/store/calls.ts";
import { countRequest } from "../../core/store/meter.ts";
import type { Store } from "../../core/store/store.ts";
import { memoryQueue } from "./queue.ts";
import { MemoryState } from "./state.ts";

/**
 * Keeps jobs in memory: for tests, for local use, and as the specification of a store. Everything is gone when the
 * process ends. It holds plain data, and every method ends in the turn of its call, so requests may share it.
 */
export function memoryStore(): Store {
  const states = new Map<string, MemoryState>();
  return {
    open(name, meter) {
      const state = states.get(name) ?? new MemoryState();
      states.set(name, state);
      return aroundCalls(memoryQueue(state), async (_, call) => {
        // In another store, each call is a round trip.
        countRequest(meter, 0);
        return call();
      });
    },
  };
}
