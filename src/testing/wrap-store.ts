import { aroundCalls, type StoreMethod } from "../core/store/calls.ts";
import type { Meter } from "../core/store/meter.ts";
import type { Store } from "../core/store/store.ts";

/** One call of a store. */
export interface StoreCall {
  /** The name of the queue. */
  readonly queue: string;
  /** The method called. */
  readonly method: StoreMethod;
}

/** Wraps each call of a store. `run` makes the call, now, later, or not at all. */
export function wrapStore(
  store: Store,
  around: (call: StoreCall, run: () => Promise<unknown>, meter: Meter | undefined) => Promise<unknown>,
): Store {
  return {
    open: (queue, meter) =>
      aroundCalls(store.open(queue, meter), (method, call) => around({ queue, method }, call, meter)),
  };
}
