import type { AttemptOutcome } from "../job/attempt-info.ts";
import { type Backoff, backoffMs } from "../job/backoff.ts";
import { UNREADABLE_RETRY_MS } from "../job/codec.ts";
import type { Snooze } from "../job/define.ts";
import { ownError, permanent, type RetryAfterError } from "../job/errors.ts";
import { failureGroup } from "../job/failure-group.ts";
import { MISSING_KEY_MS, whyLocked } from "../job/lock.ts";
import * as records from "../job/record.ts";
import type { StepOptions } from "../job/steps.ts";
import { logWarning } from "../observe/log.ts";
import { durationMs, LATEST_TIME_MS, pointInTimeMs } from "../shared/duration.ts";
import { orUndefined } from "../shared/errors.ts";
import { asJson } from "../shared/json.ts";
import { CLAIM_CYCLE, type Outcome, type Timing } from "../store/store.ts";
import type { ClaimedJob } from "./claimed-job.ts";
import type { AttemptNeeds } from "./needs.ts";

const POSTPONED_MS = 1_000;
const HELD_MS = 3_600_000;

export interface EndedAttempt {
  readonly job: ClaimedJob;
  readonly needs: AttemptNeeds;
  /** ms since 1970 */
  readonly startedAt: number;
}

/** How long an attempt waited before it started, and how long it has run. Clocks differ, so neither is negative. */
export function timingOf(
  { job, startedAt }: { readonly job: Pick<ClaimedJob, "dueAt">; readonly startedAt: number },
  now: number,
): Timing {
  return { waitedMs: Math.max(0, startedAt - job.dueAt), ranMs: Math.max(0, now - startedAt) };
}

/** The fields that every outcome of an attempt has. */
function endOf(attempt: EndedAttempt, now: number) {
  const { job, needs } = attempt;
  const name = needs.observe && job.isReadable ? job.name : undefined;
  return { lease: job.lease.current, name, timing: timingOf(attempt, now), dueAt: job.dueAt };
}

export function expired(attempt: EndedAttempt, now: number): AttemptOutcome {
  return { to: "expired", ...endOf(attempt, now), record: "", timing: undefined };
}

/** The job was not started. It is due when it was, without using an attempt. */
export function released(job: ClaimedJob): AttemptOutcome {
  return waitingAgain("released", job, job.dueAt, records.withReturnedClaim);
}

/**
 * The job was not started, since its type is paused. It is due again in an hour, or when the type is resumed, and
 * expires as if it had stayed where it was.
 */
export function held(attempt: EndedAttempt, now: number): AttemptOutcome {
  const { job } = attempt;
  if (job.isExpired(now)) return expired(attempt, now);
  const { dueAt, name } = job;
  const hold = { until: now + HELD_MS, dueAt };
  const outcome = waitingAgain("released", job, hold.until, (record) => records.withHold(record, hold));
  return { ...outcome, held: { name, dueAt } };
}

function waitingAgain(
  to: "snoozed" | "released",
  job: ClaimedJob,
  runAt: number,
  change: Parameters<ClaimedJob["returnedText"]>[0] = records.withSnooze,
): Extract<AttemptOutcome, { readonly to: "snoozed" | "released" }> {
  const lease = job.lease.current;
  const record = job.returnedText(change);
  const outcome = { to, lease, runAt, record: record ?? job.recordText, dueAt: job.dueAt };
  if (record !== undefined) return outcome;
  // The record cannot note the claim that used no attempt, so the claim is taken back.
  return { ...outcome, claims: lease.claims - 1 || (job.record.returned === undefined ? 0 : CLAIM_CYCLE) };
}

/** Leaves a record of a newer version to a deployment that can read it. */
export function leftToOthers({ job, needs }: EndedAttempt): AttemptOutcome {
  return waitingAgain("snoozed", job, needs.clock() + UNREADABLE_RETRY_MS);
}

/**
 * Leaves a job to a deployment that has its key. It is dead once none has had it for a day, or at once if the key is
 * here and the record does not decrypt.
 */
export function locked(attempt: EndedAttempt, lock: string): AttemptOutcome {
  const { job, needs } = attempt;
  const now = needs.clock();
  const { lockedSince = now } = job.record;
  if (job.isTampered || now - lockedSince >= MISSING_KEY_MS)
    return { ...dead(attempt, decryptionError(job, lock)), timing: undefined };
  const outcome = leftToOthers(attempt);
  // A line for each minute of a day would bury everything else.
  if (job.record.lockedSince !== undefined) return outcome;
  const { id, name } = job.info;
  logWarning(
    needs.logger,
    `${whyLocked(`Job "${name}" (${id})`, lock)} It is left to other deployments for now, and dead after a day.`,
  );
  return { ...outcome, record: records.withLockedSince(outcome.record, now) } as AttemptOutcome;
}

function decryptionError(job: ClaimedJob, lock: string): Error {
  return ownError(
    "DecryptionError",
    job.isTampered
      ? `The record of the job does not decrypt with the key "${lock}", which this queue has: it was changed, or copied from another job.`
      : `${whyLocked("The job", lock)} Drains without it have claimed the job for a day. Retry the job once they have it.`,
  );
}

/** Claimed again soon, without using an attempt: the store was unavailable for the jobs that its end makes. */
export function postponed({ job, needs }: EndedAttempt, { timing }: Outcome): AttemptOutcome {
  return { ...waitingAgain("snoozed", job, needs.clock() + POSTPONED_MS), timing };
}

export function snoozed(attempt: EndedAttempt, { until }: Snooze): AttemptOutcome {
  const now = attempt.needs.clock();
  const at = until instanceof Date ? pointInTimeMs(until, "snooze") : now + durationMs(until, "snooze");
  return { ...waitingAgain("snoozed", attempt.job, Math.min(at, LATEST_TIME_MS)), ...endOf(attempt, now) };
}

/** The job has left its slot: it sleeps, waits, or continues in another invocation. */
export function left(attempt: EndedAttempt): AttemptOutcome {
  const { job, needs } = attempt;
  const now = needs.clock();
  const { opened: { until = now } = {}, waits } = job.remembered ?? {};
  const runAt = Math.max(until, now);
  return { to: "snoozed", ...endOf(attempt, now), runAt, record: job.textOfLeaving, waits };
}

export function completed(attempt: EndedAttempt, result: unknown): AttemptOutcome {
  const { job, needs, startedAt } = attempt;
  const { clock, retentionMs } = needs;
  const at = clock();
  // A result that is not JSON, or too large, is left out: the work is still done.
  const storable = orUndefined(() => asJson(result, "result"));
  const end = { at, startedAt, attempts: job.attempt, result: storable, expiresAt: at + retentionMs };
  const record = retentionMs === 0 ? "" : job.completedText(end);
  return { to: "completed", ...endOf(attempt, at), at, record };
}

/**
 * The attempt has failed: the job is retried or dead.
 *
 * @param withOthers whether other jobs failed by the same throw. It may be meant for one of them, so a `PermanentError`
 *   does not make this one dead.
 * @param ofStep the rules of the step that has failed. Default: those of the job.
 */
export function failed(
  attempt: EndedAttempt,
  thrown: unknown,
  withOthers = false,
  ofStep: StepOptions = {},
): AttemptOutcome {
  const { job, needs } = attempt;
  const isPermanent = (isNamed(thrown, "PermanentError") || isNamed(thrown, "StepError")) && !withOthers;
  if (isPermanent || job.attempt > (ofStep.maxRetries ?? job.maxRetries)) return dead(attempt, thrown);
  const now = needs.clock();
  const waitMs = retryWaitMs(thrown, ofStep.backoff ?? job.backoff, job.attempt, now, needs.random);
  const failure = records.attemptError(thrown, job.attempt, now, attempt.startedAt);
  const record = job.failedText(failure, withOthers);
  if (record === undefined) return dead(attempt, unwritable(thrown));
  const runAt = Math.min(now + waitMs, LATEST_TIME_MS);
  return { to: "retried", ...endOf(attempt, now), runAt, record, thrown, failure };
}

function unwritable(cause: unknown): Error {
  const { name, message } = records.describeError(cause);
  const reason = "The job failed and cannot be retried: its payload is nested too deeply to be stored again.";
  return permanent(`${reason} It failed with ${name}: ${message}`, { cause });
}

function dead(attempt: EndedAttempt, thrown: unknown): AttemptOutcome {
  const { job, needs, startedAt } = attempt;
  const at = needs.clock();
  const { id, claims } = job.lease.current;
  const { attempt: attempts } = job.info;
  const error = records.attemptError(thrown, attempts, at, job.isUsedUp ? undefined : startedAt);
  const record = job.deadText({ at, startedAt, attempts, error, claims });
  const group = needs.observe ? failureGroup(job.name, error) : undefined;
  const followUps = group && needs.alerting?.ofDeath({ id, name: job.name, group, at });
  const outcome: AttemptOutcome = { to: "dead", ...endOf(attempt, at), at, record, group, thrown, failure: error };
  return followUps ? { ...outcome, followUps } : outcome;
}

/** Ends a job that has no attempt left: none is made. */
export function usedUp(attempt: EndedAttempt): AttemptOutcome {
  const { job } = attempt;
  const error = job.crashes > 0 ? leaseExpired(job.crashes, job.attempt - 1) : retriesLowered(job);
  return { ...dead(attempt, error), timing: undefined };
}

function leaseExpired(crashes: number, attempts: number): Error {
  const last = crashes === 1 ? "the last" : `the last ${crashes}`;
  const all = attempts === 1 ? "its only attempt" : `all of its ${attempts} attempts`;
  const times = crashes === attempts ? all : `${last} of its ${attempts} attempts`;
  const message = `The invocation ended, or was killed, before the job finished, in ${times}: the lease ran out.`;
  return ownError(records.LEASE_EXPIRED, message);
}

function retriesLowered({ attempt, maxRetries }: ClaimedJob): Error {
  return ownError(
    "RetriesLoweredError",
    `maxRetries is ${maxRetries} now, and was higher before: ${attempt - 1} attempts had failed already, so none is left.`,
  );
}

/** Recognizes an error by its name: a job and the queue may come from two copies of the package. Never throws. */
export function isNamed(thrown: unknown, name: string): boolean {
  return orUndefined(() => thrown instanceof Error && thrown.name === name) ?? false;
}

export function retryWaitMs(
  thrown: unknown,
  backoff: Backoff | undefined,
  attempt: number,
  now: number,
  random: () => number,
): number {
  try {
    if (isNamed(thrown, "RetryAfterError")) return retryAfterMs(thrown as RetryAfterError, now);
    return backoffMs(backoff, attempt, thrown, random);
  } catch {
    // An invalid `when`, or result of a backoff function, must not lose the job: the default wait applies.
    return backoffMs(undefined, attempt, thrown, random);
  }
}

function retryAfterMs({ when }: RetryAfterError, now: number): number {
  if (when instanceof Date || (typeof when === "string" && when.includes("T")))
    return Math.max(0, pointInTimeMs(when, "RetryAfterError") - now);
  return durationMs(when, "RetryAfterError");
}
