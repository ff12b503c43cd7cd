import type { AnyJob } from "../job/define.ts";
import type { JobEnqueueOptions, OneTime } from "../job/enqueue.ts";
import { flowControlOptions } from "../job/flow-control.ts";
import { innerOf } from "../job/inner-options.ts";
import type { JobOptions, Schedule } from "../job/options.ts";
import { jobDefaults, LONGEST_ID, LONGEST_NAME, retryFields, timeoutMs } from "../job/options.ts";
import { encodeRecord, type JobRecord, recordBeginning, type StoredOptions } from "../job/record.ts";
import { issuesText, type Validation, validate } from "../job/schema.ts";
import type { JobTrace } from "../job/trace-context.ts";
import { type Duration, durationMs, LATEST_TIME_MS, pointInTimeMs } from "../shared/duration.ts";
import { InvalidPayloadError, invalidRequest } from "../shared/errors.ts";
import { asJson, written } from "../shared/json.ts";
import { duration, flag, optionsOf, pathText, span, text, time } from "../shared/schema.ts";
import { type Complete, checkObject, checkPathText, checkPlain } from "../shared/validate.ts";
import { readChildId } from "../store/family.ts";
import { isOccurrenceJobId } from "../store/occurrence-id.ts";
import type { NewJob } from "../store/store.ts";
import type { EnqueueContext } from "./context.ts";
import { flowOf } from "./flow-key.ts";

/** How one job is enqueued: with `delay` or `runAt`, but not both. */
export type EnqueueOptions = OneTime<EnqueueFields>;

/** The options of one job. */
export interface EnqueueFields extends JobEnqueueOptions {
  /**
   * Idempotency key, 1 to 256 characters. While a job with this id is stored, finished or not, no second one is stored.
   * Ids like those of schedules' jobs (`daily@2026-03-01T12:00:00.000Z`, also with a colon after it) and of children
   * (`report/000017`) are refused, and so are ids that are reserved for Tidegate's own jobs.
   */
  readonly id?: string | undefined;
  /**
   * Creates no second job with this key within `ttl` of the first, as long as the first exists.
   *
   * With `replace`, the newest call wins: until its first attempt, the existing job gets the payload, the run time and
   * all other options of this call, and keeps its id. Both must have the same name. `ttl` runs from the call that
   * created the job, so it limits how long calls can postpone it. Default false.
   */
  readonly dedupe?:
    | { readonly key: string; readonly ttl: Duration; readonly replace?: boolean | undefined }
    | undefined;
}

/** How a recurring job is enqueued: when it recurs, and its other options. */
export type RecurringOptions = Schedule &
  RecurringJobOptions & { readonly [Name in "delay" | "runAt" | "dedupe" | "flowControl"]?: undefined };

/** The options of a recurring job, except when it recurs. */
export interface RecurringJobOptions extends Omit<JobOptions, "backoff">, Pick<EnqueueFields, "backoff"> {
  /** The schedule's key. Default: the job's name. */
  readonly id?: string | undefined;
}

export const enqueueOptions = optionsOf<EnqueueFields>("enqueue", {
  id: pathText(LONGEST_ID, "order-7"),
  delay: duration,
  runAt: time,
  ...retryFields,
  dedupe: optionsOf<NonNullable<EnqueueFields["dedupe"]>>(
    "dedupe",
    { key: text(LONGEST_ID, "user-7"), ttl: span, replace: flag },
    ["key", "ttl"],
  ),
  flowControl: flowControlOptions,
});

/** @throws {TidegateError} `invalid_request` for what cannot be options of a call of `enqueue`. */
export function checkOptions(options: object): void {
  checkObject(options, 'enqueue takes an object of options after the payload, such as { delay: "5m" }.');
  checkPlain(options, "enqueue");
}

export function jobName(job: AnyJob | string): string {
  return String(typeof job === "string" ? job : job?.name);
}

/** @throws {TidegateError} `invalid_request` if the queue has jobs, but none of that name: it could never run. */
export function resolveJob(
  job: AnyJob | string,
  { definitions, enqueuesAnyJob = definitions.size === 0 }: Pick<EnqueueContext, "definitions" | "enqueuesAnyJob">,
): { name: string; definition: AnyJob | undefined } {
  const name = typeof job === "string" ? job : job?.name;
  if (typeof name !== "string") throw invalidRequest("The job must be a definition from defineJob, or its name.");
  checkPathText(name, "name", LONGEST_NAME);
  const known = definitions.get(name);
  if (!known && !enqueuesAnyJob) {
    const names = [...definitions.keys()].join(", ");
    const advice = typeof job === "string" ? "" : " Add the definition to the jobs of the queue.";
    throw invalidRequest(`No job is named ${JSON.stringify(name)}. This queue knows: ${names}.${advice}`);
  }
  return { name, definition: typeof job === "string" ? known : job };
}

/** A job as it was when `enqueue` was called. Later changes by the caller are not stored. */
export interface JobDraft {
  readonly definition: AnyJob | undefined;
  readonly record: JobRecord;
  readonly job: Omit<NewJob, "record">;
}

/** Reads a job, and checks all but the schema, which may take time. @throws {TidegateError} that names the option. */
export function draftJob(
  name: string,
  definition: AnyJob | undefined,
  payload: unknown,
  given: EnqueueFields,
  now: number,
  newId: () => string,
): JobDraft {
  const options = enqueueOptions.read(given);
  if (options.id !== undefined) checkJobId(options.id);
  const stored = asJson(payload, "payload");
  const flow = flowOf(definition, options.flowControl, stored);
  const { sender, keepsLimits } = innerOf(options);
  const by = sender?.name;
  const author = { name, ...(by !== undefined && { by }) };
  const dedupe = options.dedupe && dedupeOf(options.dedupe, author);
  const job = {
    id: options.id ?? newId(),
    isFreshId: options.id === undefined,
    runAt: runAtMs(options, now),
    ...(dedupe && { dedupe }),
    ...(flow && { flow }),
    ...(keepsLimits && { keepsLimits }),
  };
  const record = { ...author, payload: stored, enqueuedAt: now, ...storedOptions(options) };
  return { definition, record, job };
}

/** Checks the payload by the schema, and builds the job: a promise only if the schema is asynchronous. */
export function finishJob(draft: JobDraft, trace?: JobTrace): NewJob | Promise<NewJob> {
  const { finished, fits } = buildJob(draft, trace);
  return fits?.then(() => finished) ?? finished;
}

/** The same, but returns the job at once. If the schema is asynchronous, `fits` rejects for a wrong payload. */
export function buildJob({ definition, record, job }: JobDraft, trace?: JobTrace) {
  // Encoded first, because the schema may change the payload.
  const text = written("payload", () => encodeRecord({ ...record, ...(trace && { trace }) }));
  return { finished: { ...job, record: text }, fits: checkFits(record.name, definition, record.payload) };
}

export function attemptMs({ record, definition }: JobDraft): number {
  return record.timeoutMs ?? timeoutMs(definition?.timeout ?? jobDefaults.timeout);
}

/** Refuses the id of an occurrence, which could not make its own job, and that of a child, whose end is counted. */
function checkJobId(id: string): void {
  if (readChildId(id))
    throw invalidRequest(
      'id must not end with "/" and six digits, such as /000017: the children of a job have such ids.',
    );
  if (isOccurrenceJobId(id))
    throw invalidRequest(
      'id must not end with "@" and a time, such as @2026-03-01T12:00:00.000Z: schedules name their jobs so.',
    );
}

/** Checks a payload as JSON keeps it: a promise only if the schema is asynchronous. @throws {InvalidPayloadError} */
export function checkFits(name: string, definition: AnyJob | undefined, payload: unknown): Promise<void> | undefined {
  const result = validate(definition?.schema, payload);
  if (result instanceof Promise) return result.then((later) => refuseMisfit(name, later));
  refuseMisfit(name, result);
  return undefined;
}

function refuseMisfit(name: string, result: Validation): void {
  if ("issues" in result)
    throw new InvalidPayloadError(
      `The payload, as JSON, does not fit the schema of "${name}": ${issuesText(result.issues)}`,
      result.issues,
    );
}

/** The options that are stored with a job. @param most how many bytes may be hidden. */
export function storedOptions(options: JobEnqueueOptions, most?: number): StoredOptions {
  const { maxRetries, backoff, timeout, expires } = options;
  const hidden = asJson(innerOf(options).hidden, "payload", most);
  const stored = {
    ...(maxRetries !== undefined && { maxRetries }),
    ...(backoff !== undefined && { backoff: { ...backoff } }),
    ...(timeout !== undefined && { timeoutMs: timeoutMs(timeout) }),
    ...(expires !== undefined && { expiresMs: durationMs(expires, "expires") }),
    ...(hidden !== undefined && { hidden }),
  };
  return stored satisfies Complete<StoredOptions, typeof stored>;
}

export function runAtMs({ delay, runAt }: Pick<EnqueueFields, "delay" | "runAt">, now: number): number {
  if (delay !== undefined && runAt !== undefined) throw invalidRequest("Give either delay or runAt, not both.");
  if (runAt !== undefined) return pointInTimeMs(runAt, "runAt");
  if (delay === undefined) return now;
  const at = now + durationMs(delay, "delay");
  if (at > LATEST_TIME_MS) throw invalidRequest("delay must end before the year 2109.");
  return at;
}

function dedupeOf(
  { key, ttl, replace }: NonNullable<EnqueueFields["dedupe"]>,
  author: Pick<JobRecord, "name" | "by">,
): NonNullable<NewJob["dedupe"]> {
  const { by } = author;
  return {
    // No key that a user gives has a tab.
    key: by === undefined ? key : `${by}\t${key}`,
    ttlMs: durationMs(ttl, "dedupe.ttl"),
    ...(replace && { replaces: recordBeginning(author) }),
  };
}
