import { checkFits, type EnqueueOptions, runAtMs } from "../enqueue/new-job.ts";
import { correctionRefusal } from "../job/of-interface.ts";
import { LONGEST_ID } from "../job/options.ts";
import { encodeRecord, readRecord } from "../job/record.ts";
import { conflict } from "../shared/errors.ts";
import { asJson, written } from "../shared/json.ts";
import { anything, duration, optionsOf, time } from "../shared/schema.ts";
import { checkText } from "../shared/validate.ts";
import type { StoredJob } from "../store/store.ts";
import { getWaitingJob } from "./get.ts";
import { type JobInfo, jobInfo } from "./job-info.ts";
import type { ManageRuntime } from "./runtime.ts";

/** What `update` changes of a waiting job. */
export interface JobChange extends Pick<EnqueueOptions, "delay" | "runAt"> {
  /** Replaces the stored payload. It must fit the schema. */
  readonly payload?: unknown;
}

export const changeOptions = optionsOf<JobChange>("update", { delay: duration, runAt: time, payload: anything });

/** Changes a waiting job. @throws as `Queue.update` */
export async function updateJob(runtime: ManageRuntime, id: string, change: JobChange): Promise<JobInfo> {
  checkText(id, "id", LONGEST_ID);
  const { queue, jobs, clock, noteDue } = runtime;
  const now = clock();
  const snapshot = readChange(change);
  const changed = await storeChange(runtime, await getWaitingJob(runtime, id, now), snapshot, now);
  noteDue(changed.at);
  return jobInfo(changed, queue, jobs, now) as JobInfo;
}

/** A copy of the change: what the caller modifies later does not count. @throws {TidegateError} `invalid_request`, `payload_too_large` */
function readChange(given: JobChange): JobChange {
  const change = changeOptions.read(given);
  return "payload" in change ? { ...change, payload: asJson(change.payload, "payload") } : { ...change };
}

async function storeChange(
  { store, jobs }: ManageRuntime,
  stored: StoredJob,
  change: JobChange,
  now: number,
): Promise<StoredJob> {
  const { id, at, claims } = stored;
  const isMoved = change.runAt !== undefined || change.delay !== undefined;
  const runAt = isMoved ? runAtMs(change, now) : at;
  const before = readRecord(stored);
  // A record that does not change is not sent: another caller may have changed the payload meanwhile.
  const record =
    "payload" in change ? written("payload", () => encodeRecord({ ...before, payload: change.payload })) : undefined;
  const definition = jobs.get(before.name);
  const refusal = correctionRefusal(before.name, definition, before.payload, change);
  if (refusal) throw refusal;
  if ("payload" in change) await checkFits(before.name, definition, change.payload);
  if (!(await store.change({ id, from: { at, claims }, runAt, record, flow: stored.flow }))) {
    throw conflict(`Job "${id}" changed at the same time. Look at it again.`);
  }
  return { ...stored, at: runAt, record: record ?? stored.record, state: runAt <= now ? "ready" : "scheduled" };
}
