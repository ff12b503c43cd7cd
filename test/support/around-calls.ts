import type { StoreMethod } from "../../src/core/store/calls.ts";
import type { QueueStore, Store } from "../../src/core/store/store.ts";

/** One call of the store port, with its parameters. */
export interface PortCall {
  readonly method: StoreMethod;
  readonly parameters: readonly unknown[];
}

/** Wraps a call: `run` makes it, as often as it is called. */
export type AroundCall = (call: PortCall, run: () => Promise<unknown>) => Promise<unknown>;

/** Wraps each call of a queue's store. */
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

/** The same for each queue of a store. */
export function aroundStore(store: Store, around: AroundCall): Store {
  return { open: (queue, meter) => aroundCalls(store.open(queue, meter), around) };
}
