import type { Outcome } from "../store/store.ts";
import type { JobContext } from "./define.ts";
import type { AttemptError } from "./record.ts";

/** Identifies an attempt. */
export type AttemptInfo = Pick<JobContext, "queue" | "id" | "name" | "attempt" | "maxRetries">;

/** The outcome of an attempt. If it failed, with the thrown value and the failure as it is stored. */
export type AttemptOutcome = Outcome & {
  readonly dueAt: number;
  readonly thrown?: unknown;
  readonly failure?: AttemptError;
};

/** An attempt that has ended, or a job that is released without one. */
export interface SettledAttempt {
  readonly job: { readonly info: AttemptInfo };
  readonly outcome: AttemptOutcome;
}
