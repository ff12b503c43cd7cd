import type { AnyJob } from "../job/define.ts";
import type { FollowUpJob } from "../store/store.ts";
import type { AttemptHost } from "./context.ts";

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

// In the registry of symbols, so that a copy of the package finds it in a definition of another copy. No option can
// have the name.
const key = Symbol.for("tidegate.followUps");

/** Adds to the options of a definition what its jobs make when they end. */
export function withFollowUps<Options extends object>(options: Options, followUps: FollowUps): Options {
  return { ...options, [key]: followUps };
}

/** What the jobs of a definition make when they end, if anything. */
export function followUpsOf(definition: AnyJob | undefined): FollowUps | undefined {
  return (definition as { readonly [key]?: FollowUps } | undefined)?.[key];
}
