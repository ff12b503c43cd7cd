import { localMembers, type Meter, type QueueStore, type Store } from "../core/store.ts";
import { MemoryQueue } from "./memory/queue.ts";

/**
 * Keeps jobs in memory: for tests, for local runs, and as the specification of what a store does. Everything is gone with
 * the process. It holds plain data and every method ends in the turn in which it was called, so requests may share it.
 */
export function memoryStore(): Store {
  const queues = new Map<string, MemoryQueue>();
  return {
    open(name, meter, partition = 0) {
      const part = `${name}/${partition}`;
      const queue = queues.get(part) ?? new MemoryQueue();
      queues.set(part, queue);
      return meter ? metered(queue, meter) : queue;
    },
  };
}

/** Counts each call as the round trip that it would be elsewhere. */
function metered(queue: QueueStore, meter: Meter): QueueStore {
  return new Proxy(queue, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function" || localMembers.has(name)) return member;
      return (...parameters: unknown[]) => {
        meter.roundTrips++;
        return member.apply(target, parameters);
      };
    },
  });
}
