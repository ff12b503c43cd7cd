import {
  draftJob,
  type EnqueueOptions,
  type EnqueueResult,
  finishJob,
  type JobDraft,
  jobName,
  resolveJob,
} from "../enqueue/new-job.ts";
import type { AnyJob, InputOf, PayloadField } from "../job/define.ts";
import { isOfInterface } from "../job/of-interface.ts";
import { jobDefaults, timeoutMs } from "../job/options.ts";
import { refuseReserved } from "../job/reserved.ts";
import type { JobTrace, TraceContext } from "../job/trace-context.ts";
import { hookCalls } from "../observe/hook-runner.ts";
import { traceCalls } from "../observe/tracing.ts";
import { invalidRequest, isTidegateError, TidegateError } from "../shared/errors.ts";
import { areTooLargeTogether, MEBIBYTE, MOST_AT_ONCE, MOST_TOGETHER_BYTES } from "../shared/limits.ts";
import { checkObject } from "../shared/validate.ts";
import type { EnqueueReply, LeasedJob, NewJob } from "../store/store.ts";
import type { QueueSettings } from "./options.ts";

/** One job for `enqueueMany`. */
export interface BulkJob extends EnqueueOptions {
  /** A definition, or the name of one. */
  readonly job: AnyJob | string;
  /** As the second argument of `enqueue`. */
  readonly payload?: unknown;
}

/** A `BulkJob` with a payload of the type that its job takes. For a name, or if nothing more is known of the job, any payload. */
export type TypedBulkJob<Job extends AnyJob | string> =
  unknown extends InputOf<Job> ? BulkJobOf<Job> : Job extends unknown ? BulkJobOf<Job> : never;

/** A `BulkJob` of one definition, with a payload of its type. */
export type BulkJobOf<Job extends AnyJob | string> = EnqueueOptions & { readonly job: Job } & PayloadField<
    "payload",
    InputOf<Job>
  >;

/** What `enqueueMany` takes: jobs, each with a payload of its own type. */
export type TypedBulk<Jobs extends readonly (AnyJob | string)[]> = {
  readonly [Index in keyof Jobs]: TypedBulkJob<Jobs[Index]>;
};

/** Options of `enqueueMany`. */
export interface BulkOptions {
  /** Called after each 1,000 jobs with the number stored so far. */
  readonly onProgress?: ((done: number) => void) | undefined;
  /** The trace of the HTTP request that asked for it. Used if the queue is traced and no span is active. */
  readonly trace?: TraceContext | undefined;
}

const ARRAY_OF_JOBS = "enqueueMany takes an array of { job, payload, ...options }.";

type SendSettings = Omit<QueueSettings, "newId"> & { readonly newId: (key?: string) => string };

/**
 * Builds jobs and stores them with `store`, traced and reported to the hooks of the queue.
 *
 * @param caller the trace of the request that asked for it.
 * @throws as `newJobs` and `store`; `payload_too_large` if up to 1,000 of them are too large to be stored together.
 */
export async function sendJobs<Sent extends { readonly results: readonly EnqueueResult[] }>(
  settings: SendSettings,
  bulk: readonly BulkJob[],
  caller: TraceContext | undefined,
  store: (newJobs: readonly NewJob[]) => Promise<Sent>,
): Promise<Sent> {
  if (!Array.isArray(bulk)) throw invalidRequest(ARRAY_OF_JOBS);
  const now = settings.clock();
  // A hole in an array is refused like any other item that is not a job.
  const drafts = Array.from(bulk, (item: BulkJob) => draft(item, settings, now, () => async (check) => check()));
  const names = drafts.map(({ name }) => name);
  return observed(settings, names, caller, async (trace) => {
    const jobs = await newJobs(drafts, trace);
    checkTogether(jobs);
    return store(jobs);
  });
}

/**
 * Builds one job that travels with others, traced and reported to the hooks as a call of its own.
 *
 * @param enter takes a seat for it in a turn.
 * @throws {TidegateError} as `draftJob`, `finishJob` and the store do.
 */
export async function sendOne(
  settings: SendSettings,
  item: BulkJob,
  caller: TraceContext | undefined,
  enter: Enter<EnqueueResult>,
): Promise<EnqueueResult> {
  const { name, finish } = draft(item, settings, settings.clock(), enter);
  const { results } = await observed(settings, [name], caller, async (trace) => ({ results: [await finish(trace)] }));
  return results[0] as EnqueueResult;
}

async function observed<Sent extends { readonly results: readonly EnqueueResult[] }>(
  settings: SendSettings,
  names: readonly string[],
  caller: TraceContext | undefined,
  send: (trace?: TraceContext) => Promise<Sent>,
): Promise<Sent> {
  const { name: queue } = settings;
  const traces = traceCalls(settings);
  const sent = await (traces ? traces.enqueue({ queue, names, caller }, send) : send());
  const hooks = hookCalls(settings);
  hooks?.enqueued(names, sent.results);
  await Promise.all([hooks?.ended(), traces?.ended()]);
  return sent;
}

/** The jobs that the store has leased to the caller. */
export function heldJobs(newJobs: readonly NewJob[], replies: readonly EnqueueReply[]): readonly LeasedJob[] {
  return replies.flatMap(({ lease }, index) => {
    const job = newJobs[index];
    return lease && job ? [{ lease, record: job.record, dueAt: job.runAt }] : [];
  });
}

/** Where a job goes once it is drafted: gives a function that has it checked. */
type Enter<Answer> = (job: JobDraft["job"]) => (check: () => NewJob | Promise<NewJob>) => Promise<Answer>;

/** One job of a call, read at once. If it was refused, `finish` rejects. */
interface Draft<Answer> {
  readonly name: string;
  readonly finish: (trace: JobTrace | undefined) => Promise<Answer>;
}

function draft<Answer>(item: BulkJob, { jobs, newId }: SendSettings, now: number, enter: Enter<Answer>): Draft<Answer> {
  let name = "";
  try {
    checkObject(item, ARRAY_OF_JOBS);
    const { job, payload, ...options } = item;
    name = jobName(job);
    const isOwn = isOfInterface(item);
    if (!isOwn) refuseReserved({ name });
    const { definition } = resolveJob(job, jobs);
    const drafted = draftJob(name, definition, payload, options, now, newId);
    const { dedupe, flow } = drafted.job;
    if (!isOwn) refuseReserved({ id: options.id, dedupeKey: dedupe?.key, flowKey: flow?.key });
    const seat = enter(drafted.job);
    return { name, finish: (trace) => seat(() => finishJob(drafted, trace)) };
  } catch (error) {
    return { name, finish: () => Promise.reject(error) };
  }
}

/**
 * Builds jobs that are to be stored together, all of them checked.
 *
 * @throws {TidegateError} as `draftJob` and `finishJob` do; if there are several, the message says which one was refused.
 */
function newJobs(drafts: readonly Draft<NewJob>[], trace: TraceContext | undefined): Promise<readonly NewJob[]> {
  if (drafts.length === 1) return Promise.all(drafts.map(({ finish }) => finish(trace)));
  const jobTrace: JobTrace | undefined = trace && { ...trace, isBatch: true };
  return Promise.all(
    drafts.map(({ finish }, index) =>
      finish(jobTrace).catch((error: unknown) => Promise.reject(atIndex(error, index))),
    ),
  );
}

/** Checks that what is stored together fits into a request. @throws {TidegateError} `payload_too_large` */
function checkTogether(jobs: readonly NewJob[]): void {
  for (let first = 0; first < jobs.length; first += MOST_AT_ONCE) {
    const together = jobs.slice(first, first + MOST_AT_ONCE);
    if (!areTooLargeTogether(together.map(({ record }) => record))) continue;
    throw new TidegateError(
      "payload_too_large",
      `Jobs ${first} to ${first + together.length - 1} are larger than ${MOST_TOGETHER_BYTES / MEBIBYTE} MiB together, as they are sent. Up to 1,000 jobs are stored by one request, all or none. Enqueue fewer at once, or store the data elsewhere and enqueue a reference to it.`,
    );
  }
}

/** How long one attempt of a job may take, in ms. */
export function attemptMs({ job, timeout }: BulkJob, jobs: ReadonlyMap<string, AnyJob>): number {
  return timeoutMs(timeout ?? resolveJob(job, jobs).definition?.timeout ?? jobDefaults.timeout);
}

/** Says which job of several was refused. */
export function atIndex(error: unknown, index: number): unknown {
  if (isTidegateError(error)) error.message = `Job ${index}: ${error.message}`;
  return error;
}
