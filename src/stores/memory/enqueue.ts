import { returnsOf, withReturns } from "../../core/store/returns.ts";
import { unpack, waitingScore } from "../../core/store/score.ts";
import type { EnqueueReply, Lease, NewJob } from "../../core/store/store.ts";
import type { MemoryState } from "./state.ts";

interface Entry {
  readonly id: string;
  /** The last job of the call for this id. */
  job: NewJob;
  readonly claims: number;
  /** Whether it existed before the call. */
  readonly replaces: boolean;
  lease?: Lease | undefined;
}

/** Stores new jobs, all or none: it first decides what becomes of each, then stores them all, as in enqueue.lua. */
export function enqueue(state: MemoryState, jobs: readonly NewJob[], now: number): readonly EnqueueReply[] {
  const entries = new Map<string, Entry>();
  const { due, windows } = state;
  const exists = (id: string) => entries.has(id) || state.exists(id, now);
  const isLive = (id: string) => entries.has(id) || due.score(id) !== undefined;

  const enter = (entry: Entry, status: "enqueued" | "replaced") => {
    const { id, job } = entry;
    entries.set(id, entry);
    return (): EnqueueReply => ({ status, id, runAt: job.runAt, lease: entry.job === job ? entry.lease : undefined });
  };

  const duplicate = (id: string) => (): EnqueueReply => {
    const score = due.score(id);
    // A job that waits for its children has no run time.
    const position = score === undefined || state.families.waiting.has(id) ? undefined : unpack(score);
    return { status: "duplicate", id, runAt: position?.isLeased ? undefined : position?.at, lease: undefined };
  };

  const replaceOrLeave = (job: NewJob, id: string): (() => EnqueueReply) => {
    const beginning = job.dedupe?.replaces;
    if (beginning === undefined) return duplicate(id);
    const entry = entries.get(id);
    if (entry) {
      if (!canBeReplaced(entry.job.record, 0, beginning)) return duplicate(id);
      // Under another key it joins the end of another line.
      if (entry.job.flow?.key !== job.flow?.key) entries.delete(id);
      entry.job = job;
      return enter(entry, "replaced");
    }
    const score = due.score(id);
    const record = state.records.get(id) ?? "";
    if (score === undefined) return duplicate(id);
    const { at, claims, isLeased } = unpack(score);
    if (isLeased || !canBeReplaced(record, claims, beginning)) return duplicate(id);
    // A duplicated request changes nothing the second time.
    const isSame = record === withReturns(job.record, claims) && at === job.runAt;
    if (isSame && state.flows.get(id)?.key === job.flow?.key)
      return () => ({ status: "replaced", id, runAt: job.runAt, lease: undefined });
    return enter({ id, job, claims, replaces: true }, "replaced");
  };

  const replies = jobs.map((job) => {
    const { id, isFreshId, dedupe } = job;
    if (isFreshId ? isLive(id) : exists(id)) return duplicate(id);
    const window = dedupe && windows.get(dedupe.key);
    if (window && window.endsAt > now && exists(window.id)) return replaceOrLeave(job, window.id);
    if (dedupe) windows.set(dedupe.key, { endsAt: now + dedupe.ttlMs, id });
    return enter({ id, job, claims: 0, replaces: false }, "enqueued");
  });
  for (const entry of entries.values()) place(state, entry, now);
  state.flowControl.putMarks(now);
  return replies.map((reply) => reply());
}

function place(state: MemoryState, entry: Entry, now: number): void {
  const { id, job, claims, replaces } = entry;
  const { flowControl, flows, paused, pausedJobs } = state;
  const old = flows.get(id);
  // Under the same key it keeps its position in the order.
  const order = old?.key === job.flow?.key ? old?.order : undefined;
  const flow = job.flow && flowControl.join(job.flow, !job.keepsLimits, now, order);
  // Earlier claims stay counted, so that no lease is given twice.
  const record = withReturns(job.record, claims);
  if (replaces) state.replace(id, record, flow);
  else state.add(id, record, flow);
  const isFree = !paused && pausedJobs.size === 0 && claims === 0 && (!flow || flowControl.isFree(flow, now));
  const endsAt = isFree ? job.leaseEndsAt : undefined;
  if (endsAt !== undefined) {
    entry.lease = { id, claims: 1, endsAt, ...(flow && { flow, claimedAt: now }) };
    state.lease(entry.lease, now);
  } else state.wait(id, waitingScore(job.runAt, claims));
}

/** Whether a job can be replaced: it has never begun, and its record begins so after the digit of its version. */
function canBeReplaced(record: string, claims: number, beginning: string): boolean {
  return record.startsWith(beginning, 1) && claims === returnsOf(record);
}
