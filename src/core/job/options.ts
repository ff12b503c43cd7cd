import { parseCron } from "../cron/cron.ts";
import { type Duration, durationMs } from "../shared/duration.ts";
import { invalidRequest } from "../shared/errors.ts";
import { oneOf } from "../shared/validate.ts";
import { type Backoff, checkBackoff } from "./backoff.ts";

/** How a job is retried, and how long it may take. You can set each field in `defineJob`, and again at `enqueue`. */
export interface JobOptions {
  /** How many attempts may follow the first. Default 3, at most 500. */
  readonly maxRetries?: number | undefined;
  /** How long to wait before each retry. Default: exponential from 60 s, without jitter. */
  readonly backoff?: Backoff | undefined;
  /** How long one attempt may take before it is aborted and counts as failed. Default "30s". */
  readonly timeout?: Duration | undefined;
}

/** A recurrence that a job declares. The first drain after a deployment activates it. */
export interface Schedule {
  /** 5 or 6 fields, seconds first, as in "0 0 9 * * *". */
  readonly cron: string;
  /** An IANA name. Default "UTC". */
  readonly timeZone?: string | undefined;
  /** What to do with occurrences that no drain found in time: one job for all of them (default), none, or one for each. */
  readonly missed?: "once" | "skip" | "all" | undefined;
  /** Whether an occurrence makes a job while the job of an earlier one has not ended. Default "allow". */
  readonly overlap?: "allow" | "skip" | undefined;
}

/** The defaults. The timeout is in ms, so that it is not parsed for each job. */
export const jobDefaults = { maxRetries: 3, timeout: 30_000 } as const;

/** The claim count of a lease wraps at 512 (`CLAIM_CYCLE`), so more attempts could not be distinguished. */
export const MOST_RETRIES = 500;
export const LONGEST_ID = 256;
export const LONGEST_NAME = 128;

export const missedWords = ["once", "skip", "all"] as const;
export const overlapWords = ["allow", "skip"] as const;
export const scheduleNames = ["cron", "timeZone", "missed", "overlap"];

/** Checks what may be set both at definition and at enqueue. */
export function checkRetryOptions(options: JobOptions): void {
  const { maxRetries, backoff, timeout } = options;
  if (maxRetries !== undefined && !(Number.isInteger(maxRetries) && maxRetries >= 0 && maxRetries <= MOST_RETRIES)) {
    throw invalidRequest(`maxRetries must be a whole number from 0 to ${MOST_RETRIES}.`);
  }
  if (backoff !== undefined) checkBackoff(backoff);
  if (timeout !== undefined) timeoutMs(timeout);
}

/** @throws {TidegateError} `invalid_request` for an invalid cron expression, zone or word. */
export function checkSchedule(key: string, schedule: Schedule): void {
  parseCron(schedule.cron, schedule.timeZone, key);
  oneOf(schedule.missed, missedWords, "missed");
  oneOf(schedule.overlap, overlapWords, "overlap");
}

/** Longer than any attempt, and short enough that no lease ends after the last time that can be stored. */
const LONGEST_TIMEOUT_MS = 366 * 86_400_000;

/** The longest timeout of some jobs, in ms: at least the default. */
export function longestTimeoutMs(jobs: Iterable<{ readonly timeout?: Duration | undefined }>): number {
  return Math.max(...[jobDefaults, ...jobs].map(({ timeout = jobDefaults.timeout }) => timeoutMs(timeout)));
}

/** Reads a timeout as ms; one of more than a year counts as a year. */
export function timeoutMs(timeout: Duration): number {
  const ms = durationMs(timeout, "timeout");
  if (ms === 0) throw invalidRequest("timeout must be longer than 0.");
  return Math.min(ms, LONGEST_TIMEOUT_MS);
}
