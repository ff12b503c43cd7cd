import { MOST_CLAIMED_BYTES } from "../../core/shared/limits.ts";
import { tenthsOf } from "../../core/store/flow.ts";
import { movedScore, scheduleScore, unpack, waitingScore } from "../../core/store/score.ts";
import {
  type ClaimRequest,
  type DueSchedule,
  type ExchangeReply,
  type ExchangeRequest,
  type Fire,
  type FireReply,
  type Lease,
  type LeasedJob,
  nextClaims,
  type QueueStore,
  type Run,
  type RunLimits,
} from "../../core/store/store.ts";
import { type Caller, rowsOf, textsOf } from "./caller.ts";
import { escaped, newFlowText, readFlow } from "./flow.ts";
import { followUpArguments, metricArguments, outcomeArguments, toSend } from "./outcomes.ts";
import { timeOf } from "./peek.ts";
import { readPlan, withPlan } from "./schedules.ts";
import * as scripts from "./scripts.generated.ts";
import { waitsArgument } from "./signals.ts";

/** Claims nothing: exchange.lua only reads what is due next. */
const NO_CLAIM: ClaimRequest = { limit: 0, leaseMs: 0 };
/** Claims nothing, and does not even read what is due next. */
const NO_READ: ClaimRequest = { limit: -1, leaseMs: 0 };
/** How exchange.lua marks a job that the claim has made. */
const MADE = " made:";
/** How many leases an exchange watches at most: more would take a command. */
const MOST_WATCHED = 100;

export function exchangeCalls(caller: Caller): Pick<QueueStore, "settle" | "exchange"> {
  return {
    async settle(request) {
      const { settled, woken, gone } = await exchange(caller, { ...request, fire: [] }, NO_READ);
      return { settled, woken, gone };
    },
    exchange: (request) => exchange(caller, request, request.claim ?? NO_CLAIM),
  };
}

async function exchange(
  caller: Caller,
  request: ExchangeRequest,
  { limit, leaseMs, countBacklog = false, runs, firesDeclared = false }: ClaimRequest,
): Promise<ExchangeReply> {
  const { now, settle, fire, retentionMs, observe = false, watch = [], isResend = false, resendPauseMs } = request;
  const { sent, acceptedBy } = toSend(settle);
  const head = [
    ...[now, isResend, caller.newNonce(), limit, countBacklog, leaseMs, retentionMs, MOST_CLAIMED_BYTES],
    ...[firesDeclared, observe],
  ]
    .map(Number)
    .map(String);
  const given = [
    ...head,
    runs ? runLimits(runs) : "",
    ...outcomeArguments(sent, now, retentionMs),
    ...followUpArguments(sent, now),
    ...metricArguments(sent, observe),
    ...watchArguments(settle.length > 0 ? watch : []),
    waitsArgument(sent),
    String(fire.length),
    ...fire.flatMap(fireArguments),
  ];
  const args = (isSentAgain: boolean) => (isSentAgain ? given.with(1, "1") : given);
  const values = (await caller.values(scripts.exchange, args, { pauseMs: resendPauseMs })) as readonly unknown[];
  const { missing, settled, haveSignals, ...reply } = readReply(values, now, now + leaseMs);
  const woken = haveSignals.flatMap((hasSignal, place) => (hasSignal ? (sent[place]?.lease.id ?? []) : []));
  return { ...reply, settled: acceptedBy(settled), woken, gone: missing };
}

function watchArguments(watch: readonly Lease[]): string[] {
  const ids = watch.slice(0, MOST_WATCHED).map(({ id }) => id);
  return [String(ids.length), ...ids];
}

function runLimits({ ms, jobMs, startable }: RunLimits): string {
  return [ms, jobMs === undefined ? "" : tenthsOf(jobMs), startable].join(":");
}

function fireArguments(fire: Fire): string[] {
  const { key, occurrence, revision = 0, next, reachMs, jobs, unless } = fire;
  return [
    key,
    String(scheduleScore(occurrence, revision)),
    String(movedScore(next, reachMs)),
    withPlan(fire),
    unless?.id ?? "",
    unless?.skippedRecord ?? "",
    String(jobs.length),
    ...jobs.flatMap((job) => [job.id, String(waitingScore(job.runAt)), job.record, newFlowText(job.flow)]),
  ];
}

/** The reply of exchange.lua, and what the store alone needs of it. */
interface ScriptReply extends ExchangeReply {
  /** For each outcome that was sent, whether its job has got a signal that was kept. */
  readonly haveSignals: readonly boolean[];
  /** The watched jobs that are not in `due`. */
  readonly missing: readonly string[];
}

/** @param endsAt when the leases of this claim end. */
function readReply(reply: readonly unknown[], now: number, endsAt: number): ScriptReply {
  const [paused, next, backlog, evicted, ...lists] = reply;
  const [settled = [], fired = [], jobs = [], recovered = [], described = [], missing = [], schedules = []] =
    lists.map(textsOf);
  const runs = readRuns(described);
  return {
    paused: Number(paused) === 1,
    nextAt: timeOf(String(next)),
    backlog: Number(backlog),
    ...(Number(evicted) > 0 && { evicted: Number(evicted) }),
    settled: settled.map((accepted) => accepted !== "0"),
    haveSignals: settled.map((accepted) => accepted === "2"),
    fired: fired as readonly FireReply[],
    jobs: rowsOf(jobs, 3).map((row, index) => leasedJob(row, now, endsAt, recovered[index], runs)),
    schedules: rowsOf(schedules, 3).map(dueSchedule),
    missing,
  };
}

/** Runs by the keys of their jobs, as they are stored, and by the ends of these leases. */
function readRuns(described: readonly string[]): ReadonlyMap<string, Run> {
  const runs = new Map<string, Run>();
  for (const text of described) {
    const [key, endsAt, slots = "", beginsBefore = "", isAwaited] = text.split(":");
    runs.set(`${key}:${endsAt}`, {
      ...(slots !== "" && { slots: Number(slots) }),
      ...(beginsBefore !== "" && { beginsBefore: Number(beginsBefore) }),
      ...(isAwaited === "1" && { isAwaited: true }),
    });
  }
  return runs;
}

/** @param recovered the score of the lease, if an earlier send has claimed the job. */
function leasedJob(
  row: readonly string[],
  now: number,
  leaseEndsAt: number,
  recovered: string | undefined,
  runs: ReadonlyMap<string, Run>,
): LeasedJob {
  const [name, stored, due] = row as readonly [string, string, string];
  const { record, flow } = readFlow(stored);
  const { at: dueAt, claims: claimsBefore } = unpack(Number(due));
  const { claims, at: endsAt } = recovered
    ? unpack(Number(recovered))
    : { claims: nextClaims(claimsBefore), at: leaseEndsAt };
  const isFired = name.startsWith(MADE);
  const id = isFired ? name.slice(MADE.length) : name;
  if (flow) {
    const run = runs.get(`${escaped(flow.key)}:${endsAt}`);
    const isOfRun = run?.slots !== undefined && { isOfRun: true };
    return { lease: { id, claims, endsAt, flow, claimedAt: now, ...isOfRun }, record, dueAt, ...(run && { run }) };
  }
  return { lease: { id, claims, endsAt }, record, dueAt, ...(isFired && { isFired }) };
}

function dueSchedule([key = "", score, stored = ""]: readonly string[]): DueSchedule {
  const { at: occurrence, claims: revision } = unpack(Number(score));
  return { key, occurrence, revision, ...readPlan(stored) };
}
