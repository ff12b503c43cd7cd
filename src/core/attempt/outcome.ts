import type { AttemptOutcome } from "../job/attempt-info.ts";
import { UNREADABLE_RETRY_MS } from "../job/codec.ts";
import type { Snooze } from "../job/define.ts";
import { PermanentError, withoutStack } from "../job/errors.ts";
import * as records from "../job/record.ts";
import { durationMs, LATEST_TIME_MS, pointInTimeMs } from "../shared/duration.ts";
import { asJson } from "../shared/json.ts";
import { CLAIM_CYCLE, type Outcome, type Timing } from "../store/store.ts";
import type { Claim } from "./claimed-job.ts";
import { isNamed, retryWaitMs } from "./retry.ts";
import type { Workshop } from "./runtime.ts";

/** An attempt that has ended, as its outcome is made from it. */
export interface EndedAttempt {
  readonly claim: Claim;
  readonly workshop: Workshop;
  /** ms since 1970 */
  readonly startedAt: number;
}

/** How long an attempt that started then waited, and ran until now. Clocks of two machines may differ: no time is negative. */
export function timingOf(dueAt: number, startedAt: number, now: number): Timing {
  return { waitedMs: Math.max(0, startedAt - dueAt), ranMs: Math.max(0, now - startedAt) };
}

function timing({ claim, startedAt, workshop }: EndedAttempt): Timing {
  return timingOf(claim.dueAt, startedAt, workshop.clock());
}

/** The job goes back unstarted, due when it was, with no attempt used. */
export function released(claim: Claim): Outcome {
  return waitingAgain("released", claim, claim.dueAt);
}

function waitingAgain(to: "snoozed" | "released", claim: Claim, runAt: number): Outcome {
  const { lease, returnedText } = claim;
  if (returnedText !== undefined) return { to, lease, runAt, record: returnedText };
  // The record cannot note the claim that used no attempt, so the claim is taken back.
  return { to, lease, runAt, record: claim.text, claims: (lease.claims - 1 + CLAIM_CYCLE) % CLAIM_CYCLE };
}

/** Leaves a record of a newer version to a deployment that can read it. */
export function leftToOthers({ claim, workshop }: EndedAttempt): Outcome {
  return waitingAgain("snoozed", claim, workshop.clock() + UNREADABLE_RETRY_MS);
}

export function snoozed(attempt: EndedAttempt, { until }: Snooze): Outcome {
  const { clock } = attempt.workshop;
  const at = until instanceof Date ? pointInTimeMs(until, "snooze") : clock() + durationMs(until, "snooze");
  return { ...waitingAgain("snoozed", attempt.claim, Math.min(at, LATEST_TIME_MS)), timing: timing(attempt) };
}

export function completed(attempt: EndedAttempt, result: unknown): Outcome {
  const { claim, workshop, startedAt } = attempt;
  const { clock, retentionMs } = workshop;
  const at = clock();
  const end = { at, startedAt, attempts: claim.number, result: storable(result), expiresAt: at + retentionMs };
  const record = retentionMs === 0 ? "" : claim.completedText(end);
  return { to: "completed", lease: claim.lease, record, timing: timing(attempt) };
}

/** The result as it can be stored: one that is no JSON, or too large, is dropped, since the work has been done all the same. */
function storable(result: unknown): unknown {
  try {
    return asJson(result, "result");
  } catch {
    return undefined;
  }
}

/** The attempt has failed: the job is retried, or dead. */
export function failed(attempt: EndedAttempt, thrown: unknown): AttemptOutcome {
  const { claim, workshop } = attempt;
  const { number, lease } = claim;
  if (isNamed(thrown, "PermanentError") || number > claim.maxRetries) return dead(attempt, thrown);
  const { clock, random } = workshop;
  const waitMs = retryWaitMs(thrown, claim.backoff, number, clock(), random);
  const failure = records.attemptError(thrown, number, clock());
  const record = claim.failedText(failure);
  if (record === undefined) return dead(attempt, unwritable(thrown));
  const runAt = Math.min(clock() + waitMs, LATEST_TIME_MS);
  return { to: "retried", lease, runAt, record, timing: timing(attempt), thrown, failure };
}

function unwritable(cause: unknown): Error {
  const { name, message } = records.describeError(cause);
  const reason = "The job failed and cannot be retried: its payload is nested too deeply to be stored again.";
  return withoutStack(new PermanentError(`${reason} It failed with ${name}: ${message}`, { cause }));
}

function dead(attempt: EndedAttempt, thrown: unknown): AttemptOutcome {
  const { claim, workshop, startedAt } = attempt;
  const { lease } = claim;
  const at = workshop.clock();
  const { attempt: attempts } = claim.info;
  const error = records.attemptError(thrown, attempts, at);
  // Where `maxRetries` was lowered, the last failure is among the errors already, and no attempt has failed since.
  const isNew = !claim.isUsedUp || claim.crashes > 0;
  const record = claim.deadText({ at, startedAt, attempts, error, claims: lease.claims }, isNew);
  return { to: "dead", lease, at, record, timing: timing(attempt), thrown, failure: error };
}

/** Ends a job that has no attempt left: none is made. */
export function usedUp(attempt: EndedAttempt): AttemptOutcome {
  const { claim } = attempt;
  const error = claim.crashes > 0 ? leaseExpired(claim.crashes, claim.number - 1) : retriesLowered(claim);
  return { ...dead(attempt, withoutStack(error)), timing: undefined };
}

function leaseExpired(crashes: number, attempts: number): Error {
  const last = crashes === 1 ? "the last" : `the last ${crashes}`;
  const all = attempts === 1 ? "its only attempt" : `all of its ${attempts} attempts`;
  const times = crashes === attempts ? all : `${last} of its ${attempts} attempts`;
  const error = new Error(
    `The invocation ended, or was killed, before the job finished, in ${times}: the lease ran out.`,
  );
  error.name = "LeaseExpiredError";
  return error;
}

function retriesLowered({ number, maxRetries }: Claim): Error {
  const error = new Error(
    `maxRetries is ${maxRetries} now, and was higher before: ${number - 1} attempts had failed already, so none is left.`,
  );
  error.name = "RetriesLoweredError";
  return error;
}
