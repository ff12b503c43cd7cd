import { invalidRequest } from "../../core/shared/errors.ts";
import { wholeNumber } from "../../core/shared/validate.ts";
import { aroundCalls } from "../../core/store/calls.ts";
import { checkDrainable, checkStore, type Store } from "../../core/store/store.ts";
import { inParts } from "./methods.ts";
import { type Known, nothingKnown, Parts } from "./parts.ts";
import { SpreadCheck } from "./spread-check.ts";

/**
 * Spreads each queue over several sets of keys, in one store or in several, for queues that outgrow one: a key of the
 * small Upstash plans holds 100 MB, one lock guards each set, and one core runs each database. Everything works as
 * before, except for this:
 *
 * - Jobs run in order within a partition; all jobs of one `enqueueMany` without your own ids are in one. All jobs
 *   with the same flow control key are in one too, and your own id is refused if it belongs in another.
 * - Jobs with your own ids are stored atomically per partition, not all together. `dedupe` cannot be combined with an
 *   id.
 * - An idle tick costs one command and one round trip per partition; so does each `checkEvery` of a drain with running
 *   jobs.
 * - A drain of n partitions needs `budget.roundTrips` of at least n + 7, and `budget.commands` of 2 n + 108, or it
 *   throws: the defaults allow up to 33 partitions, `cloudflareFree` up to 8. More make it faster: ended jobs may be in
 *   any of them.
 * - The first call of a process for a queue checks that it is stored in this many partitions: 3 commands.
 *
 * ```ts
 * const queue = new Queue({ store: partitioned(upstashStore({ url, token }), 8), jobs });
 * ```
 *
 * The number is stored with the queue when it is first used, and cannot be changed: calls that open the queue with
 * another number, or without `partitioned`, throw `invalid_request` and change nothing. To change it, choose another
 * name for the queue, enqueue there, and drain both until the old one is empty.
 *
 * With k stores, of any kinds, partition p is in the store whose number is p modulo k. The stores and their order are
 * fixed like the number of partitions:
 *
 * ```ts
 * const queue = new Queue({ store: partitioned([inFrankfurt, inDublin], 8), jobs });
 * ```
 *
 * - The first call of a process asks each store: 3 commands for each. The smallest budget of a drain has 2 k - 1 more
 *   round trips.
 * - While a store is unreachable, drains continue with the others and log a warning. New jobs without your own id or
 *   dedupe key go to the others after one failure, and try the unreachable store again after 30 s. Calls for its jobs,
 *   or for all jobs, throw `store_unavailable`.
 * - Schedules are in the first store, with the jobs that they make, and so are documents. Nothing is copied from one
 *   store to another.
 *
 * @param store a store, or several, each given once.
 * @param count the number of partitions, 1 to 64, and at least one for each store. 1 is the same as the store itself.
 * @throws {TidegateError} `invalid_request`
 */
export function partitioned(store: Store | readonly Store[], count: number): Store {
  const stores = Array.isArray(store) ? (store as readonly Store[]) : [store as Store];
  for (const one of stores) {
    checkStore(one, "partitioned");
    checkDrainable(one.open("default"), "partitioned");
  }
  wholeNumber(count, "the number of partitions", 1, 64);
  if (stores.length === 0 || stores.length > count || new Set(stores).size < stores.length)
    throw invalidRequest("partitioned needs at least one store, each given once, and a partition for each of them.");
  const [first] = stores as [Store, ...Store[]];
  if (count === 1) return first;
  const known = new Map<string, Known>();
  return {
    open(queue, meter) {
      const ofQueue = known.get(queue) ?? nothingKnown(stores.length);
      known.set(queue, ofQueue);
      const wholes = stores.map((one) => one.open(queue, meter));
      const spread = new SpreadCheck(queue, wholes, count, ofQueue.checked);
      const parts = Array.from({ length: count }, (_, partition) => {
        const place = partition % stores.length;
        const part = (stores[place] as Store).open(queue, meter, partition);
        return aroundCalls(part, (_method, call) => spread.check(place)?.then(call) ?? call());
      });
      return inParts(new Parts(parts, spread, ofQueue, meter));
    },
  };
}
