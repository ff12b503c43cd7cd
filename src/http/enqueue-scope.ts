import { type BulkJob, naming } from "../core/enqueue/bulk.ts";
import type { ChildJob } from "../core/job/define.ts";
import type { JobEnqueueOptions } from "../core/job/enqueue.ts";
import { limitNames } from "../core/job/flow-control.ts";
import { withInner } from "../core/job/inner-options.ts";
import { isReservedName } from "../core/job/reserved.ts";
import type { JobError, JobInfo } from "../core/manage/job-info.ts";
import { type Duration, durationMs, durationText, pointInTimeMs } from "../core/shared/duration.ts";
import { forbidden, invalidRequest, type TidegateError, tooLarge } from "../core/shared/errors.ts";
import { isLarger, LARGEST_PAYLOAD, MEBIBYTE } from "../core/shared/limits.ts";
import type { ValueOf } from "../core/shared/schema.ts";
import { knownOptions, oneOf, wholeNumber } from "../core/shared/validate.ts";
import { type Caller, hasScope, requireScope } from "./auth.ts";
import type { newJob, parentJob } from "./contract/requests.ts";
import { refuseOtherJobs, senderFor } from "./limited-token.ts";

// A caller whose only scope is `enqueue`: what it may choose for a job, and what it sees of one.

/** The most that a token can choose whose scope is `enqueue`. Tokens with the scope `admin` have no such bounds. */
export interface EnqueueLimits {
  /** How far ahead a `delay` or `runAt` may lie. Default "90d". */
  readonly maxDelay?: Duration | undefined;
  /** The longest `ttl` of `dedupe`. Default "7d". */
  readonly maxDedupeTtl?: Duration | undefined;
  /** The largest payload, in bytes of JSON: at most 5 MiB. Default 1 MiB. */
  readonly maxPayloadBytes?: number | undefined;
}

export type EnqueueScope = ReturnType<typeof readEnqueueScope>;

type NewJob = ValueOf<typeof newJob>;

type StoredOption = Exclude<keyof JobEnqueueOptions, "delay" | "runAt" | "flowControl">;

/** Whether only the definition sets an option, unless the caller is an admin or `enqueueOptions` is "all". */
const isOfDefinition: Readonly<Record<StoredOption, boolean>> = {
  maxRetries: true,
  backoff: true,
  timeout: true,
  expires: false,
};
const ownedByDefinition = (Object.keys(isOfDefinition) as StoredOption[]).filter((name) => isOfDefinition[name]);

export function readEnqueueScope(enqueueOptions: unknown = "basic", limits: EnqueueLimits = {}) {
  oneOf(enqueueOptions, ["basic", "all"], "enqueueOptions");
  const known = ["maxDelay", "maxDedupeTtl", "maxPayloadBytes"];
  const {
    maxDelay = "90d",
    maxDedupeTtl = "7d",
    maxPayloadBytes = MEBIBYTE,
  } = knownOptions(limits, known, "enqueueLimits");
  return {
    allowsAll: enqueueOptions === "all",
    maxDelayMs: durationMs(maxDelay, "enqueueLimits.maxDelay"),
    maxDedupeTtlMs: durationMs(maxDedupeTtl, "enqueueLimits.maxDedupeTtl"),
    maxPayloadBytes: wholeNumber(maxPayloadBytes, "enqueueLimits.maxPayloadBytes", 1, LARGEST_PAYLOAD),
  };
}

/** Makes what checks a job against the caller's token, and returns it as a job to enqueue. */
export function admission(
  caller: Caller,
  scope: EnqueueScope,
  jobNames: readonly string[],
  now: number,
): (job: NewJob) => BulkJob {
  if (hasScope(caller, ["admin"])) return toBulk;
  const known = new Set(jobNames);
  const { limits } = caller;
  const sender = limits && senderFor(limits);
  return (job) => {
    if (limits) refuseOtherJobs(limits, job);
    // The queue's own error would list its jobs. It also refuses reserved names.
    if (known.size > 0 && !known.has(job.name) && !isReservedName(job.name) && !hasScope(caller, ["read"]))
      throw invalidRequest(
        `No job is named ${JSON.stringify(job.name)}. A token with the scope "read" can list the names.`,
      );
    checkBounds(job, scope, now);
    if (scope.allowsAll && !limits) return toBulk(job);
    refuseOptions(job, limits ? "." : ', or a handler with enqueueOptions: "all".');
    const admitted = toBulk(job);
    // The key that the caller chose may have the limits of another definition.
    const keepsLimits = admitted.flowControl?.key !== undefined;
    return withInner(admitted, { keepsLimits, ...(sender && { sender }) });
  };
}

/** @param otherwise what else would allow it, for the message. */
function refuseOptions(job: NewJob, otherwise: string): void {
  const option = ownedByDefinition.find((name) => job[name] !== undefined);
  const limit = limitNames.find((name) => job.flowControl?.[name] !== undefined);
  const field = option ?? (limit && `flowControl.${limit}`);
  if (field !== undefined)
    throw forbidden(
      `${field} needs a token with the scope "admin"${otherwise} Leave it out, and the definition of the job decides.`,
    );
}

function checkBounds({ delay, runAt, dedupe, payload }: NewJob, scope: EnqueueScope, now: number): void {
  const { maxDelayMs, maxDedupeTtlMs, maxPayloadBytes } = scope;
  if (delay !== undefined && durationMs(delay, "delay") > maxDelayMs) throw tooLong("delay", "maxDelay", maxDelayMs);
  if (runAt !== undefined && pointInTimeMs(runAt, "runAt") - now > maxDelayMs)
    throw tooLong("The time until runAt", "maxDelay", maxDelayMs);
  if (dedupe && durationMs(dedupe.ttl, "dedupe.ttl") > maxDedupeTtlMs)
    throw tooLong("dedupe.ttl", "maxDedupeTtl", maxDedupeTtlMs);
  if (isLarger(JSON.stringify(payload) ?? "", maxPayloadBytes))
    throw tooLarge(
      `The payload is larger than ${boundOf("maxPayloadBytes", `${maxPayloadBytes} bytes`)}. Store the data elsewhere and pass its address.`,
    );
}

function tooLong(what: string, limit: keyof EnqueueLimits, most: number): TidegateError {
  return forbidden(`${what} is longer than ${boundOf(limit, durationText(most))}.`);
}

function boundOf(limit: keyof EnqueueLimits, most: string): string {
  return `${most}, the bound for tokens with the scope "enqueue" (enqueueLimits.${limit} of the handler)`;
}

type ParentJob = ValueOf<typeof parentJob>;

/** Admits a job with its children: each as it would be alone. @throws as `admission`, naming the child. */
export function admitParent({ children, waitFor, ...job }: ParentJob, admit: (job: NewJob) => BulkJob) {
  const admitChild = ({ children: own, waitFor, ...job }: ParentJob["children"][number]): ChildJob => {
    return { ...admit(job), waitFor, ...(own && { children: own.map(admit) }) };
  };
  const admitted = children.map((child, index) => naming(index, () => admitChild(child), "Child"));
  return { ...admit(job), waitFor, children: admitted };
}

const toBulk = ({ name, ...rest }: NewJob): BulkJob => ({ job: name, ...rest });

/**
 * A job as the caller may see it. What jobs threw and logged, and what they keep from step to step, can hold
 * anything, so it needs another scope.
 */
export function shownTo(caller: Caller, job: JobInfo): JobInfo {
  if (hasScope(caller, ["read", "admin"])) return job;
  // Payloads of Tidegate's own jobs hold what their senders meant for nobody here: headers to forward, errors.
  if (isReservedName(job.name)) requireScope(caller, ["read", "admin"], "This job");
  const { error, errors, steps, ...rest } = job;
  return {
    ...rest,
    errors: errors.map(withoutDetails),
    logs: [],
    ...(error && { error: withoutDetails(error) }),
    ...(steps && { steps: steps.map(({ result: _result, error: _error, ...step }) => step) }),
  };
}

function withoutDetails<Shown extends JobError>({ stack: _, ...error }: Shown): Omit<Shown, "stack"> {
  return { ...error, message: 'A token with the scope "read" sees the message.' };
}
