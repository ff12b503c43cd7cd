import type { Clock } from "../shared/clock.ts";
import type { FollowUpJob, Outcome, QueueStore } from "../store/store.ts";
import type { JobContext } from "./define.ts";
import type { AttemptError, JobRecord } from "./record.ts";

/** Identifies an attempt. */
export type AttemptInfo = Pick<JobContext, "queue" | "id" | "name" | "attempt" | "maxRetries">;

/** The outcome of an attempt. If it failed, with the thrown value and the failure as it is stored. */
export type AttemptOutcome = Outcome & { readonly thrown?: unknown; readonly failure?: AttemptError };

/** An attempt that has ended, or a job that is released without one. */
export interface SettledAttempt {
  readonly job: { readonly info: AttemptInfo; readonly dueAt: number };
  readonly outcome: AttemptOutcome;
}

/** What an attempt offers Tidegate's own jobs, beyond what every handler sees. */
export interface AttemptHost {
  readonly needs: { readonly clock: Clock; readonly store: QueueStore };
  readonly job: { readonly record: JobRecord };
  /** Stores progress with the outcome, which costs no command. Does nothing if it is too large to be stored. */
  keepProgress(value: unknown): void;
}

/** The end of a job: it has completed, or is dead for whatever reason. */
export interface JobEnding {
  readonly id: string;
  readonly attempts: number;
  readonly maxRetries: number;
  /** Why it is dead. Default: it has completed. */
  readonly failure?: string;
}

/**
 * Returns the jobs to make when a job ends. They are stored with its outcome: all of them, or none. It gets the attempt
 * as the handler did, but with the payload as it is stored. It is called even if the handler never was. If it throws
 * because the store is unavailable, the job ends again a second later; after any other error, no jobs are made.
 */
export type FollowUps = (ending: JobEnding, host: AttemptHost) => Promise<readonly FollowUpJob[]>;
