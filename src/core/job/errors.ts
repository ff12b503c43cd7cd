import type { PointInTime } from "../shared/duration.ts";

/**
 * Throw it in `perform` if the job will never succeed. It goes to the dead letter now, however many retries are left.
 */
export class PermanentError extends Error {
  override readonly name = "PermanentError";
}

/**
 * Throw it in `perform` to set when the next attempt is made, if any is left: at `when`, as a `Retry-After` header
 * asks.
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

/** An attempt took longer than its timeout, or than its invocation could give it. */
export class TimeoutError extends Error {
  override readonly name = "TimeoutError";
}

/** The lease of an attempt was lost: another invocation holds the job, and the result of this one will be refused. */
export class LeaseLostError extends Error {
  override readonly name = "LeaseLostError";
}

/**
 * The job was cancelled while it ran, with `cancel(id, { running: true })`: it is gone, and the result of this attempt
 * will be refused.
 */
export class JobCancelledError extends Error {
  override readonly name = "JobCancelledError";
}

/** An error that Tidegate makes for an attempt, without a stack, which would show only Tidegate's own code. */
export function withoutStack(error: Error): Error {
  error.stack = "";
  return error;
}
