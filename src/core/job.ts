import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Backoff } from "./backoff.ts";
import type { Duration } from "./duration.ts";
import { checkKnown } from "./known-options.ts";
import { checkJobOptions } from "./options.ts";

/** What `perform` is told about the attempt it makes. Hand it on as it is: `{ ...job }` has no `signal`, which is made when asked for. */
export interface JobContext {
  /** The job's id: the same in every attempt, so it serves as an idempotency key for what the job calls. */
  readonly id: string;
  /** The job's name. */
  readonly name: string;
  /** The name of the queue that it was taken from. */
  readonly queue: string;
  /** 1 for the first attempt. Attempts whose invocation died count too. */
  readonly attempt: number;
  /** How many attempts may follow the first: on attempt `maxRetries + 1` a throw is the end. */
  readonly maxRetries: number;
  /** Aborted when the timeout is over, the lease is lost, or the drain must end. Hand it to `fetch`. */
  readonly signal: AbortSignal;
  /** When it was enqueued, by the clock of whoever did. */
  readonly enqueuedAt: Date;
  /**
   * Gives the attempt `duration` from now (default: the job's timeout again), and keeps its lease as long.
   * @throws {TidegateError} `conflict` when the lease has been lost, or the attempt has ended, as by its timeout: stop working.
   */
  extend(duration?: Duration): Promise<void>;
  /** `return job.snooze("1h")` runs the job again then, without using up an attempt. */
  snooze(when: Duration | Date): Snooze;
  /**
   * Stores a value that `getJob` shows while the job runs, such as `{ done: 3, of: 10 }`.
   * @throws {TidegateError} `conflict` as `extend` does; `payload_too_large` above 5 MiB, or above 8 MiB with the payload.
   */
  progress(value: unknown): Promise<void>;
}

/** What `job.snooze` gives; `perform` returns it. */
export class Snooze {
  /** When to run again: a duration from the end of this attempt, or a point in time. */
  readonly until: Duration | Date;

  constructor(until: Duration | Date) {
    this.until = until;
  }
}

/** How a job is retried and bounded. Each field may be set at `defineJob` and again at `enqueue`. */
export interface JobOptions {
  /** How many attempts may follow the first. Default 3, at most 500. */
  readonly maxRetries?: number;
  /** How long to wait before each retry. Default: exponential from 60 s, without jitter. */
  readonly backoff?: Backoff;
  /** How long one attempt may take before it is aborted and counts as failed. Default "30s". */
  readonly timeout?: Duration;
}

/** A recurrence declared with a job. The first drain after a deployment puts it in force. */
export interface Schedule {
  /** 5 or 6 fields, seconds first, as in "0 0 9 * * *". */
  readonly cron: string;
  /** An IANA name. Default "UTC". */
  readonly timeZone?: string;
  /** What to do with slots that nobody drained: one job for all of them (default), none, or one each. */
  readonly missed?: "once" | "skip" | "all";
  /** Whether a slot makes a job while the job of an earlier slot is not finished. Default "allow". */
  readonly overlap?: "allow" | "skip";
}

/** What the queue knows of a job, whatever its payload: the common supertype of all definitions. */
export interface AnyJob extends JobOptions {
  /** What the job is stored and found by: 1 to 128 characters. */
  readonly name: string;
  /** Checks payloads when they are enqueued, and again when they are run. Default: nothing is checked. */
  readonly schema?: StandardSchemaV1 | undefined;
  /** Makes a job at each of its slots. Default: jobs are made by `enqueue` alone. */
  readonly schedule?: Schedule;
  /** The payload of jobs that the schedule makes, of 1 MiB at most as JSON. */
  readonly schedulePayload?: unknown;
  /** Does the work of one attempt. What it returns is kept as the result; a throw is a failed attempt. */
  readonly perform: (payload: never, job: JobContext) => unknown;
}

/** A job as `defineJob` gives it. `Input` is what `enqueue` takes, `Payload` what `perform` gets. */
export interface JobDefinition<Input, Payload = Input, Result = unknown> extends AnyJob {
  /** As in `AnyJob`; its output is what `perform` gets. */
  readonly schema?: StandardSchemaV1<Input, Payload> | undefined;
  /** As in `AnyJob`. */
  readonly perform: (payload: Payload, job: JobContext) => Result;
}

/** A job with a schema. Of the schema's own type only what Tidegate uses is kept: comparing all of it is beyond the compiler. */
export interface SchemaJob<Input, Payload, Result> extends JobDefinition<Input, Payload, Result> {
  readonly schema: StandardSchemaV1<Input, Payload>;
}

/** What `enqueue` takes for a job. */
export type InputOf<Job> =
  Job extends JobDefinition<infer Input, infer Payload, unknown>
    ? Job extends { readonly schema: StandardSchemaV1 }
      ? Input
      : Payload
    : never;

/**
 * What `defineJob` takes, whatever the payload.
 * @inline
 */
interface Definition extends JobOptions {
  /** 1 to 128 characters. Stored with each job: renaming one strands those that wait under the old name. */
  readonly name: string;
  readonly schedule?: Schedule;
  readonly schedulePayload?: unknown;
}

const optionNames = ["name", "schema", "maxRetries", "backoff", "timeout", "schedule", "schedulePayload", "perform"];

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
 * @throws {TidegateError} `invalid_request` for an option that makes no sense, or that there is not; the message names it.
 */
export function defineJob<Schema extends StandardSchemaV1, Result>(
  definition: Definition & {
    readonly schema: Schema;
    readonly perform: (payload: StandardSchemaV1.InferOutput<Schema>, job: JobContext) => Result;
  },
): SchemaJob<StandardSchemaV1.InferInput<Schema>, StandardSchemaV1.InferOutput<Schema>, Result>;
export function defineJob<Payload = undefined, Result = unknown>(
  definition: Definition & {
    readonly schema?: undefined;
    readonly perform: (payload: Payload, job: JobContext) => Result;
  },
): JobDefinition<Payload, Payload, Result>;
export function defineJob(definition: AnyJob): AnyJob {
  checkKnown(definition, optionNames, "defineJob");
  checkJobOptions(definition);
  return Object.freeze({ ...definition });
}
