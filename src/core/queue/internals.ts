import { drainQueue } from "../drain/drain-queue.ts";
import type { DrainableQueue } from "../drain/drain-queues.ts";
import { type DrainOptions, drainLimits, type InternalDrainOptions } from "../drain/options.ts";
import type { BulkJob } from "../enqueue/bulk.ts";
import type { Enqueuer, HoldOptions } from "../enqueue/enqueuer.ts";
import { enqueueFamily, type GivenFamily } from "../enqueue/family.ts";
import type { TraceContext } from "../job/trace-context.ts";
import { getMeasures } from "../manage/stats.ts";
import { afterLook, type OpenQueue } from "./open.ts";

/** What the rest of the package needs from a queue, and its users do not: its context, and these calls. */
export type QueueInternals = ReturnType<typeof makeInternals>;

export function makeInternals(open: OpenQueue, enqueuer: Enqueuer) {
  return {
    ...open,
    measure: () => afterLook(open, () => getMeasures(open)),
    /**
     * Stores jobs as `enqueueMany` does, and leases those that are due to the caller at once: the eager start.
     * `drain({ held })` then runs them. Without that they are due again when their leases run out.
     */
    enqueueHeld: (jobs: readonly BulkJob[], options?: HoldOptions) => enqueuer.held(jobs, options),
    /** The same, but stores each job separately: a refused one does not keep the others from being stored. */
    enqueueEach: (jobs: readonly BulkJob[], options?: HoldOptions) => enqueuer.each(jobs, options),
    enqueueFamily: (given: GivenFamily, caller?: TraceContext) => enqueueFamily(enqueuer, open, given, caller),
    drain: async (inner: InternalDrainOptions, options: DrainOptions = {}) =>
      drainQueue(open, drainLimits(options, inner)),
    drainWithin: (limits) => drainQueue(open, limits),
    onDue: (listener) => open.nextDue.listen(listener),
  } satisfies DrainableQueue & Record<string, unknown>;
}

// In the registry of symbols, so that a copy of the package finds it on a queue of another copy.
const key = Symbol.for("tidegate.queue");

export function attachInternals(queue: object, internals: QueueInternals): void {
  Object.defineProperty(queue, key, { value: internals });
}

export function internalsOf(queue: object): QueueInternals {
  return (queue as { readonly [key]: QueueInternals })[key];
}
