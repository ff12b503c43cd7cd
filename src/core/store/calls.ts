import type { QueueStore } from "./store.ts";

/** The methods of a store. Each one sends something to the database. */
export type StoreMethod = Exclude<keyof QueueStore, "keepsConnection" | "isFree">;

/** Wraps a queue so that each call goes through `around`, which may make the call now, later, or not at all. */
export function aroundCalls(
  queue: QueueStore,
  around: (method: StoreMethod, call: () => Promise<unknown>) => Promise<unknown>,
): QueueStore {
  return new Proxy(queue, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return async (...parameters: unknown[]) =>
        around(name as StoreMethod, async () => member.apply(target, parameters));
    },
  });
}
