import { type Backoff, backoffMs } from "../job/backoff.ts";
import type { RetryAfterError } from "../job/errors.ts";
import { durationMs, pointInTimeMs } from "../shared/duration.ts";

/** Recognizes an error by its name: a job and the queue may come from two copies of the package. Never throws. */
export function isNamed(thrown: unknown, name: string): boolean {
  try {
    return thrown instanceof Error && thrown.name === name;
  } catch {
    return false;
  }
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
