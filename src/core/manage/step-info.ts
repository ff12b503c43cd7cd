import type { JobRecord } from "../job/record.ts";
import { isOpen, type StoredStep } from "../job/steps.ts";

/** A step, sleep or wait of a job. */
export interface StepInfo {
  /** Its name. A sleep without one, and a wait, are named for their number or their signals. */
  readonly name: string;
  /** What it is. */
  readonly kind: "step" | "sleep" | "wait";
  /**
   * "retrying": its last attempt failed, and the job will try it again. "failed": no retries are left.
   * "timedOut": no signal came. "signalled": the signal has come, and ends the wait when the job runs next.
   * The step that a job is running is not stored yet.
   */
  readonly state: "completed" | "failed" | "retrying" | "sleeping" | "waiting" | "signalled" | "timedOut";
  /** When its last attempt started, or the sleep or the wait. */
  readonly startedAt: Date;
  /** When it ended; null if it has not. */
  readonly endedAt: Date | null;
  /** Its last attempt's number. */
  readonly attempt: number;
  /**
   * What it returned, or the data of the signal. A completed job keeps results only if they take up to 8 KB together.
   */
  readonly result?: unknown;
  /** Why its last attempt failed. */
  readonly error?: { readonly name: string; readonly message: string };
  /** When the sleep, or the timeout of the wait, is over. */
  readonly until?: Date;
}

export function stepsOf({ steps, signal }: Pick<JobRecord, "steps" | "signal">): {
  readonly steps?: readonly StepInfo[];
  readonly waitingFor?: { readonly events: readonly string[]; readonly until: Date };
} {
  if (!steps) return {};
  const wait = signal ? undefined : steps.find((step) => isOpen(step) && step.kind === "wait");
  return {
    steps: steps.map((step) => stepInfo(step, signal !== undefined)),
    ...(wait && { waitingFor: { events: wait.events ?? [], until: new Date(wait.until ?? 0) } }),
  };
}

function stepInfo(step: StoredStep, isSignalled: boolean): StepInfo {
  const { name, kind = "step", at, endedAt, attempt = 1, result, error, until } = step;
  return {
    name,
    kind,
    state: stateOf(step, isSignalled),
    startedAt: new Date(at),
    endedAt: endedAt === undefined ? null : new Date(endedAt),
    attempt,
    ...(result !== undefined && { result }),
    ...(error && { error }),
    ...(until !== undefined && { until: new Date(until) }),
  };
}

function openState(kind: StepInfo["kind"], isSignalled: boolean): StepInfo["state"] {
  switch (kind) {
    case "step":
      return "retrying";
    case "sleep":
      return "sleeping";
    case "wait":
      return isSignalled ? "signalled" : "waiting";
  }
}

function stateOf({ kind, endedAt, error, hasTimedOut }: StoredStep, isSignalled: boolean): StepInfo["state"] {
  if (endedAt === undefined) return openState(kind ?? "step", isSignalled);
  if (hasTimedOut) return "timedOut";
  return error ? "failed" : "completed";
}
