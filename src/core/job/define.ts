import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Duration } from "../shared/duration.ts";
import { invalidRequest, isTidegateError, resultOrRefusal } from "../shared/errors.ts";
import { checkObject, checkPathText, knownOptions, wholeNumber } from "../shared/validate.ts";
import type { JobChildren } from "../store/family.ts";
import type { ChildrenWait, JobEnqueueOptions, OneTime } from "./enqueue.ts";
import { checkFlowControl, type FlowControl } from "./flow-control.ts";
import { innerOf } from "./inner-options.ts";
import type { JsonOf, UnchangedByJson } from "./json-of.ts";
import {
  checkRetryOptions,
  type JobOptions,
  LONGEST_NAME,
  retryFields,
  ruleOf,
  type Schedule,
  scheduleOptions,
} from "./options.ts";
import { refuseReserved } from "./reserved.ts";
import type { SleepOptions, StepOptions, StepRun, WaitForOptions } from "./steps.ts";

/** What `perform` and `performBatch` know of an attempt, and can do with it. */
export interface CommonJobContext {
  /** The job's id. It is the same in every attempt, so you can use it as an idempotency key for what the job calls. */
  readonly id: string;
  /** The job's name. */
  readonly name: string;
  /** Its queue's name. */
  readonly queue: string;
  /** 1 for the first attempt. Attempts whose invocation crashed count too. */
  readonly attempt: number;
  /** How many attempts may follow the first. A throw on attempt `maxRetries + 1` is final. */
  readonly maxRetries: number;
  /** Aborts when the timeout is over, the lease is lost, or the drain must end. Pass it to `fetch`. */
  readonly signal: AbortSignal;
  /** When it was enqueued, by the clock of the process that enqueued it. */
  readonly enqueuedAt: Date;
  /** How the children that it has waited for ended; undefined if it was enqueued without `children`. */
  readonly children: JobChildren | undefined;
  /**
   * Gives the attempt `duration` from now (default: the job's timeout again), and extends its lease accordingly.
   * @throws {TidegateError} `conflict` if the lease is lost or the attempt has ended, for example by its timeout: stop
   *   working. Also `conflict` if the drain's budget has no room for the request: the attempt then keeps its time.
   *   `store_unavailable` if the store does not reply: the attempt keeps its time, and its outcome still counts.
   */
  extend(duration?: Duration): Promise<void>;
  /** `return job.snooze("1h")` runs the job again an hour later, without using an attempt. */
  snooze(when: Duration | Date): Snooze;
  /**
   * Stores a value that `getJob` shows while the job runs, such as `{ done: 3, of: 10 }`. Later changes to the value
   * are not stored. Once half of the drain's budget is used up, it sends less often, so that the rest lasts until the
   * timeout: a value in between is stored with the next request of the job, or with its outcome. If you call it while a
   * request is under way, only the last value is sent.
   *
   * You can pass any JSON. The dashboard shows a bar for `{ done, of }`, `{ percent }`, a number up to 1, and a larger
   * number as percent. A value out of range fills or empties the bar, and is shown beside it.
   * @throws {TidegateError} `conflict` as `extend` does; `invalid_request` for what JSON cannot hold;
   *   `payload_too_large` above 5 MiB, or above 8 MiB with the payload.
   */
  progress(value: unknown): Promise<void>;
  /**
   * Adds a line to the job's log, which `getJob` shows: the last 100 lines of all attempts, up to 8 KB. It costs no
   * request: lines are stored with the outcome, or before that with `progress` or `extend`, or when the drain checks on
   * the job. They are lost if the invocation is killed first. Never throws. A message is cut to 1,000 characters. Data
   * that JSON cannot hold, or of more than 4 KB, is left out.
   */
  log(message: string, data?: unknown): void;
  /**
   * Enqueues a job in the same queue, and returns its id immediately. The job is stored together with the outcome, in
   * one atomic step: once if the attempt succeeds or snoozes the job, and not at all if it fails, is killed or has lost
   * its lease. Until then, nobody sees the job. If it must start earlier, use `queue.enqueue`. A job that sleeps or
   * waits comes by again, and enqueues then: call it beside steps, never within one.
   *
   * With `children` among the options, it stores these jobs too, and the job runs once when all of them have finished.
   *
   * It costs no request. The exchange that stores the outcome takes up to two more commands, for one job or a thousand.
   * One attempt enqueues at most 1,000 jobs, all children included, of 8 MiB together with its own.
   *
   * Payloads are checked at the call. If a schema is asynchronous, the check ends after `perform` has returned: if the
   * payload does not fit, the attempt fails.
   *
   * @param job a definition, or the name of one.
   * @param payloadAndOptions the payload, which you can leave out if the job takes none, and options: those of
   *   `queue.enqueue` except `id` and `dedupe`.
   * @throws {InvalidPayloadError} if the payload does not fit the schema.
   * @throws {TidegateError} `invalid_request` or `payload_too_large`, as `queue.enqueue`; `conflict` if the attempt has
   *   ended: stop working.
   */
  enqueue<Job extends AnyJob | string, const Children extends readonly ChildJob[] = readonly ChildJob[]>(
    job: JobOrName<Job>,
    ...payloadAndOptions: PayloadArguments<Job, OneTime<JobEnqueueOptions | JobFamilyOptions<Children>>>
  ): string;
}

/**
 * The second argument of `perform`: the current attempt. Pass it on as it is: `{ ...job }` has no `signal`, which is
 * created when you read it.
 */
export interface JobContext extends CommonJobContext {
  /**
   * Does a part of the job once. The result is stored before the promise resolves, and later attempts find it by the
   * name instead of calling `run` again. So after a failure, a kill or the end of an invocation, the job continues
   * where it was.
   *
   * If `run` throws, the attempt ends, whatever `perform` catches. It is retried as the job is, or as `options` say,
   * and only this step runs again. When its retries are used up, or it throws a `PermanentError`, the promise rejects
   * with a `StepError`. Retries count from the last stored step on.
   *
   * Steps can run in parallel. Each gets the job's timeout, or one of its own. If the invocation has too little time
   * left for a step, the job continues in another one. A step costs 3 commands, and 0.3 if many end together.
   *
   * @param name identifies the step: 1 to 128 characters, once in each job. In a loop, number them: `row-${index}`. If
   *   you rename a step, it runs again.
   * @param run does the work. A kill between its end and the store repeats it: pass `key` to what it calls.
   * @returns the result, as JSON has it: at most 256 KiB, and 1 MiB for all steps of a job.
   * @throws {StepError} if the step's retries are used up.
   * @throws {TidegateError} `invalid_request` for an invalid name or option; `conflict` if the attempt has ended.
   */
  step<Result>(name: string, run: (step: StepRun) => Result, options?: StepOptions): Promise<JsonOf<Awaited<Result>>>;
  /**
   * Leaves the slot, and runs `perform` again when the time has come: its steps are found, and this call returns. No
   * attempt is used. Await it alone, with no step beside it. Your `finally` blocks do not run. If the time has passed
   * already, it returns immediately.
   *
   * @param when a duration from now, or a point in time.
   * @throws {TidegateError} `invalid_request` for an invalid time or option; `conflict` if the attempt has ended.
   */
  sleep(when: Duration | Date, options?: SleepOptions): Promise<void>;
  /**
   * Leaves the slot until `queue.signal(event, data)` is called, as `sleep` does. A signal that came before, and that
   * no job has received, counts too: signals are kept for 7 days.
   *
   * @param event the name of the signal, or up to 16 names of which the first to come counts.
   * @returns the data of the signal, or null if none has come within `timeout`.
   * @throws {TidegateError} `invalid_request` for an invalid name or option; `conflict` if the attempt has ended.
   */
  waitFor<Data = unknown>(event: string | readonly string[], options: WaitForOptions): Promise<JsonOf<Data> | null>;
}

/**
 * The attempt of one job that `performBatch` gets. `extend` extends the time and the leases of all of them. It has no
 * steps: one call performs many jobs, and cannot leave for one of them.
 */
export interface BatchJobContext extends CommonJobContext {
  /**
   * Fails only this job, whatever `performBatch` returns or throws: it is retried or dead, as if it had been performed
   * alone and had thrown `error`. `PermanentError` and `RetryAfterError` work as usual. A second call changes nothing.
   */
  fail(error: unknown): void;
}

/** One of the jobs that a call of `performBatch` gets. */
export interface BatchItem<Payload> {
  /** As the first argument of `perform`. */
  readonly payload: Payload;
  /** As the second argument of `perform`. */
  readonly job: BatchJobContext;
}

/** How many jobs one call of `performBatch` gets. */
export interface BatchOptions {
  /** The most jobs, from 1 to 1,000. Default 100. A call does not wait for jobs that are not claimed yet. */
  readonly size?: number | undefined;
}

/** The result of `job.snooze`, for `perform` to return. */
export class Snooze {
  /** When to run again: a duration from the end of this attempt, or a point in time. */
  readonly until: Duration | Date;

  constructor(until: Duration | Date) {
    this.until = until;
  }
}

/** A definition of any job, whatever its payload: the common supertype of all definitions. */
export interface AnyJob extends JobOptions {
  /** Its name: 1 to 128 characters. Jobs are stored under it. */
  readonly name: string;
  /** Checks payloads, as JSON, at enqueue and again before each attempt. Default: nothing is checked. */
  readonly schema?: StandardSchemaV1 | undefined;
  /** Limits how many of a key's jobs run at the same time, how often, and in which order. Default: no limits. */
  readonly flowControl?: FlowControl<never> | undefined;
  /** Creates a job at each occurrence. Default: only `enqueue` creates jobs. */
  readonly schedule?: Schedule | undefined;
  /** The payload of the jobs that the schedule creates: at most 1 MiB as JSON. */
  readonly schedulePayload?: unknown;
  /** Does the work of one attempt. What it returns is kept as the result; a throw is a failed attempt. */
  readonly perform?: ((payload: never, job: JobContext) => unknown) | undefined;
  /** Does the work of many jobs together, instead of `perform`. */
  readonly performBatch?: ((jobs: never) => unknown) | undefined;
  /** How many jobs `performBatch` gets. */
  readonly batch?: BatchOptions | undefined;
}

/** A definition from `defineJob`. `Input` is what `enqueue` takes, `Payload` what `perform` gets. */
export interface JobDefinition<Input, Payload = Input, Result = unknown, Name extends string = string> extends AnyJob {
  /** As in `AnyJob`. */
  readonly name: Name;
  // Only the parts of the schema's type that Tidegate uses: comparing all of it is too slow.
  /** As in `AnyJob`; its output is what `perform` gets. */
  readonly schema?: StandardSchemaV1<Input, Payload> | undefined;
  /** As in `AnyJob`. */
  readonly flowControl?: FlowControl<Input> | undefined;
  /** As in `AnyJob`. */
  readonly perform: (payload: Payload, job: JobContext) => Result;
  readonly performBatch?: undefined;
  readonly batch?: undefined;
}

/** A definition from `defineJob` with `performBatch`, which takes many jobs together. */
export interface BatchJobDefinition<Input, Payload = Input, Result = unknown, Name extends string = string>
  extends AnyJob {
  /** As in `AnyJob`. */
  readonly name: Name;
  /** As in `AnyJob`; its output is what `performBatch` gets. */
  readonly schema?: StandardSchemaV1<Input, Payload> | undefined;
  /** As in `AnyJob`. */
  readonly flowControl?: FlowControl<Input> | undefined;
  /** As in `AnyJob`. */
  readonly performBatch: (jobs: readonly BatchItem<Payload>[]) => Result;
  readonly perform?: undefined;
}

/** The payload that `perform` or `performBatch` of a job gets. */
export type PayloadOf<Job> = Job extends {
  /** As in `AnyJob`. */
  readonly perform: (payload: infer Payload, job: never) => unknown;
}
  ? Payload
  : Job extends {
        /** As in `AnyJob`. */
        readonly performBatch: (jobs: readonly BatchItem<infer Payload>[]) => unknown;
      }
    ? Payload
    : unknown;

/**
 * The payload that `enqueue` takes for a job: `unknown` for a job of unknown type. A name stands for the one of the
 * `Known` definitions that has it.
 */
export type InputOf<Job extends AnyJob | string, Known extends AnyJob = AnyJob> = Job extends AnyJob
  ? SchemaInput<NonNullable<Job["schema"]>, PayloadOf<Job>>
  : Known extends unknown
    ? Job extends Known["name"]
      ? InputOf<Known>
      : never
    : never;

/** A job as a caller names it: its definition, or the name of that. */
export type JobOrName<Job extends AnyJob | string> = Job | (Job extends AnyJob ? Job["name"] : never);

/** What `perform`, or `performBatch` for one of its jobs, returns: `unknown` for a job of unknown type. */
export type ResultOf<Job extends AnyJob> = Exclude<
  Job extends Pick<JobDefinition<never, never, infer Result>, "perform">
    ? Awaited<Result>
    : Job extends Pick<BatchJobDefinition<never, never, infer Results>, "performBatch">
      ? Awaited<Results> extends readonly (infer Result)[]
        ? Result
        : undefined
      : unknown,
  Snooze
>;

/** A payload under the name `Field`. It can be left out if it may be `undefined`. */
export type PayloadField<Field extends string, Input> = undefined extends Input
  ? { readonly [Name in Field]?: Input }
  : { readonly [Name in Field]: Input };

/** What `enqueue` takes after the job: the payload, which can be left out if it may be `undefined`, and options. */
export type PayloadArguments<Job extends AnyJob | string, Options, Known extends AnyJob = AnyJob> =
  undefined extends InputOf<Job, Known>
    ? [payload?: InputOf<Job, Known>, options?: Options]
    : [payload: InputOf<Job, Known>, options?: Options];

/** A child of a job, of any type. */
export interface ChildJob extends JobEnqueueOptions, ChildrenWait {
  /** A definition, or the name of one. */
  readonly job: AnyJob | string;
  /** As the second argument of `enqueue`. */
  readonly payload?: unknown;
  /** Children of its own, up to 1,000. It runs when they have finished. */
  readonly children?: readonly ChildJob[] | undefined;
}

/** A `ChildJob` with a payload of the type that its job takes: any type for a name or a job of unknown type. */
export type TypedChildJob<Job extends AnyJob | string, Known extends AnyJob = AnyJob> = Job extends
  | Known
  | Known["name"]
  ? Omit<ChildJob, "job" | "payload" | "children"> & { readonly job: Job } & PayloadField<
        "payload",
        InputOf<Job, Known>
      >
  : { readonly job: Known | Known["name"] };

/** Children as they are given, each with a payload of the type that its job takes, and so are their own children. */
export type TypedChildren<Given extends readonly unknown[], Known extends AnyJob = AnyJob> = {
  readonly [Index in keyof Given]: ChildJob extends Given[Index]
    ? ChildJob
    : Given[Index] extends { readonly job: infer Job extends AnyJob | string }
      ? TypedChildJob<Job, Known> &
          (Given[Index] extends { readonly children: infer Own extends readonly unknown[] }
            ? { readonly children: TypedChildren<Own, Known> }
            : Pick<ChildJob, "children">)
      : Given[Index];
};

/** How `job.enqueue` enqueues a job with children. */
export interface JobFamilyOptions<Children extends readonly ChildJob[], Known extends AnyJob = AnyJob>
  extends JobEnqueueOptions,
    ChildrenWait {
  /**
   * Jobs for which this one waits: up to 999, with all of theirs. Each is `{ job, payload, ...options }`. Its id is
   * that of this job, "/" and its number. All are stored with the outcome, or none.
   */
  readonly children: TypedChildren<Children, Known>;
}

/** What a schema takes; `Payload` if there may be no schema. */
export type SchemaInput<Schema, Payload> = [Schema] extends [StandardSchemaV1]
  ? StandardSchemaV1.InferInput<Schema>
  : Payload;

/** What a schema gives; `Payload` if there may be no schema. */
export type SchemaOutput<Schema, Payload> = [Schema] extends [StandardSchemaV1]
  ? StandardSchemaV1.InferOutput<Schema>
  : Payload;

/** A cron expression, unless its month has no such day, so that it never fires: as in "0 9 31 4 *". */
export type Firing<Expression extends string> =
  Uppercase<Expression> extends `${string} ${`${30 | 31} ${"2" | "FEB"}` | `31 ${4 | 6 | 9 | 11 | "APR" | "JUN" | "SEP" | "NOV"}`} ${"*" | "?"}`
    ? "a day that its month has"
    : Expression;

/** What `defineJob` takes for every job, besides the payload of a schedule. */
export interface CommonJobOptions<Schema, Payload, Rule extends Duration | string, Name extends string = string>
  extends JobOptions {
  /**
   * 1 to 128 characters, and not reserved. It is stored with each job: if you change it, waiting jobs with the old name
   * have no definition.
   */
  readonly name: Name;
  /** As in `AnyJob`. */
  readonly schema?: Schema | undefined;
  /** As in `AnyJob`. */
  readonly flowControl?: FlowControl<SchemaInput<Schema, Payload>> | undefined;
  /** As in `AnyJob`. */
  readonly schedule?:
    | (Schedule & { readonly cron: Rule extends string ? Firing<Rule> : string })
    | (Schedule & { readonly every: Rule extends Duration ? Rule : Duration })
    | undefined;
}

/** What does the work of a job: `perform`, which takes one job, or `performBatch`, which takes many. */
export type JobHandler<Payload, Result, BatchResult> =
  | {
      /** As in `AnyJob`. */
      readonly perform: (payload: Payload, job: JobContext) => Result;
      readonly performBatch?: undefined;
      readonly batch?: undefined;
    }
  | {
      readonly perform?: undefined;
      /**
       * Does the work of one attempt of each job. It returns nothing, or an array with a result for each job, in order;
       * a result can be `job.snooze(...)`. A throw fails every job that `job.fail` has not failed.
       */
      readonly performBatch: (jobs: readonly BatchItem<Payload>[]) => BatchResult;
      /** How many jobs one call gets. Default: up to 100. */
      readonly batch?: BatchOptions | undefined;
    };

/** What `defineJob` takes, besides the payload of a schedule. */
export type DefineJobOptions<
  Schema,
  Payload,
  Result,
  Rule extends Duration | string,
  BatchResult = never,
  Name extends string = string,
> = CommonJobOptions<Schema, Payload, Rule, Name> & JobHandler<SchemaOutput<Schema, Payload>, Result, BatchResult>;

/**
 * The payload of the jobs that a schedule creates. It can be left out if the job takes `undefined`, or has no schedule:
 * `Rule` is `never`.
 */
export type SchedulePayload<Rule extends Duration | string, Input> = [Rule] extends [never]
  ? { readonly schedulePayload?: Input | undefined }
  : PayloadField<"schedulePayload", Input>;

const optionNames = [
  ...["name", "schema", ...Object.keys(retryFields), "schedule", "schedulePayload", "flowControl"],
  ...["perform", "performBatch", "batch"],
];

const DEFAULT_BATCH = 100;
const LARGEST_BATCH = 1_000;

export function batchSizeOf({ performBatch, batch }: AnyJob): number {
  return performBatch ? (batch?.size ?? DEFAULT_BATCH) : 1;
}

/**
 * Defines a job: its name, how it is retried, and what it does. A throw is a failed attempt.
 *
 * ```ts
 * const sendEmail = defineJob({
 *   name: "send_email",
 *   schema: z.object({ to: z.string() }),
 *   async perform({ to }, job) {
 *     await mail(to, { signal: job.signal });
 *   },
 * });
 * ```
 *
 * With `performBatch` instead of `perform`, one call takes many jobs, such as one insert for a hundred
 * rows. Each job keeps its own attempts, retries and backoff. After a throw, the jobs of the call are retried one by
 * one, so that one bad row does not fail the others again. A `PermanentError` thrown for several jobs is like any other
 * error. `job.fail(error)` fails one job.
 *
 * @throws {TidegateError} `invalid_request` for an invalid or unknown option; the message names it.
 */
export function defineJob<
  // Without a default: with one, TypeScript 5.9 forgets that the `version: 1` of a handwritten schema is a literal.
  Schema extends StandardSchemaV1 | undefined,
  Payload = undefined,
  Result = unknown,
  Rule extends Duration | string = never,
  BatchResult = never,
  Name extends string = string,
>(
  definition: DefineJobOptions<Schema, Payload, Result, Rule, BatchResult, Name> &
    SchedulePayload<Rule, SchemaInput<Schema, Payload>>,
): [BatchResult] extends [never]
  ? JobDefinition<SchemaInput<Schema, UnchangedByJson<Payload>>, SchemaOutput<Schema, Payload>, Result, Name>
  : BatchJobDefinition<SchemaInput<Schema, UnchangedByJson<Payload>>, SchemaOutput<Schema, Payload>, BatchResult, Name>;
export function defineJob(definition: AnyJob): AnyJob {
  const given = knownOptions(definition, optionNames, "defineJob");
  checkJobOptions(given);
  return Object.freeze({ ...given });
}

export function checkJobOptions(job: AnyJob): void {
  checkObject(job, "A job must be a definition from defineJob.");
  checkPathText(job.name, "name", LONGEST_NAME);
  if (!innerOf(job).isOwn) refuseReserved({ name: job.name });
  const refusal = resultOrRefusal(() => checkRest(job));
  if (isTidegateError(refusal)) throw invalidRequest(`Job "${job.name}": ${refusal.message}`);
}

function checkRest(job: AnyJob): void {
  checkHandler(job);
  if (job.schema !== undefined && typeof job.schema?.["~standard"]?.validate !== "function")
    throw invalidRequest("schema must be a Standard Schema, as zod, valibot and arktype make them.");
  checkRetryOptions(job);
  if (job.flowControl !== undefined) checkFlowControl(job.flowControl);
  if (job.schedule !== undefined) ruleOf(scheduleOptions.read(job.schedule, "schedule"), job.name);
}

function checkHandler({ perform, performBatch, batch }: AnyJob): void {
  if (perform !== undefined && performBatch !== undefined)
    throw invalidRequest("it has both perform and performBatch. Keep one of them.");
  if (typeof (performBatch ?? perform) !== "function")
    throw invalidRequest(`${performBatch === undefined ? "perform" : "performBatch"} must be a function.`);
  if (batch === undefined) return;
  if (performBatch === undefined)
    throw invalidRequest("batch is for a job with performBatch, and this one has perform.");
  const { size = DEFAULT_BATCH } = knownOptions(batch, ["size"], "batch");
  wholeNumber(size, "batch.size", 1, LARGEST_BATCH);
}
