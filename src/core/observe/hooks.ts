import type { AttemptInfo } from "../job/attempt-info.ts";
import type { EnqueueResult } from "../job/enqueue.ts";
import { invalidRequest, quote } from "../shared/errors.ts";
import { checkFunctions } from "../shared/validate.ts";

/** A job that has been stored. */
export interface EnqueueEvent {
  /** The name of the queue. */
  readonly queue: string;
  /** The id of the job. */
  readonly id: string;
  /** The name of the job. */
  readonly name: string;
  /** "duplicate" if a job existed already, "replaced" if this call changed it. `id` is its id. */
  readonly status: EnqueueResult["status"];
  /**
   * When it will run; null if it waits for children, or is a duplicate of a job that is running or has finished.
   */
  readonly runAt: Date | null;
  /** The schedule that created it, and for which occurrence. */
  readonly schedule?: { readonly key: string; readonly occurrence: Date };
}

/** An attempt that starts. */
export interface StartEvent extends AttemptInfo {
  /** For how long the job had been due, in ms. */
  readonly waitedMs: number;
}

/** An attempt that succeeded. */
export interface CompleteEvent extends StartEvent {
  /** How long the attempt took, in ms. */
  readonly ranMs: number;
}

/** An attempt that asked to run again later. */
export interface SnoozeEvent extends CompleteEvent {
  /** When it will run again. */
  readonly runAt: Date;
}

/** An attempt that failed. */
export interface DeadEvent extends CompleteEvent {
  /** The thrown value itself, or an error of Tidegate if the attempt was stopped or could not start. */
  readonly error: unknown;
}

/** An attempt that failed and will be retried. */
export interface RetryEvent extends DeadEvent {
  /** When the next attempt is due. */
  readonly runAt: Date;
}

/** A job that was dropped because it had not started in time. `attempt` is the one that was not made. */
export interface ExpireEvent extends AttemptInfo {
  /** Its run time, from which `expires` counts. */
  readonly runAt: Date;
}

/** An attempt of a step that has finished. */
export interface StepEvent extends AttemptInfo {
  /** The name of the step. */
  readonly step: string;
  /** "failed": no retries are left. "retried": the job will try it again. */
  readonly state: "completed" | "failed" | "retried";
  /** Which attempt of the step it was: 1 for the first. */
  readonly stepAttempt: number;
  /** How long the attempt of the step took, in ms. */
  readonly ranMs: number;
  /** Why it failed. */
  readonly error?: { readonly name: string; readonly message: string };
}

/** An attempt that ended after its lease had expired. */
export interface LostEvent extends CompleteEvent {
  /** The outcome that the attempt would have had. */
  readonly outcome: "completed" | "retried" | "snoozed" | "dead";
  /** As in `DeadEvent`, if the attempt failed. */
  readonly error?: unknown;
}

/**
 * Functions that a queue calls when something happens to a job, for example to log it. Hooks get an outcome once the
 * store has accepted it. No event contains a payload or a result, so you can log it as it is.
 *
 * A hook may return a promise. `enqueue` and `drain` wait for it before they end, at most two seconds, so that a log is
 * sent before the platform ends the invocation. A hook cannot harm a job: see `onError`. If an invocation is killed, it
 * calls no more hooks, so put what must happen into the job itself.
 */
export interface Hooks {
  /**
   * A job was enqueued, or a schedule made it. Called for each job of a call; for one of `job.enqueue` once its attempt
   * is settled.
   */
  readonly onEnqueue?: ((event: EnqueueEvent) => unknown) | undefined;
  /** An attempt starts. */
  readonly onStart?: ((event: StartEvent) => unknown) | undefined;
  /**
   * An attempt of a step has finished. Unlike a job's outcome, it is not stored yet: after a kill it may come again.
   */
  readonly onStep?: ((event: StepEvent) => unknown) | undefined;
  /** The job has completed. */
  readonly onComplete?: ((event: CompleteEvent) => unknown) | undefined;
  /** The attempt failed, and the job will be retried. */
  readonly onRetry?: ((event: RetryEvent) => unknown) | undefined;
  /** The job waits again, without using an attempt. */
  readonly onSnooze?: ((event: SnoozeEvent) => unknown) | undefined;
  /** The job is dead. If its last attempt crashed its invocation, there was no `onStart` here. */
  readonly onDead?: ((event: DeadEvent) => unknown) | undefined;
  /** The job was dropped: it had not started by the time that `expires` sets. There was no `onStart`. */
  readonly onExpire?: ((event: ExpireEvent) => unknown) | undefined;
  /** The lease expired before the attempt ended. The store refused its outcome, and the job runs again. */
  readonly onLost?: ((event: LostEvent) => unknown) | undefined;
  /**
   * A hook threw, or its promise was rejected. Default: `console.error` gets the names of the hook and of the error,
   * once for each hook.
   */
  readonly onError?: ((error: unknown, hook: string) => unknown) | undefined;
}

const names: ReadonlySet<keyof Hooks> = new Set([
  ...(["onEnqueue", "onStart", "onStep", "onComplete", "onRetry", "onSnooze", "onDead", "onExpire"] as const),
  ...(["onLost", "onError"] as const),
]);

export interface CheckedHooks {
  readonly given: Hooks;
  readonly onError: NonNullable<Hooks["onError"]>;
}

export function readHooks(hooks: Hooks | undefined): CheckedHooks | undefined {
  if (hooks === undefined) return undefined;
  if (typeof hooks !== "object" || hooks === null) throw invalidRequest("hooks must be an object of functions.");
  const unknown = Object.keys(hooks).find((name) => /^on[A-Z]/.test(name) && !names.has(name as keyof Hooks));
  if (unknown !== undefined) throw invalidRequest(`Unknown hook ${quote(unknown)}. Hooks: ${[...names].join(", ")}.`);
  checkFunctions(hooks, [...names], "hooks");
  return { given: hooks, onError: hooks.onError?.bind(hooks) ?? reportOnce() };
}

function reportOnce(): NonNullable<Hooks["onError"]> {
  const reported = new Set<string>();
  return (error, hook) => {
    if (reported.has(hook)) return;
    reported.add(hook);
    const name = error instanceof Error ? error.name : typeof error;
    console.error(`tidegate: the hook ${hook} failed (${name}). Set hooks.onError to see the error.`);
  };
}
