import type { PointInTime } from "../shared/duration.ts";

/** Throw it in `perform` if the job can never succeed. The job dies immediately, however many retries are left. */
export class PermanentError extends Error {
  override readonly name = "PermanentError";
}

/**
 * Throw it in `perform` to set the time of the next attempt, if any is left: at `when`, such as the time in a
 * `Retry-After` header.
 */
export class RetryAfterError extends Error {
  override readonly name = "RetryAfterError";
  /** A duration from now such as "30s", or a point in time as a `Date` or ISO 8601. A number is a duration in ms. */
  readonly when: PointInTime;

  constructor(message: string, when: PointInTime) {
    super(message);
    this.when = when;
  }
}

/**
 * A step has used up its retries, or has thrown a `PermanentError`. Catch it where you await the step to go on without
 * it. If you do not, the job is dead, and a retry from the dead-letter queue runs only this step again.
 *
 * `cause` is an error with the name and the message of what the step threw last: the error itself is not stored, and
 * `instanceof` does not know it.
 */
export class StepError extends Error {
  override readonly name = "StepError";
}

/** An attempt took longer than its timeout, or than the time of its invocation. */
export class TimeoutError extends Error {
  override readonly name = "TimeoutError";
}

/** The lease of an attempt was lost: another invocation holds the job, and this attempt's result is refused. */
export class LeaseLostError extends Error {
  override readonly name = "LeaseLostError";
}

/** The job was cancelled while it ran (`cancel(id, { running: true })`). This attempt's result is refused. */
export class JobCancelledError extends Error {
  override readonly name = "JobCancelledError";
}

/** Removes the stack of an error that Tidegate makes for an attempt: it would show only Tidegate's own code. */
export function withoutStack<Own extends Error>(error: Own): Own {
  error.stack = "";
  return error;
}

/** An error that Tidegate itself finds, under a name of its own. */
export function ownError(name: string, message: string): Error {
  return withoutStack(Object.assign(new Error(message), { name }));
}

/** The error of a job that cannot succeed, as Tidegate itself finds. */
export function permanent(message: string, options?: ErrorOptions): PermanentError {
  return withoutStack(new PermanentError(message, options));
}
