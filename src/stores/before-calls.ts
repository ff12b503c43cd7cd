import type { QueueStore } from "../core/store/store.ts";

/**
 * Does something before each call of a queue's store. If that fails, the call is not made and fails with the same error.
 *
 * @param before gets the name of the method, and returns undefined if there is nothing to wait for.
 */
export function beforeCalls(
  queue: QueueStore,
  before: (method: keyof QueueStore) => Promise<void> | undefined,
): QueueStore {
  return new Proxy(queue, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      const call = (parameters: unknown[]): unknown => member.apply(target, parameters);
      return (...parameters: unknown[]) => {
        try {
          return before(name as keyof QueueStore)?.then(() => call(parameters)) ?? call(parameters);
        } catch (error) {
          return Promise.reject(error);
        }
      };
    },
  });
}
