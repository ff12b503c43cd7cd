import { bytesOf, MOST_CLAIMED_BYTES } from "../../core/shared/limits.ts";
import {
  CLAIM_CYCLE,
  type ClaimRequest,
  type DueSchedule,
  type ExchangeReply,
  type ExchangeRequest,
  type Fire,
  type FireReply,
  type LeasedJob,
  type Outcome,
  type SettleRequest,
} from "../../core/store/store.ts";
import {
  againScore,
  leaseScore,
  SCHEDULE_MEMBER,
  scoreAfter,
  slotScore,
  unpack,
  waitingScore,
} from "../redis/score.ts";
import { isJob, type MemoryState } from "./state.ts";

/** Settles outcomes, fires schedules and claims what is due: the same three steps as in exchange.lua. */
export function exchange(state: MemoryState, request: ExchangeRequest): ExchangeReply {
  const settled = settle(state, request);
  const fired = request.fire.map((each) => fire(state, each));
  const { jobs, schedules, left } =
    request.claim && !state.paused ? claim(state, request.now, request.claim) : { jobs: [], schedules: [], left: 0 };
  const taken = [...schedules.map(({ key }) => SCHEDULE_MEMBER + key), ...jobs.map(({ lease }) => lease.id)];
  return { paused: state.paused, nextAt: state.nextAt(new Set(taken)), left, settled, fired, jobs, schedules };
}

/** An outcome counts only if its lease holds: else it was settled before, or another invocation holds the job. */
export function settle(state: MemoryState, request: SettleRequest): readonly boolean[] {
  const accepted: Outcome[] = [];
  const settled = request.settle.map((outcome) => settleOne(state, outcome, request, accepted));
  state.tally.count(accepted, request.now);
  return settled;
}

function settleOne(state: MemoryState, outcome: Outcome, request: SettleRequest, accepted: Outcome[]): boolean {
  const { now, retentionMs, isResend = false } = request;
  const { lease, record } = outcome;
  if (state.due.score(lease.id) !== leaseScore(lease)) return isResend && wasSettled(state, outcome, retentionMs);
  accepted.push(outcome);
  if ("runAt" in outcome) {
    state.put(lease.id, againScore(outcome), record);
    if (outcome.to === "retried") state.counters.retried++;
    return true;
  }
  state.remove(lease.id);
  if (outcome.to === "dead") {
    state.dead.set(lease.id, outcome.at);
    state.deadRecords.set(lease.id, record);
  } else {
    state.counters.processed++;
    if (retentionMs > 0) state.done.set(lease.id, { record, expiresAt: now + retentionMs });
  }
  return true;
}

/** An earlier request, whose answer was lost, may have settled it: then what that one wrote is there. */
function wasSettled(state: MemoryState, { to, lease, record }: Outcome, retentionMs: number): boolean {
  if (to === "dead") return state.deadRecords.get(lease.id) === record;
  if (to !== "completed") return state.records.get(lease.id) === record;
  if (retentionMs === 0) return state.due.score(lease.id) === undefined;
  return state.done.get(lease.id)?.record === record;
}

function fire(state: MemoryState, { key, slot, revision, next, record, jobs, unless }: Fire): FireReply {
  if (state.due.score(SCHEDULE_MEMBER + key) !== slotScore(slot, revision)) return "stale";
  const isSkipped = unless !== undefined && state.due.score(unless.id) !== undefined;
  state.putSchedule(key, isSkipped ? unless.skippedRecord : record, slotScore(next));
  if (isSkipped) return "skipped";
  for (const job of jobs) {
    if (state.due.score(job.id) === undefined) state.put(job.id, waitingScore(job.runAt), job.record);
  }
  return "fired";
}

function claim(
  state: MemoryState,
  now: number,
  { limit, leaseMs, countLeft = false }: ClaimRequest,
): Pick<ExchangeReply, "jobs" | "schedules" | "left"> {
  const left = countLeft ? Math.max(0, countDue(state, now) - limit) : 0;
  const jobs: LeasedJob[] = [];
  const schedules: DueSchedule[] = [];
  let bytes = 0;
  for (const [member, score] of firstDue(state, now, limit)) {
    const { at, claims } = unpack(score);
    if (!isJob(member)) {
      const key = member.slice(SCHEDULE_MEMBER.length);
      schedules.push({ key, slot: at, revision: claims, record: state.schedules.get(key) ?? "" });
      continue;
    }
    const record = state.records.get(member) ?? "";
    bytes += bytesOf(record);
    if (bytes > MOST_CLAIMED_BYTES && jobs.length > 0) break;
    const lease = { id: member, claims: (claims + 1) % CLAIM_CYCLE, endsAt: now + leaseMs };
    state.due.set(member, leaseScore(lease));
    jobs.push({ lease, record, dueAt: at });
  }
  return { jobs, schedules, left };
}

function countDue(state: MemoryState, now: number): number {
  let due = 0;
  for (const [, score] of state.due.from(0)) {
    if (score >= scoreAfter(now)) break;
    due++;
  }
  return due;
}

function firstDue(state: MemoryState, now: number, limit: number): readonly (readonly [string, number])[] {
  const first: (readonly [string, number])[] = [];
  for (const entry of state.due.from(0)) {
    if (first.length === limit || entry[1] >= scoreAfter(now)) break;
    first.push(entry);
  }
  return first;
}
