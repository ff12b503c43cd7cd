import type { AttemptHost } from "../../core/job/inner-options.ts";
import { type MessageJob, storedJob } from "../messages/message-job.ts";
import { Documents } from "../shared/documents.ts";
import { Runs } from "./run-documents.ts";
import { Waits } from "./wait-documents.ts";

/** What is stored of runs, in a delivery as in a request. */
export interface RunStore {
  readonly runs: Runs;
  readonly waits: Waits;
  readonly now: number;
  enqueue(jobs: readonly MessageJob[]): Promise<unknown>;
}

export function runStore(documents: Documents, now: number): Omit<RunStore, "enqueue"> {
  return { runs: new Runs(documents), waits: new Waits(documents), now };
}

export function runStoreOf({ needs }: AttemptHost): RunStore {
  const now = needs.clock();
  return {
    ...runStore(new Documents(needs), now),
    enqueue: async (jobs) => needs.store.enqueue(await Promise.all(jobs.map((job) => storedJob(job, now))), now),
  };
}
