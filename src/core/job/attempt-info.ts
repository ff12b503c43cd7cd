import type { Outcome } from "../store/store.ts";
import type { JobContext } from "./define.ts";
import type { AttemptError } from "./record.ts";

/** Which attempt of which job. */
export type AttemptInfo = Pick<JobContext, "queue" | "id" | "name" | "attempt" | "maxRetries">;

/** What became of an attempt; where it failed, with what was thrown, itself, and as the job remembers it. */
export type AttemptOutcome = Outcome & { readonly thrown?: unknown; readonly failure?: AttemptError };
