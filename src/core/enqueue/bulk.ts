import type { AnyJob, InputOf, PayloadField } from "../job/define.ts";
import { innerOf } from "../job/inner-options.ts";
import { refuseReserved } from "../job/reserved.ts";
import type { JobTrace, TraceContext } from "../job/trace-context.ts";
import { invalidRequest, isTidegateError } from "../shared/errors.ts";
import { accepting, callable, optionsOf } from "../shared/schema.ts";
import { checkObject, checkPlain } from "../shared/validate.ts";
import type { NewJob } from "../store/store.ts";
import type { EnqueueContext } from "./context.ts";
import { draftJob, type EnqueueFields, finishJob, type JobDraft, jobName, resolveJob } from "./new-job.ts";

/** One job for `enqueueMany`. */
export interface BulkJob extends EnqueueFields {
  /** A definition, or the name of one. */
  readonly job: AnyJob | string;
  /** As the second argument of `enqueue`. */
  readonly payload?: unknown;
}

/** A `BulkJob` with a payload of the type that its job takes: any type for a name or a job of unknown type. */
export type TypedBulkJob<Job extends AnyJob | string, Known extends AnyJob = AnyJob> =
  unknown extends InputOf<Job, Known> ? BulkJobOf<Job, Known> : Job extends unknown ? BulkJobOf<Job, Known> : never;

/** A `BulkJob` of one definition, with a payload of its type. */
export type BulkJobOf<Job extends AnyJob | string, Known extends AnyJob = AnyJob> = EnqueueFields & {
  readonly job: Job;
} & PayloadField<"payload", InputOf<Job, Known>>;

/** What `enqueueMany` takes: jobs, each with a payload of its own type. */
export type TypedBulk<Jobs extends readonly (AnyJob | string)[], Known extends AnyJob = AnyJob> = {
  readonly [Index in keyof Jobs]: TypedBulkJob<Jobs[Index], Known>;
};

/** Options of `enqueueMany`. */
export interface BulkOptions {
  /** Called after each 1,000 jobs with the number stored so far. */
  readonly onProgress?: ((done: number) => void) | undefined;
  /** The trace of the HTTP request that asked for it. Used if the queue is traced and no span is active. */
  readonly trace?: TraceContext | undefined;
}

export const bulkOptions = optionsOf<BulkOptions>("enqueueMany", {
  onProgress: callable,
  trace: accepting({}, (value) => typeof value === "object" && value !== null, "a trace context"),
});

const ARRAY_OF_JOBS = "enqueueMany takes an array of { job, payload, ...options }.";

/** A job of a call. A refusal is kept, so that the trace of the call shows it. */
export interface ReadJob {
  readonly name: string;
  /** Undefined if it was refused. */
  readonly draft?: JobDraft;
  readonly refusal?: unknown;
}

export type ReadContext = Pick<EnqueueContext, "definitions" | "enqueuesAnyJob" | "clock" | "newId">;

export function readJobs(bulk: readonly BulkJob[], needs: ReadContext): readonly ReadJob[] {
  if (!Array.isArray(bulk)) throw invalidRequest(ARRAY_OF_JOBS);
  const now = needs.clock();
  // A hole in an array is refused like any other item that is not a job.
  return Array.from(bulk, (item: BulkJob) => readJob(item, needs, now));
}

export function readJob(item: BulkJob, needs: ReadContext, now = needs.clock()): ReadJob {
  let name = "";
  try {
    checkObject(item, ARRAY_OF_JOBS);
    checkPlain(item, "enqueue");
    const { job, payload, ...options } = item;
    name = jobName(job);
    const { isOwn, sender } = innerOf(item);
    if (!isOwn) refuseReserved({ name });
    const { definition } = resolveJob(job, needs);
    const draft = draftJob(name, definition, payload, options, now, needs.newId);
    const { dedupe, flow } = draft.job;
    if (!isOwn) refuseReserved({ id: options.id, dedupeKey: dedupe?.key, flowKey: flow?.key });
    sender?.checkFlowKey(flow?.key);
    return { name, draft };
  } catch (refusal) {
    return { name, refusal };
  }
}

/** Checks and builds jobs that are stored together. @throws as `draftJob` and `finishJob`, naming the one refused. */
export function finishJobs(read: readonly ReadJob[], trace: TraceContext | undefined): Promise<readonly NewJob[]> {
  const isBatch = read.length > 1;
  const jobTrace: JobTrace | undefined = trace && isBatch ? { ...trace, isBatch } : trace;
  return Promise.all(
    read.map(({ draft, refusal }, index) =>
      naming(isBatch ? index : undefined, async () => {
        if (!draft) throw refusal;
        return finishJob(draft, jobTrace);
      }),
    ),
  );
}

/** Acts on one of several jobs, or on the only one: `index` is then undefined. An error says which job it is about. */
export function naming<Result>(index: number | undefined, act: () => Result, what = "Job"): Result {
  const refuse = (error: unknown) => {
    if (index !== undefined && isTidegateError(error)) error.message = `${what} ${index}: ${error.message}`;
    throw error;
  };
  try {
    const result = act();
    return result instanceof Promise ? (result.catch(refuse) as Result) : result;
  } catch (error) {
    return refuse(error);
  }
}
