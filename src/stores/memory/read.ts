import { bytesOf, firstPiece } from "../../core/shared/limits.ts";
import { badCursor, type Cursor, readCursor, writeCursor } from "../../core/store/cursor.ts";
import { trendOf } from "../../core/store/failures.ts";
import type { FlowState } from "../../core/store/flow.ts";
import type { StoredSchedule } from "../../core/store/schedules.ts";
import { FLOW_KEY_MEMBER, isInLine, SCHEDULE_MEMBER, scoreAfter, standingOf, unpack } from "../../core/store/score.ts";
import type { StoredPending, StoredStats } from "../../core/store/stats.ts";
import {
  enqueuedOf,
  MINUTE_MS,
  metricsOf,
  nameText,
  outcomeCounts,
  paceMinutes,
  TREND_MINUTES,
} from "../../core/store/stats.ts";
import type {
  FailuresPage,
  FailuresRequest,
  JobState,
  Page,
  PageRequest,
  StoredFailures,
  StoredJob,
} from "../../core/store/store.ts";
import type { SortedSet } from "./sorted-set.ts";
import { isJob, type MemoryState, stateOf } from "./state.ts";

/** @param withCounts counts the children of a parent that waits. */
export function findJob(state: MemoryState, id: string, now: number, withCounts = true): StoredJob | undefined {
  const score = state.due.score(id);
  if (score !== undefined) return liveJob(state, id, score, now, withCounts);
  if (state.isKept(id, now)) return completedJob(state, id);
  return findDeadJob(state, id);
}

export function findDeadJob(state: MemoryState, id: string): StoredJob | undefined {
  const at = state.dead.score(id);
  return at === undefined ? undefined : deadJob(state, id, at);
}

function liveJob(state: MemoryState, id: string, score: number, now: number, withCounts = false): StoredJob {
  const { at, claims } = unpack(score);
  const flow = state.flows.get(id);
  const family = withCounts ? state.families.countsOf(id) : undefined;
  const job = { id, state: stateOf(score, now), record: state.records.get(id) ?? "", at, claims };
  return { ...job, ...(flow && { flow }), ...(family && { family }) };
}

function completedJob(state: MemoryState, id: string): StoredJob {
  return { id, state: "completed", record: state.done.get(id) ?? "", at: 0, claims: 0 };
}

function deadJob(state: MemoryState, id: string, at: number): StoredJob {
  const { record = "", flow } = state.deadJobs.get(id) ?? {};
  return { id, state: "dead", record, at, claims: 0, ...(flow && { flow }) };
}

export function listJobs(state: MemoryState, wanted: JobState, page: PageRequest): Page<StoredJob> {
  const items: StoredJob[] = [];
  let lastScore = 0;
  let bytes = 0;
  for (const [job, score] of inOrder(state, wanted, page)) {
    bytes += bytesOf(job.record);
    const last = items.at(-1);
    if (last && (items.length === page.limit || bytes > page.mostBytes))
      return { items, cursor: writeCursor({ score: lastScore, id: last.id }) };
    items.push(job);
    lastScore = score;
  }
  return { items, cursor: undefined };
}

function* inOrder(
  state: MemoryState,
  wanted: JobState,
  { cursor, now, group }: PageRequest,
): Generator<readonly [StoredJob, number]> {
  const seen = readCursor(cursor);
  if (wanted === "completed") {
    for (const [id, at] of newestFirst(state.ended, seen))
      if (state.isKept(id, now)) yield [{ ...completedJob(state, id), at }, at];
  } else if (wanted === "dead") {
    for (const [id, at] of newestFirst(state.dead, seen))
      if (group === undefined || state.deadJobs.get(id)?.group === group) yield [deadJob(state, id, at), at];
  } else {
    for (const [id, score] of liveBehind(state, seen))
      if (isJob(id) && stateOf(score, now) === wanted) yield [liveJob(state, id, score, now), score];
  }
}

function newestFirst(ends: SortedSet, last: Cursor | undefined): Iterable<readonly [string, number]> {
  return ends.downFrom(last ? ends.countBefore(last.score, last.id) - 1 : ends.size - 1);
}

function* liveBehind({ due }: MemoryState, last: Cursor | undefined): Generator<readonly [string, number]> {
  for (const entry of due.from(last ? due.countBefore(last.score, last.id) : 0)) {
    if (entry[1] !== last?.score || entry[0] !== last.id) yield entry;
  }
}

/** No name of a group is empty, nor after the first cursor. */
const NO_GROUP = "";

export function failuresIn(state: MemoryState, request: FailuresRequest): FailuresPage {
  const { cursor = "", limit, mostBytes, now, slotMs } = request;
  const groups = new Map<string, StoredJob[]>();
  for (const [id, at] of state.dead.from(0)) {
    const group = state.deadJobs.get(id)?.group ?? NO_GROUP;
    const jobs = groups.get(group) ?? [];
    jobs.push(deadJob(state, id, at));
    groups.set(group, jobs);
  }
  const ungrouped = groups.get(NO_GROUP)?.length ?? 0;
  const names = [...groups.keys()].filter((group) => group > cursor).sort();
  const all = names.slice(0, limit).map((group) => failuresOf(group, groups.get(group) ?? [], now, slotMs));
  const items = firstPiece(all, ({ sample }) => sample.record, mostBytes);
  const next = items.length < names.length ? items.at(-1)?.group : undefined;
  return { items, cursor: next, ungrouped };
}

function failuresOf(group: string, jobs: readonly StoredJob[], now: number, slotMs?: number): StoredFailures {
  const [first, sample] = [jobs[0] as StoredJob, jobs.at(-1) as StoredJob];
  const times = jobs.map(({ at }) => at);
  return { group, count: jobs.length, firstAt: first.at, sample, trend: trendOf(times, now, slotMs) };
}

export function countJobs(state: MemoryState, now: number): StoredStats {
  const count = { scheduled: 0, ready: 0, running: 0 };
  let oldestReadyAt: number | undefined;
  let recent = 0;
  let latest = 0;
  const { from, until } = paceMinutes(now);
  for (const [member, score] of state.due.from(0)) {
    // A key counts for the jobs that it could start: held-back jobs are not late.
    const canStart = member.startsWith(FLOW_KEY_MEMBER) || (isJob(member) && !isInLine(score));
    if (canStart && score < scoreAfter(now)) oldestReadyAt ??= unpack(score).at;
    if (!isJob(member)) continue;
    count[stateOf(score, now)]++;
    const { at } = unpack(score);
    if (at >= until * MINUTE_MS) continue;
    if (at >= from * MINUTE_MS) recent++;
    if (at >= (until - TREND_MINUTES) * MINUTE_MS) latest++;
  }
  const { total, waitedMs, ranMs } = state.tally;
  const { waiting, running } = metricsOf(total);
  const totals = outcomeCounts(total);
  return {
    ...count,
    dead: state.dead.size,
    completed: [...state.done.keys()].filter((id) => state.isKept(id, now)).length,
    enqueued: enqueuedOf({ ...count, totals }, state.counters),
    totals,
    paused: state.paused,
    pausedJobs: [...state.pausedJobs.values()],
    nextAt: state.nextDueAt(),
    oldestReadyAt,
    recent,
    latest,
    minutes: state.tally.minutesUntil(now),
    waitingTimes: { counts: waiting.counts, sumMs: waitedMs },
    runningTimes: { counts: running.counts, sumMs: ranMs },
  };
}

export function countPending({ due, records }: MemoryState, now: number): StoredPending {
  const counts = new Map<string, number>();
  for (const [member, score] of due.from(0)) {
    if (!isJob(member) || stateOf(score, now) === "running") continue;
    const name = nameText(records.get(member) ?? "");
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return { counts, isEstimated: false };
}

export function pageOfFlows(flows: readonly FlowState[], cursor: string | undefined, limit: number): Page<FlowState> {
  if (cursor !== undefined && !/^\d{1,15}$/.test(cursor)) throw badCursor();
  const end = Number(cursor ?? 0) + limit;
  return { items: flows.slice(end - limit, end), cursor: end < flows.length ? String(end) : undefined };
}

export function findSchedule(state: MemoryState, key: string): StoredSchedule | undefined {
  const stored = state.schedules.get(key);
  return stored && { key, ...stored, ...standingOf(state.due.score(SCHEDULE_MEMBER + key)) };
}
