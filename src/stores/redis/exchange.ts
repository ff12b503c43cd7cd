import { MOST_CLAIMED_BYTES } from "../../core/shared/limits.ts";
import { tenthsOf } from "../../core/store/flow.ts";
import { movedScore, scheduleScore, unpack, waitingScore } from "../../core/store/score.ts";
import {
  type ClaimRequest,
  type ExchangeReply,
  type ExchangeRequest,
  type Fire,
  type FiredJob,
  type LeasedJob,
  nextClaims,
  type QueueStore,
  type Run,
} from "../../core/store/store.ts";
import type { Caller } from "./caller.ts";
import { escaped, newFlowText, readFlow } from "./flow.ts";
import { metricArguments, settledArguments, toSend, waitRows } from "./outcomes.ts";
import { readPausedJobs, timeOf } from "./peek.ts";
import { readPlan, withPlan } from "./schedules.ts";
import * as scripts from "./scripts.generated.ts";

/** Claims nothing: exchange.lua only reads what is due next. */
const NO_CLAIM: ClaimRequest = { limit: 0, leaseMs: 0 };
/** Claims nothing, and does not even read what is due next. */
const NO_READ: ClaimRequest = { limit: -1, leaseMs: 0 };
/** How exchange.lua marks a job that the claim has made. */
const MADE = " made:";
/** How many leases an exchange watches at most: more would take a command. */
const MOST_WATCHED = 100;
// What exchange.lua says of an outcome, if it has not accepted it, and if a kept signal has woken its job.
const REFUSED = 0;
const WOKEN = 2;

export function exchangeCalls(caller: Caller) {
  return {
    async settle(request) {
      const { settled, woken, gone } = await exchange(caller, { ...request, fire: [] }, NO_READ);
      return { settled, woken, gone };
    },
    exchange: (request) => exchange(caller, request, request.claim ?? NO_CLAIM),
  } satisfies Partial<QueueStore>;
}

async function exchange(
  caller: Caller,
  request: ExchangeRequest,
  { limit, leaseMs, countBacklog = false, runs, firesDeclared = false }: ClaimRequest,
): Promise<ExchangeReply> {
  const { now, settle, fire, retentionMs, observe = false, watch = [], isResend = false, resendPauseMs } = request;
  const { sent, acceptedBy } = toSend(settle);
  const args = {
    ...{ now, nonce: caller.newNonce(), retentionMs, limit, countBacklog, leaseMs, firesDeclared },
    bytesLeft: MOST_CLAIMED_BYTES,
    ...{ runMs: runs?.ms, usualPace: runs?.jobMs && tenthsOf(runs.jobMs), mostStartable: runs?.startable },
    ...settledArguments(sent, now, retentionMs),
    ...metricArguments(sent, observe, now),
    watched: settle.length > 0 ? watch.slice(0, MOST_WATCHED).map(({ id }) => id) : [],
    waits: waitRows(sent),
    fires: fire.map(firedRow),
    firedJobs: fire.flatMap(({ jobs }, index) => jobs.map((job) => firedJobRow(job, index + 1))),
  };
  const withResend = (isSentAgain: boolean) => ({ ...args, resend: isResend || isSentAgain });
  const reply = await caller.send(scripts.exchange, withResend, resendPauseMs);
  const { paused, pausedJobs, nextScore, backlog, evicted, settled, fired, claimed, claimedAgain, gone, dueSchedules } =
    reply;
  const runsByKey = new Map(reply.runs.map(({ key, endsAt, ...run }) => [`${key}:${endsAt}`, run]));
  return {
    paused,
    pausedJobs: pausedJobs.map(readPausedJobs),
    nextAt: timeOf(nextScore),
    backlog,
    ...(evicted > 0 && { evicted }),
    settled: acceptedBy(settled.map((accepted) => accepted !== REFUSED)),
    woken: sent.flatMap(({ lease }, place) => (settled[place] === WOKEN ? lease.id : [])),
    fired,
    jobs: claimed.map((job, index) => leasedJob(job, now, now + leaseMs, claimedAgain[index], runsByKey)),
    schedules: dueSchedules.map(({ key, score, record }) => {
      const { at: occurrence, claims: revision } = unpack(score);
      return { key, occurrence, revision, ...readPlan(record) };
    }),
    gone,
  };
}

function firedRow(fire: Fire) {
  const { key, occurrence, revision = 0, next, reachMs, unless } = fire;
  const scores = { occurrence: scheduleScore(occurrence, revision), next: movedScore(next, reachMs) };
  return { key, ...scores, record: withPlan(fire), unless: unless?.id ?? "", skipped: unless?.skippedRecord ?? "" };
}

/** @param fire the number of its schedule, from 1. */
function firedJobRow({ id, runAt, record, flow }: FiredJob, fire: number) {
  return { fire, id, score: waitingScore(runAt), record, flow: newFlowText(flow, true) };
}

/** @param newScore the score of the lease, if an earlier send has claimed the job. */
function leasedJob(
  { name, record: stored, score }: { readonly name: string; readonly record: string; readonly score: number },
  now: number,
  leaseEndsAt: number,
  newScore: number | undefined,
  runs: ReadonlyMap<string, Run>,
): LeasedJob {
  const { record, flow } = readFlow(stored);
  const { at: dueAt, claims: claimsBefore } = unpack(score);
  const { claims, at: endsAt } = newScore ? unpack(newScore) : { claims: nextClaims(claimsBefore), at: leaseEndsAt };
  const isFired = name.startsWith(MADE);
  const id = isFired ? name.slice(MADE.length) : name;
  if (flow) {
    const run = runs.get(`${escaped(flow.key)}:${endsAt}`);
    const isOfRun = run?.slots !== undefined && { isOfRun: true };
    return { lease: { id, claims, endsAt, flow, claimedAt: now, ...isOfRun }, record, dueAt, ...(run && { run }) };
  }
  return { lease: { id, claims, endsAt }, record, dueAt, ...(isFired && { isFired }) };
}
