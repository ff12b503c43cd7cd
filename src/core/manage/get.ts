import { type HeldBack, heldBack } from "../flow/held-back.ts";
import { LONGEST_ID } from "../job/options.ts";
import { conflict, notFound } from "../shared/errors.ts";
import { checkText } from "../shared/validate.ts";
import type { StoredJob } from "../store/store.ts";
import { type JobInfo, jobInfo } from "./job-info.ts";
import type { ManageNeeds } from "./needs.ts";

/** Reads a job in any state; null if no job has the id. */
export async function getJob(needs: ManageNeeds, id: string): Promise<JobInfo | null> {
  checkText(id, "id", LONGEST_ID);
  const { queue, jobs, clock, reader } = needs;
  const now = clock();
  const stored = await reader.find(id, now);
  const info = stored && jobInfo(stored, queue, jobs, now);
  const held = info && (await heldBackNow(needs, stored, now));
  return held ? { ...info, heldBack: held } : (info ?? null);
}

/** Why a job that is due does not run yet, if its flow control key is the reason. */
async function heldBackNow({ reader }: ManageNeeds, stored: StoredJob, now: number): Promise<HeldBack | undefined> {
  if (stored.state !== "ready" || !stored.flow) return undefined;
  const key = await reader.findFlow(stored.flow.key, now);
  return key && heldBack(stored, key, now);
}

/** Reads a job that must be waiting. @throws {TidegateError} `not_found`; `conflict` if it is running or has finished. */
export async function getWaitingJob({ queue, jobs, store }: ManageNeeds, id: string, now: number): Promise<StoredJob> {
  const stored = await store.find(id, now);
  const isGone = stored?.state === "completed" && !jobInfo(stored, queue, jobs, now);
  if (!stored || isGone) throw notFound(`No job has the id "${id}".`);
  if (stored.state !== "scheduled" && stored.state !== "ready")
    throw conflict(`Job "${id}" does not wait: it is ${stored.state}.`);
  return stored;
}
