import { bytesOf, MOST_CLAIMED_BYTES } from "../../core/shared/limits.ts";
import { occurrenceJobId } from "../../core/store/occurrence-id.ts";
import type { SchedulePlan } from "../../core/store/schedules.ts";
import * as scores from "../../core/store/score.ts";
import { withSignal } from "../../core/store/signals.ts";
import type {
  ClaimRequest,
  DueSchedule,
  ExchangeReply,
  ExchangeRequest,
  Fire,
  FireReply,
  FollowUpJob,
  Lease,
  LeasedJob,
  Outcome,
  SettleReply,
  SettleRequest,
} from "../../core/store/store.ts";
import { nextClaims, possibleLeases } from "../../core/store/store.ts";
import { addMember, releaseParents, waitForRetried } from "./parents.ts";
import type { Entry } from "./sorted-set.ts";
import type { MemoryState } from "./state.ts";

/** Settles outcomes, fires schedules and claims what is due, as in exchange.lua. */
export function exchange(state: MemoryState, request: ExchangeRequest): ExchangeReply {
  const { now } = request;
  const settled = settle(state, request);
  const fired = request.fire.map((each) => fire(state, each, now));
  state.flowControl.putMarks(now);
  const { jobs: claimedJobs, ...claimed } =
    request.claim && !state.paused ? claim(state, now, request.claim) : { schedules: [], backlog: 0 };
  const { schedules } = claimed;
  state.flowControl.putMarks(now);
  const jobs = claimedJobs?.withRuns() ?? [];
  const handedOut = [...schedules.map(({ key }) => scores.SCHEDULE_MEMBER + key), ...jobs.map(({ lease }) => lease.id)];
  const claims = !state.paused && (request.claim?.limit ?? 0) > 0;
  const nextAt = state.nextDueAt(claims ? now : undefined, new Set(handedOut));
  const pausedJobs = [...state.pausedJobs.values()];
  return { ...settled, paused: state.paused, pausedJobs, nextAt, fired, jobs, ...claimed };
}

/** An outcome counts only if its lease holds. If not, it was settled before, or another invocation holds the job. */
export function settle(state: MemoryState, request: SettleRequest): SettleReply {
  const accepted: Outcome[] = [];
  const woken: string[] = [];
  const settled = request.settle.map((outcome) => settleOne(state, outcome, request, accepted, woken));
  for (const { lease, timing } of accepted)
    if (lease.flow && timing) state.flowControl.touch(lease.flow.key).notePace(Math.round(timing.ranMs));
  for (const job of accepted.flatMap(({ followUps = [] }) => followUps)) addJob(state, job, request.now);
  const parents = accepted.map(({ to, lease }) => {
    if (to !== "completed" && to !== "dead" && to !== "expired") return undefined;
    return state.families.count(lease.id, to === "expired" ? "dropped" : to);
  });
  for (const { to, lease } of accepted)
    if (to === "snoozed" || to === "released") waitForRetried(state, lease.id, request.now);
  releaseParents(state, parents, request.now);
  state.tally.count(accepted, request.now, request.observe === true);
  state.flowControl.putMarks(request.now);
  const watched = request.watch?.map(({ id }) => id) ?? [];
  return { settled, woken, gone: watched.filter((id) => state.due.score(id) === undefined) };
}

function settleOne(
  state: MemoryState,
  outcome: Outcome,
  request: SettleRequest,
  accepted: Outcome[],
  woken: string[],
): boolean {
  const { now, retentionMs, isResend = false } = request;
  const { lease, record } = outcome;
  const score = state.due.score(lease.id);
  if (!possibleLeases(lease).some((each) => score === scores.leaseScore(each))) {
    const isSettled = isResend && wasSettled(state, outcome, retentionMs);
    // Whether it got the signal by the first send or since, it is due.
    if (isSettled && "runAt" in outcome && state.records.get(lease.id) !== record) woken.push(lease.id);
    return isSettled;
  }
  accepted.push(outcome);
  if (lease.flow && lease.claimedAt !== undefined && !outcome.timing)
    state.flowControl.openAndCorrect(lease.flow.key, now).takeBackStart(lease.claimedAt);
  state.signals.end(lease.id, lease.waits);
  if ("runAt" in outcome) {
    const signal = outcome.waits && state.signals.begin(lease.id, outcome.waits, now);
    const held = "held" in outcome && !state.pausedJobs.has(outcome.held?.name ?? "") ? outcome.held : undefined;
    const runAt = signal === undefined ? (held?.dueAt ?? outcome.runAt) : now;
    state.wait(lease.id, scores.againScore({ ...outcome, runAt }));
    state.records.set(lease.id, signal === undefined ? record : withSignal(record, signal));
    if (signal !== undefined) woken.push(lease.id);
    return true;
  }
  const flow = state.flows.get(lease.id);
  state.remove(lease.id);
  switch (outcome.to) {
    case "dead":
      state.addDead(lease.id, outcome, flow);
      return true;
    case "completed":
      if (retentionMs > 0) state.keep(lease.id, record, (outcome.at ?? now) + retentionMs, now);
      return true;
    case "expired":
      return true;
  }
}

/** Whether an earlier request settled the outcome and its reply was lost: then its record is there. */
function wasSettled(state: MemoryState, { to, lease: { id }, record }: Outcome, retentionMs: number): boolean {
  if (to === "dead") return state.deadJobs.get(id)?.record === record;
  if (to === "expired" || (to === "completed" && retentionMs === 0)) return state.due.score(id) === undefined;
  const stored = state.records.get(id) ?? state.done.get(id);
  return stored === record || (to !== "completed" && stored?.startsWith(withSignal(record, "").slice(0, -1)) === true);
}

function fire(
  state: MemoryState,
  { key, occurrence, revision, next, reachMs, record, plan, jobs, unless }: Fire,
  now: number,
): FireReply {
  if (state.due.score(scores.SCHEDULE_MEMBER + key) !== scores.scheduleScore(occurrence, revision)) return "stale";
  const isSkipped = unless !== undefined && state.due.score(unless.id) !== undefined;
  const moved = isSkipped ? { record: unless.skippedRecord } : { record, plan };
  state.putSchedule(key, moved, scores.movedScore(next, reachMs));
  if (isSkipped) return "skipped";
  for (const job of jobs) addJob(state, { ...job, keepsLimits: true }, now);
  return "fired";
}

function addJob(state: MemoryState, job: FollowUpJob, now: number): void {
  if (state.due.score(job.id) === undefined) addMember(state, job, now);
}

function claim(
  state: MemoryState,
  now: number,
  { limit, leaseMs, countBacklog = false, runs, firesDeclared = false }: ClaimRequest,
): Pick<ExchangeReply, "schedules" | "backlog"> & { readonly jobs: ClaimedJobs } {
  const backlog = countBacklog ? Math.max(0, state.due.countBefore(scores.scoreAfter(now)) - limit) : 0;
  const due: DueSchedule[] = [];
  const keysIn = (entries: readonly Entry[]) =>
    entries.flatMap(([member]) =>
      member.startsWith(scores.FLOW_KEY_MEMBER) ? member.slice(scores.FLOW_KEY_MEMBER.length) : [],
    );
  const first = state.due.first(limit).filter(([, score]) => score < scores.scoreAfter(now));
  // A member that is further ahead than this clock allows is due too, among as many members as a claim reads.
  const skewed = limit > 0 ? state.due.first(limit + 2).filter((entry) => scores.isSkewed(...entry, now)) : [];
  const candidates = [...first, ...skewed.slice(0, limit - first.length)];
  for (const key of keysIn(skewed)) state.flowControl.openAndCorrect(key, now);
  const keys = keysIn(candidates);
  const shares = state.flowControl.shares(keys, limit - candidates.length, now, runs);
  const firstOf = new Map([...shares].map(([key, share]) => [key, state.flowControl.first(key, share, now)]));
  const claimed = new ClaimedJobs(state, now, leaseMs);
  for (const [member, score] of candidates) {
    const { at, claims } = scores.unpack(score);
    if (member.startsWith(scores.SCHEDULE_MEMBER)) {
      const key = member.slice(scores.SCHEDULE_MEMBER.length);
      due.push({ key, occurrence: at, revision: claims, ...(state.schedules.get(key) ?? { record: "" }) });
    } else if (member.startsWith(scores.FLOW_KEY_MEMBER)) {
      const key = member.slice(scores.FLOW_KEY_MEMBER.length);
      // Behind a job of the line that this claim has leased, others may wait for its slot.
      for (const [index, id] of (firstOf.get(key) ?? []).entries())
        if (state.flowControl.mayClaim(key, now, index > 0)) claimed.lease(id);
    } else if (state.mayStartAgain(member, now)) {
      claimed.lease(member);
    } else {
      state.wait(member, scores.waitingScore(at, claims));
    }
  }
  const schedules = due.filter((schedule) => !fireByItself(state, schedule, firesDeclared, claimed));
  return { jobs: claimed, schedules, backlog };
}

/** Makes and leases the job of a schedule by its plan. @returns false if the schedule must be handed out. */
function fireByItself(
  state: MemoryState,
  { key, occurrence, plan }: DueSchedule,
  declared: boolean,
  jobs: ClaimedJobs,
) {
  const planned = plan && (declared || !plan.isDeclared) ? plannedFire(plan, occurrence, jobs.now) : undefined;
  if (!plan || !planned) return false;
  const id = occurrenceJobId(key, planned.occurrence);
  if (state.due.score(id) !== undefined) return false;
  const [start, middle, end] = plan.jobRecord;
  const record = `${start}${jobs.now}${middle}${planned.occurrence}${end}`;
  // If the reply has no room for the job, the schedule stays due.
  const reachMs = plan.makesEach ? undefined : planned.next - jobs.now;
  if (jobs.make(id, planned.occurrence, record))
    state.due.set(scores.SCHEDULE_MEMBER + key, scores.movedScore(planned.next, reachMs));
  return true;
}

/** The last occurrence until now, and the one after it. Undefined if the plan does not cover this case. */
function plannedFire(
  { times, makesEach, latestMs = Number.POSITIVE_INFINITY }: SchedulePlan,
  first: number,
  now: number,
) {
  const after = first <= now && times.includes(first) ? times.findIndex((time) => time > now) : -1;
  const [occurrence, next] = [times[after - 1], times[after]];
  if (occurrence === undefined || next === undefined) return undefined;
  if ((makesEach && occurrence !== first) || now - occurrence > latestMs) return undefined;
  return { occurrence, next };
}

/** The jobs that a claim leases: as many as fit into its reply. */
class ClaimedJobs {
  readonly #jobs: LeasedJob[] = [];
  /** How many jobs of each key it claims, and how many of these wait for a slot. */
  readonly #runs = new Map<string, { jobs: number; waiting: number }>();
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

  /** Leases a job that is new. @returns false if it does not fit. */
  make(id: string, runAt: number, record: string): boolean {
    if (!this.#fits(record)) return false;
    this.#state.add(id, record, undefined);
    this.#lease(id, record, scores.waitingScore(runAt), { isFired: true });
    return true;
  }

  lease(id: string): void {
    const record = this.#state.records.get(id) ?? "";
    if (this.#fits(record)) this.#lease(id, record, this.#state.due.score(id) ?? 0);
  }

  #fits(record: string): boolean {
    this.#bytes += bytesOf(record);
    this.#isFull ||= this.#bytes > MOST_CLAIMED_BYTES && this.#jobs.length > 0;
    return !this.#isFull;
  }

  #lease(id: string, record: string, score: number, more: Pick<LeasedJob, "isFired"> = {}): void {
    const state = this.#state;
    const { at: dueAt, claims } = scores.unpack(score);
    const flow = state.flows.get(id);
    const lease: Lease = {
      id,
      claims: nextClaims(claims),
      endsAt: this.now + this.#leaseMs,
      ...(flow && { flow, claimedAt: this.now }),
    };
    const waitsForSlot = state.lease(lease, this.now);
    this.#jobs.push({ lease, record, dueAt, ...more });
    if (!flow) return;
    const run = this.#runs.get(flow.key) ?? { jobs: 0, waiting: 0 };
    this.#runs.set(flow.key, { jobs: run.jobs + 1, waiting: run.waiting + Number(waitsForSlot) });
  }

  withRuns(): readonly LeasedJob[] {
    const runs = new Map(
      [...this.#runs].map(([key, { jobs, waiting }]) => {
        const slots = waiting > 0 ? jobs - waiting : undefined;
        return [key, this.#state.flowControl.runOf(key, slots, this.now)];
      }),
    );
    return this.#jobs.map((job) => {
      const run = runs.get(job.lease.flow?.key ?? "");
      if (!run) return job;
      return { ...job, run, lease: { ...job.lease, ...(run.slots !== undefined && { isOfRun: true }) } };
    });
  }
}
