import type {
  ClaimedJob,
  DueSchedule,
  EnqueueReply,
  ExchangeReply,
  Fire,
  FireReply,
  JobState,
  NewJob,
  Outcome,
  Outlook,
  StoredJob,
} from "../../core/store.ts";
import { LEASE_MEMBER, leaseScore, PAUSED_MEMBER, scoreAfter, unpack, waitingScore } from "../score.ts";

// How the scripts' arguments are written and their answers read: the order is theirs, and stands above each of them.

/** An answer as texts: a client may give numbers as numbers or as digits. */
export function texts(answer: unknown): readonly string[] {
  return Array.isArray(answer) ? answer.map(String) : [];
}

/** The time that a score stands for; undefined for none. */
export function timeOf(score: string | undefined): number | undefined {
  return score === undefined || score === "" ? undefined : unpack(Number(score)).at;
}

export function outcomeArguments(outcome: Outcome): string[] {
  const { lease, record } = outcome;
  return [outcome.to, lease.id, String(leaseScore(lease)), newScore(outcome), record];
}

function newScore(outcome: Outcome): string {
  if (outcome.to === "completed") return "";
  if (outcome.to === "dead") return String(outcome.at);
  return String(waitingScore(outcome.runAt, outcome.lease.claims));
}

export function fireArguments({ key, slot, next, record, jobs, unless }: Fire): string[] {
  return [
    key,
    String(waitingScore(slot)),
    next === undefined ? "" : String(waitingScore(next)),
    record,
    unless?.id ?? "",
    unless?.skippedRecord ?? "",
    String(jobs.length),
    ...jobs.flatMap((job) => [job.id, String(waitingScore(job.runAt)), job.record]),
  ];
}

export function enqueueReply(job: NewJob, [status, id = "", score = ""]: readonly string[]): EnqueueReply {
  const position = score === "" ? undefined : unpack(Number(score));
  if (status === "duplicate") {
    return { status, id, runAt: position?.isLeased ? undefined : position?.at, lease: undefined };
  }
  const lease = status === "leased" && position ? { id, claims: position.claims, endsAt: position.at } : undefined;
  return { status: "enqueued", id, runAt: job.runAt, lease };
}

export function exchangeReply(answer: readonly string[], outcomes: number, fires: number): ExchangeReply {
  const [paused, next, ...rest] = answer;
  const settled = rest.splice(0, outcomes).map((accepted) => accepted === "1");
  const fired = rest.splice(0, fires) as FireReply[];
  const [taken = "0", ...rows] = rest;
  const jobs: ClaimedJob[] = [];
  const schedules: DueSchedule[] = [];
  let at = 0;
  while (jobs.length < Number(taken)) {
    const [id = "", lease = "", record = "", due = ""] = rows.slice(at, at + 4);
    const { claims, at: endsAt } = unpack(Number(lease));
    jobs.push({ lease: { id, claims, endsAt }, record, dueAt: unpack(Number(due)).at });
    at += 4;
  }
  for (; at < rows.length; at += 3) {
    schedules.push({ key: rows[at] as string, slot: unpack(Number(rows[at + 1])).at, record: rows[at + 2] as string });
  }
  return { paused: paused === "1", nextAt: timeOf(next), settled, fired, jobs, schedules };
}

/** Reads the first members of `due`, with their scores. */
export function outlook(head: readonly string[]): Outlook {
  const paused = head[0] === PAUSED_MEMBER;
  return { paused, nextAt: timeOf(paused ? head[3] : head[1]) };
}

/** A live job: one whose lease has run out is ready again, by itself. */
export function dueJob(id: string, score: number, record: string, now: number): StoredJob {
  const { at, claims, isLeased } = unpack(score);
  const ahead: JobState = isLeased ? "running" : "scheduled";
  return { id, state: score < scoreAfter(now) ? "ready" : ahead, record, at, claims };
}

/** The member by which a page of a state is ordered. */
export function listedMember(state: JobState, id: string): string {
  return state === "running" ? LEASE_MEMBER + id : id;
}
