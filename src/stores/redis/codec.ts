import { groupAt } from "../../core/store/failures.ts";
import { noFigures, type StoredFigures, type StoredHour, type StoredNameFigures } from "../../core/store/figures.ts";
import { durationBounds } from "../../core/store/histogram.ts";
import type { StoredPending } from "../../core/store/pending.ts";
import type { SchedulePut, StoredSchedule } from "../../core/store/schedules.ts";
import {
  BORN_MEMBER,
  isAstray,
  momentOf,
  movedScore,
  readScore,
  renewedScore,
  scheduleScore,
  standingOf,
  unpack,
  waitingScore,
} from "../../core/store/score.ts";
import type { StoredMinute, StoredStats } from "../../core/store/stats.ts";
import type {
  DueSchedule,
  EnqueueReply,
  EnqueueStatus,
  ExchangeReply,
  FailuresPage,
  Fire,
  FireReply,
  JobState,
  Lease,
  LeasedJob,
  NewJob,
  NextDue,
  StoredFailures,
  StoredJob,
} from "../../core/store/store.ts";
import { newFlowText, readFlow } from "./flow.ts";
import { LEASE_MEMBER, NAMES_MEMBER, PAUSED_MEMBER } from "./members.ts";
import { readPlan, withPlan } from "./plan.ts";

// Where the counters of the last histogram begin: a sum, and a count for each bound and one more. As in lua/_prelude.lua.
const RUNNING_TIMES = 24;
const HISTOGRAM_SIZE = durationBounds.length + 2;

/** Reads every counter that is not of a minute, for BITFIELD. One of them changes whenever an attempt is settled, or a job removed. */
export const counterFields: readonly string[] = Array.from({ length: RUNNING_TIMES + HISTOGRAM_SIZE }, (_, index) => [
  "GET",
  "i64",
  `#${index}`,
]).flat();

/** How exchange.lua marks a job that an earlier send of the claim has made. */
const FIRED = " fired:";

// How the scripts' arguments are written and their answers read: the order is theirs, and stands above each of them.

/** An answer as texts: a client may give numbers as numbers or as digits. */
export function texts(answer: unknown): readonly string[] {
  return Array.isArray(answer) ? answer.map(String) : [];
}

/** The time that a score stands for; undefined for none, and for never. */
export function timeOf(score: string | undefined): number | undefined {
  return score === undefined || score === "" ? undefined : momentOf(Number(score));
}

/** How many leases an exchange watches at most, so that no command is needed for it. */
const MOST_WATCHED = 100;

/** The names under which a leased job may be in `due`. One that was leased at enqueue continues under its id once it is extended. */
function watchedNames({ id, bornAs }: Lease): readonly string[] {
  return bornAs === undefined ? [id] : [BORN_MEMBER + id, id];
}

export function watchArguments(watch: readonly Lease[]): string[] {
  const names = watch.slice(0, MOST_WATCHED).flatMap(watchedNames);
  return [String(names.length), ...names];
}

/** The watched jobs of which no name is left. */
export function goneAmong(watch: readonly Lease[], missing: ReadonlySet<string>): readonly string[] {
  return watch.filter((lease) => watchedNames(lease).every((name) => missing.has(name))).map(({ id }) => id);
}

export function storedStats(answer: readonly string[], withNames: boolean): StoredStats {
  const number = (index: number) => Number(answer[index] ?? 0);
  const histogram = (first: number) => ({
    sumMs: number(first),
    counts: answer.slice(first + 1, first + HISTOGRAM_SIZE).map(Number),
  });
  const minutes: StoredMinute[] = [];
  const minutesAt = 13 + 2 * HISTOGRAM_SIZE;
  const namesAt = minutesAt + 4 * number(minutesAt - 1);
  for (let at = minutesAt; at < namesAt; at += 4) {
    minutes.push({ minute: number(at), processed: number(at + 1), retried: number(at + 2), dead: number(at + 3) });
  }
  return {
    scheduled: number(0),
    ready: number(1),
    running: number(2),
    dead: number(3),
    completed: number(4),
    processed: number(5),
    retried: number(6),
    deadLettered: number(7),
    enqueued: number(8),
    paused: number(9) === 1,
    nextAt: timeOf(answer[10]),
    oldestReadyAt: timeOf(answer[11]),
    waitingTimes: histogram(12),
    runningTimes: histogram(12 + HISTOGRAM_SIZE),
    minutes: minutes.sort((a, b) => a.minute - b.minute),
    ...(withNames && { names: storedNameFigures(answer.slice(namesAt), 0) }),
  };
}

/** Reads figures as lua/_read_windows.lua writes them. */
function storedFigures(text: string): StoredFigures {
  if (text === "") return noFigures;
  const [processed = 0, retried = 0, dead = 0, ...times] = text.split(",").map(Number);
  const half = times.length / 2;
  return { processed, retried, dead, waiting: times.slice(0, half), running: times.slice(half) };
}

export function storedNameFigures(answer: readonly string[], days: number): readonly StoredNameFigures[] {
  const all: StoredNameFigures[] = [];
  for (let at = 0; at < answer.length; at += 3 + days) {
    const [name = "", totals = "", hour = "", ...byDay] = answer.slice(at, at + 3 + days);
    const [processed = 0, retried = 0, dead = 0] = totals.split(",").map(Number);
    const total = { processed, retried, dead };
    all.push({ name: name || undefined, total, hour: storedFigures(hour), days: byDay.map(storedFigures) });
  }
  return all;
}

export function storedPending(answer: readonly string[]): StoredPending {
  const [total, read, isPart] = answer;
  const counts = new Map<string, number>();
  for (let at = 3; at < answer.length; at += 2) {
    const count = Number(answer[at + 1]);
    counts.set(answer[at] as string, isPart === "1" ? Math.round((count * Number(total)) / Number(read)) : count);
  }
  return { counts, isEstimated: isPart === "1" };
}

export function storedHours(answer: readonly string[]): readonly StoredHour[] {
  const hours: StoredHour[] = [];
  for (let at = 0; at < answer.length; at += 2) {
    hours.push({ hour: Number(answer[at]), figures: storedFigures(answer[at + 1] as string) });
  }
  return hours;
}

export function fireArguments(fire: Fire): string[] {
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

export function enqueueReply(
  job: NewJob,
  [status, id = "", score = "", held, order]: readonly string[],
  now: number,
): EnqueueReply {
  const position = score === "" ? undefined : unpack(Number(score));
  if (status === "duplicate") {
    return { status, id, runAt: position?.isLeased ? undefined : position?.at, lease: undefined };
  }
  const flow = job.flow && { ...job.flow, order: Number(order) };
  const lease =
    held !== "" && position
      ? {
          ...{ id, claims: position.claims, endsAt: position.at },
          ...(flow && { flow, claimedAt: now }),
          ...(held === "born" && { bornAs: job.record }),
        }
      : undefined;
  return { status: status as EnqueueStatus, id, runAt: job.runAt, lease };
}

/** The answer of exchange.lua, and where it has found figures of names to be: '' where they are no longer. */
export interface ExchangeAnswer extends ExchangeReply {
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

export function storedSchedules(answer: readonly string[]): readonly StoredSchedule[] {
  const schedules: StoredSchedule[] = [];
  for (let at = 0; at < answer.length; at += 3) {
    const [key, record, score] = [answer[at] as string, answer[at + 1] as string, answer[at + 2] as string];
    schedules.push({ key, ...readPlan(record), ...standingOf(score === "" ? undefined : Number(score)) });
  }
  return schedules;
}

export function putArguments(put: SchedulePut): string[] {
  return [put.key, withPlan(put), String(renewedScore(put)), String(readScore(put.from) ?? "")];
}

/** Reads the first members of `due`, with their scores. */
export function nextDue(head: readonly string[], now: number): NextDue {
  const paused = head[0] === PAUSED_MEMBER;
  const first = paused ? 2 : 0;
  const nextAt = timeOf(head[first + 1]);
  for (let at = first; at < head.length; at += 2) {
    const isBehind = nextAt !== undefined && nextAt > now;
    if (isBehind && isAstray(head[at] as string, Number(head[at + 1]), now)) return { paused, nextAt: now };
  }
  return { paused, nextAt };
}

/** Whether what a peek has read is all there is, without the mark of earlier jobs; undefined if there may be more. */
export function isUnused(head: readonly string[]): boolean | undefined {
  if (head.some((member) => member.startsWith(NAMES_MEMBER))) return false;
  return head.length < 4 ? true : undefined;
}

/** A live job: one whose lease has run out is ready again, by itself. */
export function dueJob(id: string, score: number, record: string, now: number): StoredJob {
  const { at, claims, isLeased } = unpack(score);
  const ahead: JobState = isLeased ? "running" : "scheduled";
  return { id, state: at <= now ? "ready" : ahead, at, claims, ...readFlow(record) };
}

export function deadJob(id: string, at: number, record: string): StoredJob {
  return { id, state: "dead", at, claims: 0, ...readFlow(record) };
}

/** A completed job as a list finds it: none if it is kept no longer. */
export function completedJob(id: string, at: number, record: string): readonly StoredJob[] {
  return record === "" ? [] : [{ id, state: "completed", record, at, claims: 0 }];
}

export function deadJobs(rows: readonly string[]): readonly StoredJob[] {
  const jobs: StoredJob[] = [];
  for (let at = 0; at < rows.length; at += 3) {
    jobs.push(deadJob(rows[at] as string, Number(rows[at + 1]), rows[at + 2] as string));
  }
  return jobs;
}

/** How many values list_failures.lua gives of each group. */
const FAILURE_VALUES = 7;

export function failuresPage([ungrouped, more, ...rows]: readonly string[]): FailuresPage {
  const items: StoredFailures[] = [];
  for (let at = 0; at < rows.length; at += FAILURE_VALUES)
    items.push(storedFailures(rows.slice(at, at + FAILURE_VALUES)));
  return { items, cursor: more === "1" ? items.at(-1)?.group : undefined, ungrouped: Number(ungrouped) };
}

function storedFailures([
  score,
  count,
  first,
  last,
  id = "",
  record = "",
  trend = "",
]: readonly string[]): StoredFailures {
  return {
    group: groupAt(Number(score)),
    count: Number(count),
    firstAt: Number(first),
    sample: deadJob(id, Number(last), record),
    trend: trend.split(",").map((deaths) => (deaths === "" ? null : Number(deaths))),
  };
}

/** The member by which a page of a state is ordered, of a job by its name in `due`. */
export function listedMember(state: JobState, name: string): string {
  return state === "running" ? LEASE_MEMBER + name : name;
}

/** The id of a job by its name in `due`. */
export function idOf(name: string): string {
  return name.startsWith(BORN_MEMBER) ? name.slice(BORN_MEMBER.length) : name;
}
