import type { EnqueueResult } from "../enqueue/new-job.ts";
import type { AttemptInfo } from "../job/attempt-info.ts";
import { invalidRequest, quote } from "../shared/errors.ts";
import { checkFunctions } from "../shared/validate.ts";

/** A job that the store has taken. */
export interface EnqueueEvent {
  /** The name of the queue. */
  readonly queue: string;
  /** The id of the job. */
  readonly id: string;
  /** The name of the job. */
  readonly name: string;
  /** "duplicate" where the job was there already: `id` names that one. */
  readonly status: EnqueueResult["status"];
  /** When it is to run; null where it is a duplicate of one that runs already, or has finished. */
  readonly runAt: Date | null;
  /** The schedule that made it, and the occurrence that it was made for. */
  readonly schedule?: { readonly key: string; readonly slot: Date };
}

/** An attempt that starts. */
export interface StartEvent extends AttemptInfo {
  /** For how long the job had been due, in ms. */
  readonly waitedMs: number;
}

/** An attempt that has ended well. */
export interface CompleteEvent extends StartEvent {
  /** How long the attempt took, in ms. */
  readonly ranMs: number;
}

/** An attempt that asked to be run again later. */
export interface SnoozeEvent extends CompleteEvent {
  /** When it is to run again. */
  readonly runAt: Date;
}

/** An attempt that failed. */
export interface DeadEvent extends CompleteEvent {
  /** What was thrown, itself; an error of Tidegate's where the attempt was stopped or could not begin. */
  readonly error: unknown;
}

/** An attempt that failed and is followed by another. */
export interface RetryEvent extends DeadEvent {
  /** When the next attempt is due. */
  readonly runAt: Date;
}

/** An attempt that ended after its lease had run out. */
export interface LostEvent extends CompleteEvent {
  /** What would have become of the job. */
  readonly outcome: "completed" | "retried" | "snoozed" | "dead";
  /** As in `DeadEvent`, where the attempt failed. */
  readonly error?: unknown;
}

/**
 * Functions of yours that a queue calls as things happen, for logs and the like. Outcomes are told once the store has accepted
 * them. No event holds a payload or a result: it can be logged as it is.
 *
 * A hook may return a promise: `enqueue` and `drain` wait for it before they end, for two seconds at most, so that a request
 * that a log needs is sent before the platform ends the invocation. No hook can harm a job: see `onError`. An invocation that
 * dies tells of nothing more, so what must happen belongs in the job itself.
 */
export interface Hooks {
  /** Jobs were enqueued, all those of the call, or a schedule made one. */
  readonly onEnqueue?: (event: EnqueueEvent) => unknown;
  /** An attempt starts. */
  readonly onStart?: (event: StartEvent) => unknown;
  /** The job is done. */
  readonly onComplete?: (event: CompleteEvent) => unknown;
  /** The attempt failed, and another will follow. */
  readonly onRetry?: (event: RetryEvent) => unknown;
  /** The job waits again, with no attempt used. */
  readonly onSnooze?: (event: SnoozeEvent) => unknown;
  /** The job went to the dead letter. Without an `onStart` before where its invocations died in each of its attempts. */
  readonly onDead?: (event: DeadEvent) => unknown;
  /** The lease ran out before the attempt ended: its outcome was refused, and the job runs, or ran, again. */
  readonly onLost?: (event: LostEvent) => unknown;
  /**
   * A hook threw, or its promise was rejected. Default: `console.error` is told the name of the hook and of the error, once for
   * each hook, and nothing else.
   */
  readonly onError?: (error: unknown, hook: string) => unknown;
}

const names: ReadonlySet<keyof Hooks> = new Set<keyof Hooks>([
  "onEnqueue",
  "onStart",
  "onComplete",
  "onRetry",
  "onSnooze",
  "onDead",
  "onLost",
  "onError",
]);

/** Hooks that have been checked. */
export interface CheckedHooks {
  readonly given: Hooks;
  readonly onError: NonNullable<Hooks["onError"]>;
}

/** Checks hooks. @throws {TidegateError} `invalid_request` for one that is unknown or no function. */
export function readHooks(hooks: Hooks | undefined): CheckedHooks | undefined {
  if (hooks === undefined) return undefined;
  if (typeof hooks !== "object" || hooks === null) throw invalidRequest("hooks must be an object of functions.");
  const unknown = Object.keys(hooks).find((name) => /^on[A-Z]/.test(name) && !names.has(name as keyof Hooks));
  if (unknown !== undefined) {
    throw invalidRequest(`${quote(unknown)} is no hook. They are: ${[...names].join(", ")}.`);
  }
  checkFunctions(hooks, [...names], "hooks");
  return { given: hooks, onError: hooks.onError?.bind(hooks) ?? reportOnce() };
}

function reportOnce(): NonNullable<Hooks["onError"]> {
  const reported = new Set<string>();
  return (error, hook) => {
    if (reported.has(hook)) return;
    reported.add(hook);
    const name = error instanceof Error ? error.name : typeof error;
    console.error(`tidegate: the hook ${hook} failed (${name}). Set hooks.onError to be told more.`);
  };
}
