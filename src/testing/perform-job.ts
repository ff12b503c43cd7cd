import { Attempt } from "../core/attempt/attempt.ts";
import type { AttemptNeeds } from "../core/attempt/needs.ts";
import { Timeouts } from "../core/attempt/timeouts.ts";
import { draftJob, finishJob } from "../core/enqueue/new-job.ts";
import type { AttemptOutcome } from "../core/job/attempt-info.ts";
import type {
  AnyJob,
  BatchItem,
  BatchJobContext,
  CommonJobContext,
  JobContext,
  PayloadArguments,
  ResultOf,
} from "../core/job/define.ts";
import { SETTLE_MARGIN_MS } from "../core/job/lease-length.ts";
import { type JobOptions, jobDefaults, timeoutMs } from "../core/job/options.ts";
import { decodeRecord, encodeRecord } from "../core/job/record.ts";
import type { StoredStep } from "../core/job/steps.ts";
import type { JobError, JobInfo, LogLine } from "../core/manage/job-info.ts";
import { type StepInfo, stepsOf } from "../core/manage/step-info.ts";
import { type Clock, systemClock, wholeClock } from "../core/shared/clock.ts";
import { type PointInTime, pointInTimeMs } from "../core/shared/duration.ts";
import { invalidRequest } from "../core/shared/errors.ts";
import { timeOrderedIds } from "../core/shared/id.ts";
import { optionsOf, whole } from "../core/shared/schema.ts";
import { knownOptions, wholeNumber } from "../core/shared/validate.ts";
import { type ChildCounts, type JobChildren, MOST_CHILDREN, parentOf, type WaitFor } from "../core/store/family.ts";
import { CLAIM_CYCLE, type FollowUpJob, type LeasedJob, type NewJob, type QueueStore } from "../core/store/store.ts";
import { memoryStore } from "../stores/memory/index.ts";
import { Earlier, type EarlierSteps, earlierStepsNames } from "./earlier-steps.ts";

/** Options of `performJob`. */
export interface PerformOptions extends Pick<JobOptions, "maxRetries" | "timeout">, EarlierSteps {
  /** Which attempt it is: 1 (default) for the first, 2 for the first retry. */
  readonly attempt?: number | undefined;
  /** Default: a new one. */
  readonly id?: string | undefined;
  /** The name of the queue. Default "default". */
  readonly queue?: string | undefined;
  /** Default: now. */
  readonly enqueuedAt?: PointInTime | undefined;
  /**
   * What `job.children` says: how many have completed, are dead, or were dropped, each 0 by default. `total`: how many
   * there were; by default all of these. Default: the job had no children.
   */
  readonly children?: Partial<Omit<JobChildren, "pending">> | undefined;
  /** Aborting it fails the attempt, as when the time of a drain is over. */
  readonly signal?: AbortSignal | undefined;
  /** The clock for timeouts and future times. Default: the system's clock. */
  readonly clock?: Clock | undefined;
  /** Random numbers for the backoff's jitter: from 0 up to, not including, 1. Default: `Math.random`. */
  readonly random?: (() => number) | undefined;
}

const optionNames = [
  ...["attempt", "id", "queue", "enqueuedAt", "children", "signal", "clock", "random", "maxRetries", "timeout"],
  ...earlierStepsNames,
];

/** A job that the attempt has enqueued. */
export interface EnqueuedJob {
  /** What `job.enqueue` returned. */
  readonly id: string;
  /** Its definition's name. */
  readonly name: string;
  /** As it would be stored, as JSON; null if there was none. */
  readonly payload: unknown;
  /** When it would run. */
  readonly runAt: Date;
  /** How many attempts may follow the first. Only if the call has set it. */
  readonly maxRetries?: number;
  /** The key of its flow control, if it has one. */
  readonly flowKey?: string;
  /** Its children, in order, if it waits for any. */
  readonly children?: readonly EnqueuedJob[];
  /** What it waits for, if it has children. */
  readonly waitFor?: WaitFor;
}

/** The outcome of the attempt. `status` says which. */
export type Performed<Result = unknown> = {
  /** The values passed to `job.progress`, in order. */
  readonly progress: readonly unknown[];
  /** What was passed to `job.log`, in order. */
  readonly logs: readonly Pick<LogLine, "message" | "data">[];
  /** The jobs that `job.enqueue` would store with the outcome, in order. Empty if the attempt failed. */
  readonly enqueued: readonly EnqueuedJob[];
  /**
   * The steps that have run, with their results or errors, and the sleeps and waits, in order of their start.
   * As `getJob` shows them, without those of the option `steps`.
   */
  readonly steps: readonly StepInfo[];
} & (
  | { readonly status: "completed"; readonly result: Result }
  | { readonly status: "snoozed"; readonly runAt: Date }
  /** The job has left to sleep: `perform` runs again at that time. */
  | { readonly status: "sleeping"; readonly until: Date }
  /** The job has left to wait for one of these signals, at most until then. */
  | { readonly status: "waiting"; readonly waitingFor: NonNullable<JobInfo["waitingFor"]> }
  /**
   * `error` is stored with the job. `thrown` is what `perform`, or the step that is tried again, threw; undefined if
   * the attempt was aborted.
   */
  | { readonly status: "retried"; readonly runAt: Date; readonly error: JobError; readonly thrown: unknown }
  | { readonly status: "dead"; readonly error: JobError; readonly thrown: unknown }
);

/**
 * Performs a job once, as a drain does, but without a queue. It checks the payload as `enqueue` does, turns it into
 * JSON, checks it again, and applies the job's timeout. After each sleep that `skipSleeps` skips, and each wait that
 * `signals` answers, `perform` runs again from its beginning, as it does in a queue.
 *
 * ```ts
 * const outcome = await performJob(sendEmail, { to: "ada@example.com" }, { attempt: 4 });
 * expect(outcome).toMatchObject({ status: "dead", error: { message: "mailbox full" } });
 * ```
 *
 * @param payloadAndOptions the payload, optional for a job that takes none, and options.
 * @returns the outcome. A failing job does not throw.
 * @throws {InvalidPayloadError} if the payload does not match the schema.
 * @throws {TidegateError} `invalid_request` for an invalid option.
 */
export async function performJob<Job extends AnyJob>(
  job: Job,
  ...payloadAndOptions: PayloadArguments<Job, PerformOptions>
): Promise<Performed<ResultOf<Job>>>;
export async function performJob(job: AnyJob, payload?: unknown, given: PerformOptions = {}): Promise<Performed> {
  const options = knownOptions(given, optionNames, "performJob");
  const earlier = new Earlier(options);
  const spy = new Spy(job);
  const clock = wholeClock(options.clock ?? systemClock);
  const needs = {
    queue: options.queue ?? "default",
    definitions: new Map([[job.name, spy.job]]),
    enqueuesAnyJob: true,
    clock,
    newId: timeOrderedIds(clock),
    random: options.random ?? Math.random,
    retentionMs: 0,
    observe: false,
  };
  let next = await newJob(needs, spy.job, payload, options, earlier);
  for (;;) {
    // A new store, as if the claim was the first.
    const store = memoryStore().open("test");
    const attempt = new Attempt(
      { ...needs, store, timeouts: new Timeouts(clock) },
      await claim(store, next, spy.job, options, clock()),
    );
    const outcome = await runUntil(options.signal, attempt);
    const { opened } = attempt.job.remembered ?? {};
    const left = outcome.to === "snoozed" && opened ? decodeRecord(outcome.record) : undefined;
    const record = left && opened && earlier.continued(left, opened);
    if (!record) return spy.performed(outcome, attempt.job.remembered?.stored.steps ?? [], earlier);
    next = { ...next, record: encodeRecord(record) };
  }
}

async function runUntil(signal: AbortSignal | undefined, attempt: Attempt): Promise<AttemptOutcome> {
  const stop = () =>
    attempt.stop(signal?.reason instanceof Error ? signal.reason : new Error("The test aborted the job."));
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop);
  try {
    return await attempt.run();
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** The job as it is stored when its earlier attempts have been made. */
async function newJob(
  { clock, newId }: Pick<AttemptNeeds, "clock" | "newId">,
  job: AnyJob,
  payload: unknown,
  options: PerformOptions,
  earlier: Earlier,
): Promise<NewJob> {
  const { attempt = 1, id, maxRetries, timeout, enqueuedAt, children } = options;
  const last = (maxRetries ?? job.maxRetries ?? jobDefaults.maxRetries) + 1;
  wholeNumber(attempt, "attempt", 1, last);
  const now = clock();
  const stored = {
    ...(id !== undefined && { id }),
    ...(maxRetries !== undefined && { maxRetries }),
    ...(timeout !== undefined && { timeout }),
  };
  const fresh = await finishJob(draftJob(job.name, job, payload, stored, now, newId));
  const steps = earlier.stored(now);
  const record = encodeRecord({
    ...(decodeRecord(fresh.record) ?? { name: job.name }),
    enqueuedAt: enqueuedAt === undefined ? now : pointInTimeMs(enqueuedAt, "enqueuedAt"),
    // The first claim counts as attempt 1 - returned.
    returned: (1 - attempt + CLAIM_CYCLE) % CLAIM_CYCLE,
    ...(children !== undefined && { children: countsOf(children) }),
    ...(steps.length > 0 && { steps }),
  });
  return { ...fresh, record };
}

async function claim(
  store: QueueStore,
  job: NewJob,
  definition: AnyJob,
  { timeout = definition.timeout ?? jobDefaults.timeout }: PerformOptions,
  now: number,
): Promise<LeasedJob> {
  const leaseEndsAt = now + timeoutMs(timeout) + SETTLE_MARGIN_MS;
  const [reply] = await store.enqueue([{ ...job, leaseEndsAt }], now);
  if (!reply?.lease) throw invalidRequest("The job could not be leased.");
  return { lease: reply.lease, record: job.record, dueAt: now };
}

const count = whole(0, MOST_CHILDREN);
const childCounts = optionsOf<Partial<ChildCounts>>("children", {
  ...{ total: count, completed: count, dead: count, dropped: count },
});

function countsOf(children: NonNullable<PerformOptions["children"]>): ChildCounts {
  const { completed = 0, dead = 0, dropped = 0, ...given } = childCounts.read(children, "children");
  const sum = completed + dead + dropped;
  return { total: wholeNumber(given.total ?? sum, "children.total", sum, MOST_CHILDREN), completed, dead, dropped };
}

function enqueuedJobs(jobs: readonly FollowUpJob[]): readonly EnqueuedJob[] {
  const childrenOf = new Map<string, FollowUpJob[]>();
  for (const { id, parent } of jobs) if (parent) childrenOf.set(id, []);
  for (const job of jobs) childrenOf.get(parentOf(job.id) ?? "")?.push(job);
  const enqueuedJob = ({ id, runAt, record, flow, parent }: FollowUpJob): EnqueuedJob => {
    const { name = "", payload = null, maxRetries } = decodeRecord(record) ?? {};
    const more = { ...(maxRetries !== undefined && { maxRetries }), ...(flow && { flowKey: flow.key }) };
    const family = parent && { waitFor: parent.waitFor, children: (childrenOf.get(id) ?? []).map(enqueuedJob) };
    return { id, name, payload, runAt: new Date(runAt), ...more, ...family };
  };
  return jobs.filter(({ id }) => parentOf(id) === undefined).map(enqueuedJob);
}

/** Wraps `perform` and keeps its result and its error, which the record does not hold. */
class Spy {
  readonly job: AnyJob;
  readonly #progress: unknown[] = [];
  readonly #logs: Performed["logs"][number][] = [];
  #result: unknown;
  #thrown: unknown;

  constructor(job: AnyJob) {
    this.job = job.performBatch
      ? { ...job, performBatch: (items: readonly BatchItem<unknown>[]) => this.#performBatch(job, items) }
      : { ...job, perform: (payload: never, context) => this.#perform(job, payload, context) };
  }

  #perform(job: AnyJob, payload: never, context: JobContext): Promise<unknown> {
    return this.#watched(async () => {
      this.#result = await job.perform?.(payload, this.#spied(context));
      return this.#result;
    });
  }

  #performBatch(job: AnyJob, items: readonly BatchItem<unknown>[]): Promise<unknown> {
    const fail = (context: BatchJobContext) => (error: unknown) => {
      this.#thrown ??= error;
      context.fail(error);
    };
    const spied = items.map((item) => ({ ...item, job: { ...this.#spied(item.job), fail: fail(item.job) } }));
    return this.#watched(async () => {
      const results = await job.performBatch?.(spied as never);
      if (Array.isArray(results)) [this.#result] = results;
      return results;
    });
  }

  #spied<Context extends CommonJobContext>(context: Context): Context {
    const progress = async (value: unknown) => {
      await context.progress(value);
      this.#progress.push(value);
    };
    const log = (message: string, data?: unknown) => {
      context.log(message, data);
      this.#logs.push(data === undefined ? { message } : { message, data });
    };
    return { ...context, signal: context.signal, progress, log };
  }

  async #watched<Result>(perform: () => Promise<Result>): Promise<Result> {
    try {
      return await perform();
    } catch (error) {
      this.#thrown ??= error;
      throw error;
    }
  }

  performed(outcome: AttemptOutcome, all: readonly StoredStep[], earlier: Earlier): Performed {
    const enqueued = enqueuedJobs(outcome.followUps ?? []);
    const { steps = [], waitingFor } = stepsOf({ steps: all.filter((step) => !earlier.has(step)) });
    const reported = { progress: [...this.#progress], logs: [...this.#logs], enqueued, steps };
    if (outcome.to === "completed") return { status: "completed", result: this.#result, ...reported };
    if ("runAt" in outcome && outcome.to !== "retried") {
      if (waitingFor) return { status: "waiting", waitingFor, ...reported };
      const runAt = new Date(outcome.runAt);
      if (steps.some(({ state }) => state === "sleeping")) return { status: "sleeping", until: runAt, ...reported };
      return { status: "snoozed", runAt, ...reported };
    }
    const { name = "Error", message = "", stack } = decodeRecord(outcome.record)?.errors?.at(-1) ?? {};
    const error = { name, message, ...(stack && { stack }) };
    const isOfStep = steps.some(({ state }) => state === "retrying");
    const failed = { error, thrown: this.#thrown ?? (isOfStep ? outcome.thrown : undefined), ...reported };
    return outcome.to === "retried"
      ? { status: "retried", runAt: new Date(outcome.runAt), ...failed }
      : { status: "dead", ...failed };
  }
}
