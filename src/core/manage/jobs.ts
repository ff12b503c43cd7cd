import type { QueueContext } from "../enqueue/context.ts";
import { checkFits, type EnqueueFields, runAtMs } from "../enqueue/new-job.ts";
import { heldBack } from "../flow/flow-key.ts";
import { correctionRefusal } from "../job/inner-options.ts";
import { LONGEST_ID } from "../job/options.ts";
import { encodeRecord, mustBeOpen, readRecord, withPayload, withReturnedClaim } from "../job/record.ts";
import { conflict, notFound } from "../shared/errors.ts";
import { asJson, written } from "../shared/json.ts";
import { anything, described, duration, flag, optionsOf, time, word } from "../shared/schema.ts";
import { checkText } from "../shared/validate.ts";
import { movedTime } from "../store/score.ts";
import { type ClearableState, clearableStates, nextClaims, type StoredJob } from "../store/store.ts";
import { type JobInfo, jobInfo, waitsForChildren } from "./job-info.ts";
import { foundPieces } from "./pages.ts";

/** What `update` changes in a waiting job. */
export interface JobChange extends Pick<EnqueueFields, "delay" | "runAt"> {
  /** Replaces the stored payload. It must fit the schema. */
  readonly payload?: unknown;
}

export const changeOptions = optionsOf<JobChange>("update", { delay: duration, runAt: time, payload: anything });

/** Which jobs to cancel. */
export interface CancelOptions {
  /** Whether to cancel the job even if it is running. Default false. */
  readonly running?: boolean | undefined;
}

export const cancelOptions = optionsOf<CancelOptions>("cancel", {
  running: described(flag, "Whether to cancel the job even if it is running. Default false."),
});

/** Which jobs to clear. */
export interface ClearOptions {
  /** Their state. Default "pending". */
  readonly state?: ClearableState | undefined;
}

export const clearOptions = optionsOf<ClearOptions>("clear", {
  state: word(clearableStates),
});

export async function getJob(needs: QueueContext, id: string): Promise<JobInfo | null> {
  const now = needs.clock();
  const { stored, info } = await findJob(needs, id, now);
  const key = stored?.state === "ready" && stored.flow && (await needs.store.findFlow(stored.flow.key, now));
  const held = key && heldBack(stored, key, now);
  return held && info ? { ...info, heldBack: held } : (info ?? null);
}

/** Reads a job as `getJob` does, in one request: without what holds it back. */
export async function readJob(needs: QueueContext, id: string): Promise<JobInfo | null> {
  return (await findJob(needs, id, needs.clock())).info ?? null;
}

/** Reads jobs in any state, as `readJob` does: one request, more if they are large. Leaves out those that are gone. */
export async function readJobs(needs: QueueContext, ids: readonly string[]): Promise<readonly JobInfo[]> {
  const now = needs.clock();
  const jobs: JobInfo[] = [];
  for await (const found of foundPieces(needs.store, ids, now))
    jobs.push(...found.flatMap((job): JobInfo | [] => jobInfo(job, needs, now) ?? []));
  return jobs;
}

async function findJob(needs: QueueContext, id: string, now: number) {
  checkText(id, "id", LONGEST_ID);
  const stored = await needs.store.find(id, now);
  return { stored, info: stored && jobInfo(stored, needs, now) };
}

/** @throws {TidegateError} `not_found` */
export async function existingJob(needs: QueueContext, id: string, now: number): Promise<StoredJob> {
  const { stored, info } = await findJob(needs, id, now);
  if (!stored || !info) throw notFound(`No job has the id "${id}".`);
  return stored;
}

async function getWaitingJob(needs: QueueContext, id: string, now: number): Promise<StoredJob> {
  const stored = await existingJob(needs, id, now);
  if (stored.state !== "scheduled" && stored.state !== "ready")
    throw conflict(`Job "${id}" does not wait: it is ${stored.state}.`);
  return stored;
}

export async function updateJob(needs: QueueContext, id: string, change: JobChange): Promise<JobInfo> {
  const { clock, noteDue } = needs;
  const now = clock();
  const snapshot = readChange(change);
  const tryOnce = async () => storeChange(needs, await getWaitingJob(needs, id, now), snapshot, now);
  // A new time undoes no payload that another caller has stored meanwhile, so it is tried once more.
  const changed = (await tryOnce()) ?? ("payload" in snapshot ? undefined : await tryOnce());
  if (!changed) throw conflict(`Job "${id}" changed at the same time. Read it again.`);
  if (!waitsForChildren(changed)) await noteDue(changed.at);
  return jobInfo(changed, needs, now) as JobInfo;
}

/** Copies the change, so that later changes by the caller do not count. */
function readChange(given: JobChange): JobChange {
  const change = changeOptions.read(given);
  return "payload" in change ? { ...change, payload: asJson(change.payload, "payload") } : { ...change };
}

async function storeChange(
  { store, definitions }: QueueContext,
  stored: StoredJob,
  change: JobChange,
  now: number,
): Promise<StoredJob | undefined> {
  const { id, at } = stored;
  const isMoved = change.runAt !== undefined || change.delay !== undefined;
  const movedTo = isMoved ? runAtMs(change, now) : undefined;
  const runAt = movedTo === undefined ? at : movedTime(movedTo, at, now);
  const before = readRecord(stored);
  // An unchanged record is not sent: another caller may have changed the payload meanwhile.
  const isRewritten = "payload" in change;
  // A new payload counts as a claim that came back: if this request arrives again after another change, it finds
  // another claim count.
  const claims = isRewritten ? nextClaims(stored.claims) : stored.claims;
  const record = isRewritten
    ? written("payload", () => encodeRecord(withReturnedClaim(withPayload(before, change.payload))))
    : undefined;
  const definition = definitions.get(before.name);
  const refusal = correctionRefusal(before.name, definition, before.payload, change);
  if (refusal) throw refusal;
  if (isRewritten) {
    mustBeOpen(stored);
    await checkFits(before.name, definition, change.payload);
  }
  const from = { at, claims: stored.claims };
  if (!(await store.change({ id, from, runAt, claims, record, flow: stored.flow }))) return undefined;
  const changed = { ...stored, claims, record: record ?? stored.record };
  return waitsForChildren(stored) ? changed : { ...changed, at: runAt, state: runAt <= now ? "ready" : "scheduled" };
}

export async function cancelJob(needs: QueueContext, id: string, options: CancelOptions): Promise<void> {
  checkText(id, "id", LONGEST_ID);
  const { running = false } = cancelOptions.read(options);
  const now = needs.clock();
  const [status] = await needs.store.cancel([id], now, running);
  if (status === "running") throw conflict(`Job "${id}" is running. To stop it, cancel it with { running: true }.`);
  if (status === "missing") await getWaitingJob(needs, id, now);
  // The next job of its flow control key may be due now, or its parent.
  await needs.noteAnythingDue();
}

export async function clearJobs(needs: QueueContext, options: ClearOptions): Promise<number> {
  const { state = "pending" } = clearOptions.read(options);
  const { store } = needs;
  const now = needs.clock();
  let total = 0;
  let from: string | undefined;
  do {
    const { cleared, next } = await store.clear(state, now, from);
    total += cleared;
    from = next;
  } while (from !== undefined);
  if (total > 0 && state !== "completed") await needs.noteAnythingDue();
  return total;
}
