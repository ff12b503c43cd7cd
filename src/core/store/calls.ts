import type { QueueStore } from "./store.ts";

// As an object, so that a method of the port without an entry is a compile error.
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
  findFlow: true,
  listFlows: true,
  changeFlow: true,
  findDocument: true,
  listDocuments: true,
  changeDocuments: true,
} satisfies Record<Exclude<keyof QueueStore, "local">, true>;

/**
 * The methods of a store. Each one sends something to the database.
 *
 * @useDeclaredType
 */
export type StoreMethod = keyof typeof methods;

/** The names of these methods. */
export const storeMethods = Object.keys(methods) as readonly StoreMethod[];

/** The same queue, each of whose calls goes through `around`. `call` makes it: now, later, or not at all. */
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
