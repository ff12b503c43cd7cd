import type { Meter } from "../core/store/meter.ts";
import type { QueueStore, Store } from "../core/store/store.ts";

/** The methods of a store. Each one sends something to the database. */
export type StoreMethod =
  | "enqueue"
  | "settle"
  | "exchange"
  | "partitions"
  | "peek"
  | "peekWithManifest"
  | "extend"
  | "find"
  | "findDead"
  | "list"
  | "failures"
  | "areWaiting"
  | "cancel"
  | "reschedule"
  | "change"
  | "retryDead"
  | "removeDead"
  | "clear"
  | "pulse"
  | "stats"
  | "figures"
  | "pending"
  | "history"
  | "setPaused"
  | "putSchedule"
  | "findSchedule"
  | "listSchedules"
  | "removeSchedule"
  | "declare"
  | "findFlow"
  | "listFlows"
  | "changeFlow"
  | "findDocument"
  | "listDocuments"
  | "changeDocuments";

type PortMethod = Exclude<keyof QueueStore, "local">;

// A record, so that the compiler reports a missing one.
const methods = {
  enqueue: true,
  settle: true,
  exchange: true,
  partitions: true,
  peek: true,
  peekWithManifest: true,
  extend: true,
  find: true,
  findDead: true,
  list: true,
  failures: true,
  areWaiting: true,
  cancel: true,
  reschedule: true,
  change: true,
  retryDead: true,
  removeDead: true,
  clear: true,
  findFlow: true,
  listFlows: true,
  changeFlow: true,
  pulse: true,
  stats: true,
  figures: true,
  pending: true,
  history: true,
  setPaused: true,
  putSchedule: true,
  findSchedule: true,
  listSchedules: true,
  removeSchedule: true,
  declare: true,
  findDocument: true,
  listDocuments: true,
  changeDocuments: true,
} satisfies Record<PortMethod, true>;

/** The names of these methods. */
export const storeMethods: readonly StoreMethod[] = Object.keys(methods) as PortMethod[];

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
    open: (queue, meter, partition) =>
      new Proxy(store.open(queue, meter, partition), {
        get(opened, name) {
          const member: unknown = Reflect.get(opened, name, opened);
          if (typeof member !== "function") return member;
          const method = name as StoreMethod;
          return (...parameters: unknown[]) =>
            around({ queue, method }, async () => member.apply(opened, parameters), meter);
        },
      }),
  };
}
