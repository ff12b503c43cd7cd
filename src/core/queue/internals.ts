import { drainQueue } from "../drain/drain-queue.ts";
import type { DrainableQueue } from "../drain/drain-queues.ts";
import { type DrainOptions, drainLimits, type InternalDrainOptions } from "../drain/options.ts";
import type { BulkJob } from "../enqueue/bulk.ts";
import type { Enqueuer, HoldOptions } from "../enqueue/enqueuer.ts";
import { enqueueFamily, type GivenFamily } from "../enqueue/family.ts";
import { changeFlow } from "../flow/flow-keys.ts";
import type { TraceContext } from "../job/trace-context.ts";
import { type DeadJobChanges, retryDead } from "../manage/dead-letter.ts";
import { readFailure } from "../manage/failure-details.ts";
import { readJob, readJobs } from "../manage/jobs.ts";
import { type ListOptions, listKeyedJobs } from "../manage/list.ts";
import { type PauseJobsOptions, pauseJobs } from "../manage/paused-jobs.ts";
import { getMeasures } from "../manage/stats.ts";
import { noteChange, type QueueChange } from "../observe/changes.ts";
import type { FlowChange } from "../store/flow.ts";
import type { JobState } from "../store/store.ts";
import { afterLook, type OpenQueue } from "./open.ts";

/** What the rest of the package needs from a queue, and its users do not. */
export type QueueInternals = ReturnType<typeof makeInternals>;

export function makeInternals(open: OpenQueue, enqueuer: Enqueuer) {
  const { queue, store, clock, leastRoundTrips, meter, nextDue, wakes, watchTokens } = open;
  return {
    ...{ queue, store, clock, leastRoundTrips, wakes, watchTokens },
    /** What calls of this object have cost, without drains. */
    meter,
    /** As in `QueueStore`. */
    keepsConnection: store.keepsConnection,
    /** Reads a job as `Queue.getJob` does, in one request: without what holds it back. */
    readJob: (id: string) => readJob(open, id),
    /** Reads jobs in the same way: up to 9 commands, more if they are large. Leaves out those that are gone. */
    readJobs: (ids: readonly string[]) => readJobs(open, ids),
    /** Lists jobs as `Queue.listJobs` does, each with its flow control key, and with what holds it back. */
    listKeyedJobs: (options: ListOptions, order?: readonly JobState[]) => listKeyedJobs(open, options, order),
    /** Reads a group of failures as `Queue.getFailure` does, with a page of its jobs. */
    readFailure: (group: string, cursor?: string) => readFailure(open, group, cursor),
    async retryDead(id: string, payload: unknown, changes: DeadJobChanges): Promise<void> {
      await retryDead(open, id, { payload }, changes);
    },
    measure: () => afterLook(open, () => getMeasures(open)),
    /** Changes any flow control key, even a reserved one, and in ways that `Queue.flowControl` does not offer. */
    changeFlow: (key: string, change: FlowChange) => changeFlow(open, key, change),
    findFlow: (key: string) => store.findFlow(key, clock()),
    /**
     * Stores jobs as `enqueueMany` does, and leases those that are due to the caller at once: the eager start.
     * `drain({ held })` then runs them. Without that they are due again when their leases run out.
     *
     * @throws as `enqueueMany`
     */
    enqueueHeld: (jobs: readonly BulkJob[], options?: HoldOptions) => enqueuer.held(jobs, options),
    /** The same, but stores each job separately: a refused one does not keep the others from being stored. */
    enqueueEach: (jobs: readonly BulkJob[], options?: HoldOptions) => enqueuer.each(jobs, options),
    /** Stores a job with its children. @throws as `Queue.enqueue` */
    enqueueFamily: (given: GivenFamily, caller?: TraceContext) => enqueueFamily(enqueuer, open, given, caller),
    /** Drains as `Queue.drain` does, with more options. */
    drain: async (inner: InternalDrainOptions, options: DrainOptions = {}) =>
      drainQueue(open, drainLimits(options, inner)),
    drainWithin: (limits) => drainQueue(open, limits),
    onDue: (listener) => nextDue.listen(listener),
    /** Pauses a job type, and lists no change. */
    pauseJobs: (name: string, given: PauseJobsOptions & { readonly by: string | null }) => pauseJobs(open, name, given),
    /** Lists a change that came over HTTP (`noteChange`). */
    noteChange: (change: Omit<QueueChange, "at" | "count">, result: unknown) => noteChange(open, change, result),
    /** Reads a text that changes when anything happens to jobs: see `QueueStore.pulse`. */
    pulse: () => store.pulse(),
  } satisfies DrainableQueue & Record<string, unknown>;
}

// In the registry of symbols, so that a copy of the package finds it on a queue of another copy.
const key = Symbol.for("tidegate.queue");

export function attachInternals(queue: object, internals: QueueInternals): void {
  Object.defineProperty(queue, key, { value: internals });
}

export function hasInternals(value: unknown): boolean {
  return typeof value === "object" && value !== null && key in value;
}

export function internalsOf(queue: object): QueueInternals {
  return (queue as { readonly [key]: QueueInternals })[key];
}
