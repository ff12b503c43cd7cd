import type { PointInTime } from "../shared/duration.ts";

/** Thrown by `perform`: the job will never succeed, so it goes to the dead letter now, whatever retries are left. */
export class PermanentError extends Error {
  override readonly name = "PermanentError";
}

/** Thrown by `perform`: the attempt failed and the next one, if any is left, is made at `when`, as a `Retry-After` header asks. */
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

/** The lease of an attempt was lost: another invocation holds the job, and this one's result will be refused. */
export class LeaseLostError extends Error {
  override readonly name = "LeaseLostError";
}

/** An error that Tidegate makes for an attempt, without the stack: that would show its own code and nothing of the job's. */
export function withoutStack(error: Error): Error {
  error.stack = "";
  return error;
}
