import { type AnyJob, Queue, type Store } from "tidegate";

// #region queues
/** Eight queues. The first is in the first store, the second in the second, and so on. */
export function openQueues(stores: readonly Store[], jobs: readonly AnyJob[]): readonly Queue[] {
  return Array.from({ length: 8 }, (_, number) => {
    const store = stores[number % stores.length] as Store;
    return new Queue({ name: `sync-${number}`, store, jobs });
  });
}

/** Chooses a customer's queue: always the same one. The hash is FNV-1a. */
export function queueOf(queues: readonly Queue[], customer: string): Queue {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(customer)) hash = Math.imul(hash ^ byte, 0x01000193);
  return queues[(hash >>> 0) % queues.length] as Queue;
}
// #endregion
