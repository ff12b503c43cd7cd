import type { Duration } from "../shared/duration.ts";
import { quote } from "../shared/errors.ts";
import { described, optionsOf, pathText, span, text, whole } from "../shared/schema.ts";
import { anyBackoff, type Backoff } from "./backoff.ts";
import { LONGEST_NAME, MOST_RETRIES } from "./options.ts";

// Steps: parts of a job that are done once, however often `perform` runs.

/** What the function of a step gets. */
export interface StepRun {
  /** The same in every attempt of the step, and in no other one: an idempotency key for what the step calls. */
  readonly key: string;
  /** Aborts when the step's timeout is over, the lease is lost, or the drain must end. Pass it to `fetch`. */
  readonly signal: AbortSignal;
  /** 1 for the first attempt of the step. */
  readonly attempt: number;
}

/** How a step is retried, and how long it may take. */
export interface StepOptions {
  /** How many attempts may follow the first. Default: as the job's `maxRetries`. */
  readonly maxRetries?: number | undefined;
  /** How long to wait before each retry. Default: as the job's `backoff`. */
  readonly backoff?: Backoff | undefined;
  /** How long one attempt of the step may take. Default: as the job's `timeout`. */
  readonly timeout?: Duration | undefined;
}

/** How a job sleeps. */
export interface SleepOptions {
  /**
   * The name of the sleep, by which later attempts find it. Default: its number, so that a deployment that adds a sleep
   * before it changes the name.
   */
  readonly name?: string | undefined;
}

/** How a job waits for a signal. */
export interface WaitForOptions {
  /** How long to wait, from the call. Then `waitFor` returns null. */
  readonly timeout: Duration;
}

/** What a job remembers of a step, a sleep or a wait. */
export interface StoredStep {
  readonly name: string;
  /** Default: a step. */
  readonly kind?: "sleep" | "wait";
  /** When its last attempt began, in ms since 1970. */
  readonly at: number;
  /** When it ended. Default: the job sleeps or waits, or will try the step again. */
  readonly endedAt?: number;
  /** Its last attempt's number. Default 1. */
  readonly attempt?: number;
  readonly result?: unknown;
  /** Why its last attempt failed. */
  readonly error?: { readonly name: string; readonly message: string };
  /** How many retries it has, if it will be tried again by a rule of its own. Default: as many as the job. */
  readonly maxRetries?: number;
  /** Whether `perform` went on after it had failed: a retry from the dead-letter queue does not run it again. */
  readonly isDealtWith?: true;
  /** The signals that a wait is for. */
  readonly events?: readonly string[];
  /** When the sleep, or the timeout of the wait, is over. ms since 1970 */
  readonly until?: number;
  readonly hasTimedOut?: true;
}

export function isOpen({ kind, endedAt }: StoredStep): boolean {
  return kind !== undefined && endedAt === undefined;
}

export function failureOf(name: string): string {
  return `The step ${quote(name)} has failed.`;
}

/** How large the result of a step may be as JSON, and all that a job remembers. */
export const LARGEST_STEP = 256 * 1024;
export const LARGEST_STEPS = 1024 * 1024;

const LONGEST_EVENT = 256;

export const stepName = text(LONGEST_NAME, "charge");
export const eventName = pathText(LONGEST_EVENT, "reply-42");

export const sleepOptions = optionsOf<SleepOptions>("job.sleep", { name: stepName });

export const waitOptions = optionsOf<WaitForOptions>("job.waitFor", { timeout: described(span, "How long to wait.") }, [
  "timeout",
]);

export const stepOptions = optionsOf<StepOptions>("job.step", {
  maxRetries: whole(0, MOST_RETRIES),
  backoff: anyBackoff,
  timeout: span,
});
