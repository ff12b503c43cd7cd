import type { QueueStore, Store } from "../../src/core/store/store.ts";
import type { StoreMethod } from "../../src/testing/wrap-store.ts";

/** One call of the store port, with what it was asked. */
export interface PortCall {
  readonly method: StoreMethod;
  readonly parameters: readonly unknown[];
}

/** Stands around a call: `run` makes it, as often as it is called. */
export type AroundCall = (call: PortCall, run: () => Promise<unknown>) => Promise<unknown>;

/** A queue's store with something around each of its calls. */
export function aroundCalls(opened: QueueStore, around: AroundCall): QueueStore {
  return new Proxy(opened, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      const method = name as StoreMethod;
      return (...parameters: unknown[]) => around({ method, parameters }, async () => member.apply(target, parameters));
    },
  });
}

/** The same around each call of each queue of a store. */
export function aroundStore(store: Store, around: AroundCall): Store {
  return { open: (queue, meter, partition) => aroundCalls(store.open(queue, meter, partition), around) };
}
