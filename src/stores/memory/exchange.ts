import { bytesOf, MOST_CLAIMED_BYTES } from "../../core/shared/limits.ts";
import {
  CLAIM_CYCLE,
  type ClaimRequest,
  type DueSchedule,
  type ExchangeReply,
  type ExchangeRequest,
  type Fire,
  type FiredJob,
  type FireReply,
  type Lease,
  type LeasedJob,
  type Outcome,
  type SettleRequest,
} from "../../core/store/store.ts";
import {
  againScore,
  LANE_MEMBER,
  leaseScore,
  SCHEDULE_MEMBER,
  scheduleScore,
  scoreAfter,
  unpack,
  waitingScore,
} from "../redis/score.ts";
import type { MemoryState } from "./state.ts";

/** Settles outcomes, fires schedules and claims what is due: the same three steps as in exchange.lua. */
export function exchange(state: MemoryState, request: ExchangeRequest): ExchangeReply {
  const { now } = request;
  const settled = settle(state, request);
  const fired = request.fire.map((each) => fire(state, each, now));
  state.lanes.putMarks(now);
  const { jobs, schedules, left } =
    request.claim && !state.paused ? claim(state, now, request.claim) : { jobs: [], schedules: [], left: 0 };
  state.lanes.putMarks(now);
  const taken = [...schedules.map(({ key }) => SCHEDULE_MEMBER + key), ...jobs.map(({ lease }) => lease.id)];
  return { paused: state.paused, nextAt: state.nextAt(new Set(taken)), left, settled, fired, jobs, schedules };
}

/** An outcome counts only if its lease holds: else it was settled before, or another invocation holds the job. */
export function settle(state: MemoryState, request: SettleRequest): readonly boolean[] {
  const accepted: Outcome[] = [];
  const settled = request.settle.map((outcome) => settleOne(state, outcome, request, accepted));
  state.tally.count(accepted, request.now);
  state.lanes.putMarks(request.now);
  return settled;
}

function settleOne(state: MemoryState, outcome: Outcome, request: SettleRequest, accepted: Outcome[]): boolean {
  const { now, retentionMs, isResend = false } = request;
  const { lease, record } = outcome;
  if (state.due.score(lease.id) !== leaseScore(lease)) return isResend && wasSettled(state, outcome, retentionMs);
  accepted.push(outcome);
  for (const job of outcome.followUps ?? []) addJob(state, job, now);
  if ("runAt" in outcome) {
    state.wait(lease.id, againScore(outcome));
    state.records.set(lease.id, record);
    if (outcome.to === "retried") state.counters.retried++;
    return true;
  }
  const flow = state.flows.get(lease.id);
  state.remove(lease.id);
  if (outcome.to === "dead") {
    state.addDead(lease.id, outcome.at, record, flow);
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

function fire(
  state: MemoryState,
  { key, occurrence, revision, next, record, jobs, unless }: Fire,
  now: number,
): FireReply {
  if (state.due.score(SCHEDULE_MEMBER + key) !== scheduleScore(occurrence, revision)) return "stale";
  const isSkipped = unless !== undefined && state.due.score(unless.id) !== undefined;
  state.putSchedule(key, isSkipped ? unless.skippedRecord : record, scheduleScore(next));
  if (isSkipped) return "skipped";
  for (const job of jobs) addJob(state, job, now);
  return "fired";
}

/** Makes a job, unless a live one has its id. */
function addJob(state: MemoryState, { id, runAt, record, flow }: FiredJob, now: number): void {
  if (state.due.score(id) !== undefined) return;
  state.add(id, record, flow && state.lanes.join(flow, false, now));
  state.wait(id, waitingScore(runAt));
}

function claim(
  state: MemoryState,
  now: number,
  { limit, leaseMs, countLeft = false }: ClaimRequest,
): Pick<ExchangeReply, "jobs" | "schedules" | "left"> {
  const left = countLeft ? Math.max(0, countDue(state, now) - limit) : 0;
  const schedules: DueSchedule[] = [];
  const met = firstDue(state, now, limit);
  const keys = met.flatMap(([member]) => (member.startsWith(LANE_MEMBER) ? member.slice(LANE_MEMBER.length) : []));
  const shares = state.lanes.shares(keys, limit - met.length, now);
  const taken = new Taken(state, now, leaseMs);
  for (const [member, score] of met) {
    const { at, claims } = unpack(score);
    if (member.startsWith(SCHEDULE_MEMBER)) {
      const key = member.slice(SCHEDULE_MEMBER.length);
      schedules.push({ key, occurrence: at, revision: claims, record: state.schedules.get(key) ?? "" });
    } else if (member.startsWith(LANE_MEMBER)) {
      takeFromLane(state, member.slice(LANE_MEMBER.length), shares, taken);
    } else if (state.mayStartAgain(member, now)) {
      taken.take(member);
    } else {
      state.wait(member, waitingScore(at, claims));
    }
  }
  return { jobs: taken.jobs, schedules, left };
}

function takeFromLane(state: MemoryState, key: string, shares: ReadonlyMap<string, number>, taken: Taken): void {
  for (let share = shares.get(key) ?? 0; share > 0; share--) {
    const id = state.lanes.next(key, taken.now);
    if (id === undefined) return;
    taken.take(id);
  }
}

/** The jobs that a claim takes, as many as fit into its answer. */
class Taken {
  readonly jobs: LeasedJob[] = [];
  readonly now: number;
  readonly #state: MemoryState;
  readonly #leaseMs: number;
  #bytes = 0;
  #isFull = false;

  constructor(state: MemoryState, now: number, leaseMs: number) {
    this.#state = state;
    this.now = now;
    this.#leaseMs = leaseMs;
  }

  take(id: string): void {
    const state = this.#state;
    const record = state.records.get(id) ?? "";
    this.#bytes += bytesOf(record);
    this.#isFull ||= this.#bytes > MOST_CLAIMED_BYTES && this.jobs.length > 0;
    if (this.#isFull) return;
    const { at: dueAt, claims } = unpack(state.due.score(id) ?? 0);
    const flow = state.flows.get(id);
    const lease: Lease = {
      id,
      claims: (claims + 1) % CLAIM_CYCLE,
      endsAt: this.now + this.#leaseMs,
      ...(flow && { flow }),
    };
    state.lease(lease, this.now);
    this.jobs.push({ lease, record, dueAt });
  }
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
