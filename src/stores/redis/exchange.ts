import { MOST_CLAIMED_BYTES } from "../../core/shared/limits.ts";
import { BORN_MEMBER, movedScore, scheduleScore, unpack, waitingScore } from "../../core/store/score.ts";
import {
  type ClaimRequest,
  type DueSchedule,
  type ExchangeReply,
  type ExchangeRequest,
  type Fire,
  type FireReply,
  type Lease,
  type LeasedJob,
  type QueueStore,
  sizeOf,
} from "../../core/store/store.ts";
import type { Caller } from "./caller.ts";
import { newFlowText, readFlow } from "./flow.ts";
import { mostOfExchange, mostOfSweep } from "./most-commands.ts";
import { figureArguments, followUpArguments, outcomeArguments, toSend } from "./outcomes.ts";
import { timeOf } from "./peek.ts";
import { readPlan, withPlan } from "./plan.ts";
import { scripts } from "./scripts.generated.ts";
import { idOf } from "./stored-job.ts";

/** A claim that takes nothing: exchange.lua then only reads what is due next. */
const NO_CLAIM: ClaimRequest = { limit: 0, leaseMs: 0 };
/** A claim for which exchange.lua does not even read what is due next. */
const NO_READ: ClaimRequest = { limit: -1, leaseMs: 0 };
/** How exchange.lua marks a job that an earlier send of the claim has made. */
const FIRED = " fired:";
/** How many leases an exchange watches at most, so that no command is needed for it. */
const MOST_WATCHED = 100;

export function exchangeCalls(caller: Caller): Pick<QueueStore, "settle" | "exchange"> {
  return {
    async settle(request) {
      const { settled, gone } = await exchange(caller, { ...request, fire: [] }, NO_READ);
      return { settled, gone };
    },
    exchange: (request) => exchange(caller, request, request.claim ?? NO_CLAIM),
  };
}

async function exchange(
  caller: Caller,
  request: ExchangeRequest,
  { limit, leaseMs, countLeft = false, meetsKeys = true, firesDeclared = false }: ClaimRequest,
): Promise<ExchangeReply> {
  const { now, settle, fire, retentionMs, observe = false, watch = [], isResend = false, resendPauseMs } = request;
  const { commands: most } = mostOfExchange(sizeOf(request));
  const sweeping = most + mostOfSweep(settle.length);
  const maySweep = settle.length > 0 && caller.meter?.allows?.({ roundTrips: 1, commands: sweeping }) !== false;
  const { sent, acceptedBy } = toSend(settle);
  const head = [
    ...[now, isResend, caller.newNonce(), limit, countLeft, leaseMs, retentionMs, MOST_CLAIMED_BYTES],
    ...[maySweep, meetsKeys, firesDeclared, observe],
  ]
    .map(Number)
    .map(String);
  const given = [
    ...head,
    ...outcomeArguments(sent, now),
    ...followUpArguments(sent),
    ...figureArguments(sent, observe ? placesOf(caller) : undefined),
    ...watchArguments(settle.length > 0 ? watch : []),
    String(fire.length),
    ...fire.flatMap(fireArguments),
  ];
  const args = (isSentAgain: boolean) => (isSentAgain ? given.with(1, "1") : given);
  const sending = { pauseMs: resendPauseMs, most: maySweep ? sweeping : most };
  const answer = await caller.texts(scripts.exchange, args, sending);
  const { places, missing, settled, ...reply } = exchangeReply(answer, sent.length, fire.length, now);
  notePlaces(caller, places);
  return { ...reply, settled: acceptedBy(settled), gone: goneAmong(watch, missing) };
}

/** Where the figures of names are, as far as is known. */
function placesOf({ connection, keys }: Caller): ReadonlyMap<string, string> {
  return connection.places.get(keys.due) ?? new Map();
}

function notePlaces(caller: Caller, places: ReadonlyMap<string, string>): void {
  if (places.size === 0) return;
  const known = [...placesOf(caller), ...places].filter(([name]) => places.get(name) !== "");
  caller.connection.places.set(caller.keys.due, new Map(known));
}

/**
 * The names under which a leased job may be in `due`. One that was leased at enqueue continues under its id once it is
 * extended.
 */
function watchedNames({ id, bornAs }: Lease): readonly string[] {
  return bornAs === undefined ? [id] : [BORN_MEMBER + id, id];
}

function watchArguments(watch: readonly Lease[]): string[] {
  const names = watch.slice(0, MOST_WATCHED).flatMap(watchedNames);
  return [String(names.length), ...names];
}

/** The watched jobs of which no name is left. */
function goneAmong(watch: readonly Lease[], missing: ReadonlySet<string>): readonly string[] {
  return watch.filter((lease) => watchedNames(lease).every((name) => missing.has(name))).map(({ id }) => id);
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

/** The answer of exchange.lua, and where it has found figures of names to be: '' where they are no longer. */
interface ExchangeAnswer extends ExchangeReply {
  readonly places: ReadonlyMap<string, string>;
  /** The names of watched jobs that are not in `due`. */
  readonly missing: ReadonlySet<string>;
}

export function exchangeReply(answer: readonly string[], outcomes: number, fires: number, now: number): ExchangeAnswer {
  const [paused, next, left] = answer;
  const firesAt = 3 + outcomes;
  const evicted = Number(answer[firesAt + fires]);
  const jobsAt = firesAt + fires + 2;
  const placesAt = jobsAt + 4 * Number(answer[jobsAt - 1]) + 1;
  const missingAt = placesAt + 2 * Number(answer[placesAt - 1]) + 1;
  const schedulesAt = missingAt + Number(answer[missingAt - 1]);
  const places = new Map<string, string>();
  for (let at = placesAt; at < missingAt - 1; at += 2) places.set(answer[at] as string, answer[at + 1] as string);
  return {
    paused: paused === "1",
    ...(paused === "2" && { leftKeys: true }),
    nextAt: timeOf(next),
    left: Number(left),
    ...(evicted > 0 && { evicted }),
    settled: answer.slice(3, firesAt).map((accepted) => accepted === "1"),
    fired: answer.slice(firesAt, firesAt + fires) as readonly FireReply[],
    jobs: leasedJobs(answer, jobsAt, placesAt - 1, now),
    schedules: dueSchedules(answer, schedulesAt),
    places,
    missing: new Set(answer.slice(missingAt, schedulesAt)),
  };
}

function leasedJobs(answer: readonly string[], from: number, to: number, now: number): readonly LeasedJob[] {
  const jobs: LeasedJob[] = [];
  for (let at = from; at < to; at += 4) {
    const { claims, at: endsAt } = unpack(Number(answer[at + 1]));
    const name = answer[at] as string;
    const { record, flow } = readFlow(answer[at + 2] as string);
    const dueAt = unpack(Number(answer[at + 3])).at;
    const id = name.startsWith(FIRED) ? name.slice(FIRED.length) : idOf(name);
    if (id === name) {
      const lease = flow ? { id, claims, endsAt, flow, claimedAt: now } : { id, claims, endsAt };
      jobs.push({ lease, record, dueAt });
      continue;
    }
    // A claim makes the jobs that it fires itself under the name of those that are born leased, and no others.
    const bornAs = name.startsWith(BORN_MEMBER) ? { bornAs: record } : {};
    const ofKey = flow && { flow, claimedAt: now };
    jobs.push({ lease: { id, claims, endsAt, ...ofKey, ...bornAs }, record, dueAt, isFired: true });
  }
  return jobs;
}

function dueSchedules(answer: readonly string[], from: number): readonly DueSchedule[] {
  const schedules: DueSchedule[] = [];
  for (let at = from; at < answer.length; at += 3) {
    const { at: occurrence, claims: revision } = unpack(Number(answer[at + 1]));
    schedules.push({ key: answer[at] as string, occurrence, revision, ...readPlan(answer[at + 2] as string) });
  }
  return schedules;
}
