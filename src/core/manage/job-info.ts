import type { QueueContext } from "../enqueue/context.ts";
import type { HeldBack } from "../flow/flow-key.ts";
import type { AnyJob, InputOf, ResultOf } from "../job/define.ts";
import type { JsonOf } from "../job/json-of.ts";
import { begunAbout } from "../job/lease-length.ts";
import { lockOf, withLocks } from "../job/lock.ts";
import { jobDefaults, longestTimeoutMs, timeoutMs } from "../job/options.ts";
import {
  type AttemptError,
  attemptOf,
  dueAtOf,
  expiryOf,
  type JobRecord,
  readRecord,
  type StoredOptions,
} from "../job/record.ts";
import { invalidRequest } from "../shared/errors.ts";
import type { Complete } from "../shared/validate.ts";
import { childrenInfo, type JobChildren, totalOf } from "../store/family.ts";
import { WAITS_FOR_CHILDREN_AT } from "../store/score.ts";
import type { JobState, StoredJob } from "../store/store.ts";
import { type StepInfo, stepsOf } from "./step-info.ts";

/** Why an attempt failed. */
export interface JobError {
  /** The name of the error's class. */
  readonly name: string;
  /** Its message: the first 1,000 characters. */
  readonly message: string;
  /** Its stack, if it had one: the first 4,000 characters. */
  readonly stack?: string;
}

/** A failed attempt, as stored with the job. */
export interface FailedAttempt extends JobError {
  /** Which attempt it was: 1 for the first. */
  readonly attempt: number;
  /** When it began; missing if no attempt was made. */
  readonly startedAt?: Date;
  /** When it failed. */
  readonly failedAt: Date;
}

/** A line that an attempt has logged with `job.log`. */
export interface LogLine {
  /** When it was logged. */
  readonly at: Date;
  /** Which attempt logged it: 1 for the first. */
  readonly attempt: number;
  /** What it says. */
  readonly message: string;
  /** What was logged with it, as JSON. */
  readonly data?: unknown;
}

/** A job as it was when it was read. `JobInfoOf` knows the types of its payload and its result. */
export interface JobInfo<Payload = unknown, Result = unknown> {
  /** Its id. */
  readonly id: string;
  /** Its definition's name. */
  readonly name: string;
  /** Its queue's name. */
  readonly queue: string;
  /** Its state. */
  readonly state: JobState;
  /** As it was enqueued; null if there was none. */
  readonly payload: Payload;
  /**
   * The name of the key that decrypts it, only if the queue that you asked lacks that key. Then payload, progress and
   * results are `{ encrypted: "k2" }`, messages of errors say so, and there are no log lines.
   */
  readonly encrypted?: string;
  /** When it was enqueued. */
  readonly enqueuedAt: Date;
  /**
   * Which token enqueued it: its `name`, else "token:" and a hash. Only for a token that is limited to certain jobs.
   */
  readonly enqueuedBy?: string;
  /**
   * When it will run, or was due if its job type is paused; null unless it waits, and while it waits for its children.
   */
  readonly runAt: Date | null;
  /** How many attempts have started. */
  readonly attempts: number;
  /**
   * How many attempts may follow the first, as set at enqueue or in its definition. Missing if neither is known,
   * because the queue that you asked has no such job among its `jobs`.
   */
  readonly maxRetries?: number;
  /**
   * Why it is not running although it is due. Only in the result of `getJob`, and only if its flow control key holds it
   * back.
   */
  readonly heldBack?: HeldBack;
  /** When it is dropped unless it has started. Only for jobs with `expires` that wait for their first attempt. */
  readonly expiresAt?: Date;
  /**
   * What became of its children. While it waits for them, only in the result of `getJob`. Once it has stopped waiting,
   * the counts no longer change.
   */
  readonly children?: JobChildren;
  /**
   * What it remembers of its steps, sleeps and waits, in the order in which they started. Only for a job that has any.
   */
  readonly steps?: readonly StepInfo[];
  /** The signals that it waits for, and until when. Only while it waits. */
  readonly waitingFor?: { readonly events: readonly string[]; readonly until: Date };
  /**
   * The last failures, oldest first: at most five. An attempt whose invocation ended without an outcome counts, as
   * `LeaseExpired`: it failed when its lease ended, and is added when the next attempt ends.
   */
  readonly errors: readonly FailedAttempt[];
  /** What its attempts have logged, oldest first: the last 100 lines, up to 8 KB. */
  readonly logs: readonly LogLine[];
  /** What `job.progress` stored last. */
  readonly progress?: unknown;
  /** The schedule that created it, and for which occurrence. */
  readonly schedule?: { readonly key: string; readonly occurrence: Date };
  /**
   * When the last attempt started. Only for running, completed and dead jobs. For a running job it is exact once the
   * attempt has reported progress, or has logged and then extended its lease. Until then it is right to a few seconds
   * if the queue that you asked has the job among its `jobs`, and otherwise missing; `extend` moves it.
   */
  readonly startedAt?: Date;
  /** When its lease ends: without an outcome by then, the job is due again. Only for running jobs. */
  readonly leaseEndsAt?: Date;
  /** How long an attempt may take, in ms. Only for running jobs, and missing if, like `maxRetries`, it is not known. */
  readonly timeout?: number;
  /** When it completed. Only for completed jobs. */
  readonly completedAt?: Date;
  /** What `perform` returned; null for nothing, or if it was too large. Only for completed jobs. */
  readonly result?: Result;
  /** When it died. Only for dead jobs. */
  readonly failedAt?: Date;
  /** When it was last retried from the dead-letter queue. Only for a job that was: a dead one has died again. */
  readonly retriedAt?: Date;
  /** Why it died. Only for dead jobs. */
  readonly error?: JobError;
}

/**
 * A job of a definition. Payload and result have the types in which they arrive: JSON turns a `Date` into a string, for
 * example. They are those of your code: a job that an older version has stored may hold something else.
 */
export type JobInfoOf<Job extends AnyJob> = JobInfo<JsonOf<InputOf<Job>>, JsonOf<ResultOf<Job>> | null>;

/** A job in the dead-letter queue. */
export interface DeadJob extends JobInfo {
  /** Every such job is dead. */
  readonly state: "dead";
  /** When it died. */
  readonly failedAt: Date;
  /** Why it died: usually the last of its `errors`. */
  readonly error: JobError;
}

/** What `jobInfo` gives. The compiler asks for a field of `JobInfo` for each stored option that is not named here. */
type Shown = Omit<JobInfo, "heldBack"> &
  Pick<JobInfo, Exclude<keyof StoredOptions, "backoff" | "timeoutMs" | "expiresMs" | "hidden">>;

/** A job as users see it; undefined if it has expired. @throws {TidegateError} `conflict` if it cannot be read. */
export function jobInfo(
  stored: StoredJob,
  { queue, definitions }: Pick<QueueContext, "queue" | "definitions">,
  now: number,
): JobInfo | undefined {
  const encrypted = lockOf(stored.record);
  const record = readRecord(encrypted === undefined ? stored : { ...stored, record: withLocks(stored.record) });
  const { end } = record;
  if (stored.state === "completed" && end?.expiresAt !== undefined && end.expiresAt <= now) return undefined;
  const waits = stored.state === "scheduled" || stored.state === "ready";
  const definition = definitions.get(record.name);
  const attempts = end?.attempts ?? attemptOf(record, stored.claims);
  const maxRetries = record.maxRetries ?? (definition && (definition.maxRetries ?? jobDefaults.maxRetries));
  // The time of a parent counts from when its last child has ended.
  const mayExpire = waits && stored.at !== WAITS_FOR_CHILDREN_AT;
  const expiresAt = mayExpire ? expiryOf(record, definition?.expires, dueAtOf(record, stored.at), attempts) : undefined;
  const info = {
    id: stored.id,
    name: record.name,
    queue,
    state: stored.state,
    payload: record.payload ?? null,
    ...(encrypted !== undefined && { encrypted }),
    enqueuedAt: new Date(record.enqueuedAt),
    ...(record.by !== undefined && { enqueuedBy: record.by }),
    runAt: waits && !waitsForChildren(stored) ? new Date(dueAtOf(record, stored.at)) : null,
    attempts,
    ...(maxRetries !== undefined && { maxRetries }),
    ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt) }),
    ...(record.revivedAt !== undefined && { retriedAt: new Date(record.revivedAt) }),
    errors: (record.errors ?? []).map(failedAttempt),
    logs: (record.logs ?? []).map(({ at, ...line }) => ({ at: new Date(at), ...line })),
    ...childrenOf(stored, record),
    ...stepsOf(record),
    ...(record.progress !== undefined && { progress: record.progress }),
    ...(record.occurrence && { schedule: { key: record.occurrence.key, occurrence: new Date(record.occurrence.at) } }),
    ...(stored.state === "running" && runningOf(stored, record, definitions, now)),
    ...endOf(stored, record),
  };
  return info satisfies Complete<Shown, typeof info>;
}

export function waitsForChildren({ state, at }: StoredJob): boolean {
  return state === "scheduled" && at === WAITS_FOR_CHILDREN_AT;
}

function childrenOf(stored: StoredJob, { children }: JobRecord): Pick<JobInfo, "children"> {
  const { family } = stored;
  if (family) return { children: childrenInfo({ ...family, total: totalOf(family) }) };
  // If it has waited before, its record says what they were then.
  return children && !waitsForChildren(stored) ? { children: childrenInfo(children) } : {};
}

function runningOf(
  { at, claims }: StoredJob,
  record: JobRecord,
  definitions: ReadonlyMap<string, AnyJob>,
  now: number,
): Pick<JobInfo, "startedAt" | "leaseEndsAt" | "timeout"> {
  const definition = definitions.get(record.name);
  const timeout = record.timeoutMs ?? (definition && timeoutMs(definition.timeout ?? jobDefaults.timeout));
  const { begun } = record;
  const isExact = begun?.attempt === attemptOf(record, claims);
  const about =
    definition && timeout !== undefined ? begunAbout(at, timeout, longestTimeoutMs(definitions.values())) : undefined;
  const startedAt = isExact ? begun?.at : about;
  return {
    ...(startedAt !== undefined && { startedAt: new Date(Math.min(startedAt, now)) }),
    leaseEndsAt: new Date(at),
    ...(timeout !== undefined && { timeout }),
  };
}

type Ending = Pick<JobInfo, "startedAt" | "completedAt" | "result" | "failedAt" | "error">;

function endOf(stored: StoredJob, { end }: JobRecord): Ending {
  if (!end) return {};
  const startedAt = new Date(end.startedAt);
  if (stored.state === "completed") return { startedAt, completedAt: new Date(end.at), result: end.result ?? null };
  return { startedAt, failedAt: new Date(end.at), error: jobError(end.error) };
}

function failedAttempt(error: AttemptError): FailedAttempt {
  const { attempt, startedAt, at } = error;
  const started = startedAt === undefined ? {} : { startedAt: new Date(startedAt) };
  return { ...jobError(error), attempt, ...started, failedAt: new Date(at) };
}

function jobError(error: AttemptError | undefined): JobError {
  if (!error) return { name: "Error", message: "unknown" };
  return { name: error.name, message: error.message, ...(error.stack && { stack: error.stack }) };
}

/** What reads a job takes: its id, or its definition and its id. */
export type JobAndId<Options> =
  | [id: string, options?: Options | undefined]
  | [job: AnyJob, id: string, options?: Options | undefined];

/** Splits the arguments. `only` lets a job pass if it has the name of the definition, or if none was given. */
export function readJobAndId<Options>(given: JobAndId<Options>): {
  readonly id: string;
  readonly options: Options | undefined;
  readonly only: (found: JobInfo | null) => JobInfo | null;
} {
  const [first] = given;
  if (typeof first !== "object" || first === null) {
    const [id, options] = given as [id: string, options?: Options];
    return { id, options, only: (found) => found };
  }
  const [{ name }, id, options] = given as [job: AnyJob, id: string, options?: Options];
  if (typeof name !== "string") throw invalidRequest("The job must be a definition from defineJob.");
  return { id, options, only: (found) => (found?.name === name ? found : null) };
}
