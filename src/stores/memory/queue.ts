import { firstPiece } from "../../core/shared/limits.ts";
import { badCursor } from "../../core/store/cursor.ts";
import type { SchedulePut, StoredSchedule } from "../../core/store/schedules.ts";
import * as scores from "../../core/store/score.ts";
import { MOST_PAUSED } from "../../core/store/stats.ts";
import type { ClearableState, JobState, QueueStore } from "../../core/store/store.ts";
import { CHANGES_KEPT, possibleLeases, renewedLease } from "../../core/store/store.ts";
import { enqueue } from "./enqueue.ts";
import { exchange, settle } from "./exchange.ts";
import { enqueueFamily, releaseParents, retryChild } from "./parents.ts";
import {
  countJobs,
  countPending,
  failuresIn,
  findDeadJob,
  findJob,
  findSchedule,
  listJobs,
  pageOfFlows,
} from "./read.ts";
import { isJob, type MemoryState, stateOf } from "./state.ts";

/** The store port on plain maps: what each method does, without the details of Redis. */
export function memoryQueue(state: MemoryState): QueueStore {
  const { due, records, flowControl, families, counters, documents, tally } = state;
  const isWaiting = (id: string, now: number) => {
    const score = due.score(id);
    return score !== undefined && stateOf(score, now) !== "running";
  };
  const scoreOf = ({ key }: SchedulePut) => due.score(scores.SCHEDULE_MEMBER + key);
  const isAsRead = (put: SchedulePut) => scoreOf(put) === scores.readScore(put.from);
  // A resend finds its own work.
  const isStored = (put: SchedulePut) => {
    const stored = state.schedules.get(put.key);
    return scoreOf(put) === scores.renewedScore(put) && stored !== undefined && textOf(stored) === textOf(put);
  };
  const removeDead = (ids: readonly string[], now: number) => {
    const removed = ids.filter((id) => state.removeDead(id));
    const parents = removed.map((id) => families.count(id, "removed"));
    releaseParents(state, parents, now);
    flowControl.putMarks(now);
    return removed.length;
  };
  const peek = (now: number) => {
    const { paused } = state;
    const nextAt = state.nextDueAt(now);
    const head = due.first(paused ? scores.MOST_PEEKED - 1 : scores.MOST_PEEKED);
    const isNow = nextAt !== undefined && nextAt > now && head.some((entry) => scores.isSkewed(...entry, now));
    return { paused, nextAt: isNow ? now : nextAt };
  };
  return {
    isFree: true,
    enqueue: async (jobs, now) => enqueue(state, jobs, now),
    enqueueFamily: async (family, now) => enqueueFamily(state, family, now),
    settle: async (request) => settle(state, request),
    exchange: async (request) => exchange(state, request),
    peek: async (now, withManifest) => ({ ...peek(now), ...(withManifest && { manifest: state.manifest }) }),
    async extend(renewals) {
      const leases = renewals.map(({ lease, endsAt, record }) => {
        const extended = renewedLease(lease, endsAt);
        const score = due.score(lease.id);
        // A resend finds its own work.
        if (![...possibleLeases(lease), extended].some((each) => score === scores.leaseScore(each))) return null;
        const isLeaving = lease.isOfRun && endsAt !== lease.endsAt && score === scores.leaseScore(lease);
        if (isLeaving && lease.flow) flowControl.touch(lease.flow.key).leaveRun(lease.endsAt);
        due.set(lease.id, scores.leaseScore(extended));
        if (record !== undefined) records.set(lease.id, record);
        return extended;
      });
      flowControl.putMarks(Number.POSITIVE_INFINITY);
      return leases;
    },
    async signal(signal, now) {
      const reply = state.signals.send(signal, now, (id) => state.wake(id, signal.text, now));
      flowControl.putMarks(now);
      return reply;
    },
    find: async (id, now) => findJob(state, id, now),
    async findEach(ids, mostBytes, now, onlyDead = false) {
      const found = ids.map((id) => (onlyDead ? findDeadJob(state, id) : findJob(state, id, now, false)));
      const looked = firstPiece(found, (job) => job?.record ?? "", mostBytes);
      return { jobs: looked.flatMap((job) => job ?? []), rest: ids.slice(looked.length) };
    },
    list: async (jobState, page) => listJobs(state, jobState, page),
    failures: async (page) => failuresIn(state, page),
    async cancel(ids, now, mayRun = false) {
      const parents: (string | undefined)[] = [];
      const statuses = ids.map((id) => {
        if (due.score(id) === undefined) return "missing";
        if (!mayRun && !isWaiting(id, now)) return "running";
        parents.push(state.drop(id));
        counters.cancelled++;
        return "cancelled";
      });
      releaseParents(state, parents, now);
      flowControl.putMarks(now);
      return statuses;
    },
    async reschedule(moves, now) {
      const moved = moves.map(({ id, runAt }) => {
        const score = due.score(id);
        if (score === undefined || !isWaiting(id, now)) return false;
        // A parent still waits for its children, whenever it may run.
        if (families.waiting.has(id)) families.move(id, runAt);
        else {
          const { at, claims } = scores.unpack(score);
          state.wait(id, scores.waitingScore(scores.movedTime(runAt, at, now), claims));
        }
        return true;
      });
      flowControl.putMarks(now);
      return moved;
    },
    async change({ id, from, runAt, claims = from.claims, record }) {
      const score = due.score(id);
      if (score === undefined) return false;
      // A parent still waits for its children, whenever it may run.
      const isParent = families.waiting.has(id);
      const changed = scores.waitingScore(isParent ? scores.WAITS_FOR_CHILDREN_AT : runAt, claims);
      const found = scores.unpack(score);
      if (found.at !== from.at || found.claims !== from.claims) {
        // A resend finds its own work.
        const isChanged = !found.isLeased && scores.waitingScore(found.at, found.claims) === changed;
        return isChanged && (record === undefined || records.get(id) === record);
      }
      if (isParent && runAt !== from.at) families.move(id, runAt);
      state.wait(id, changed);
      flowControl.putMarks(Number.POSITIVE_INFINITY);
      if (record !== undefined) records.set(id, record);
      return true;
    },
    rewrite: async (jobState, rewrites) => rewrites.map((each) => state.rewrite(jobState, each)),
    async retryDead(retries, now) {
      const retried = retries.map(({ id, deadSince, claims, runAt, record, flow }) => {
        // A new job with the same id stays as it is.
        if (state.dead.score(id) !== deadSince || due.score(id) !== undefined) return false;
        state.removeDead(id);
        state.add(id, record, flow && flowControl.join(flow, false, now));
        state.wait(id, scores.waitingScore(runAt, claims));
        retryChild(state, id, now);
        counters.retriedDead++;
        return true;
      });
      flowControl.putMarks(now);
      return retried;
    },
    removeDead: async (ids, now) => removeDead(ids, now),
    async clear(cleared, now) {
      if (cleared === "dead") return { cleared: removeDead([...state.deadJobs.keys()], now), next: undefined };
      const count = cleared === "completed" ? clearCompleted(state, now) : clearWaiting(state, cleared, now);
      return { cleared: count, next: undefined };
    },
    findFlow: async (key, now) => flowControl.find(key, now),
    listFlows: async ({ cursor, limit, now }) => pageOfFlows(flowControl.list(now), cursor, limit),
    async changeFlow(key, change, now) {
      const wasPaused = flowControl.change(key, change, now);
      flowControl.putMarks(now);
      return wasPaused;
    },
    pulse: async () => JSON.stringify(countJobs(state, 0)),
    async stats(now, withNames = false) {
      const counts = countJobs(state, now);
      return withNames ? { ...counts, completed: 0, names: tally.names(now, 0) } : counts;
    },
    figures: async (now, days) => tally.names(now, days),
    pending: async (now) => countPending(state, now),
    history: async (now, hours) => tally.hoursUntil(now, hours),
    async setJobsPaused(name, pause) {
      const { pausedJobs } = state;
      if (pause && !pausedJobs.has(name) && pausedJobs.size >= MOST_PAUSED) return false;
      pausedJobs.delete(name);
      if (pause) pausedJobs.set(name, pause);
      return true;
    },
    async setPaused(paused) {
      state.paused = paused;
    },
    async noteChange(text) {
      const { changes } = state;
      if (changes.at(-1) !== text) changes.push(text);
      state.changesCut += changes.splice(0, changes.length - CHANGES_KEPT).length;
    },
    async changes(cursor, limit) {
      if (cursor !== undefined && !/^\d+$/.test(cursor)) throw badCursor();
      const { changes, changesCut } = state;
      const end = cursor === undefined ? changes.length : Math.max(0, Number(cursor) - changesCut);
      const from = Math.max(0, end - limit);
      return { items: changes.slice(from, end).reverse(), cursor: from > 0 ? `${changesCut + from}` : undefined };
    },
    listSchedules: async (key) =>
      (key === undefined ? [...state.schedules.keys()] : [key]).flatMap((each) => findSchedule(state, each) ?? []),
    async changeSchedules({ put = [], remove = [], manifest }) {
      if (manifest && state.manifest === manifest.to) return true;
      if (manifest && state.manifest !== manifest.from) return false;
      if (!put.every((each) => isAsRead(each) || isStored(each))) return false;
      for (const each of put) state.putSchedule(each.key, each, scores.renewedScore(each));
      for (const key of remove) {
        due.delete(scores.SCHEDULE_MEMBER + key);
        state.schedules.delete(key);
      }
      if (manifest) state.manifest = manifest.to;
      return true;
    },
    findDocument: async (kind, name, now) => documents.find(kind, name, now),
    listDocuments: async (page) => documents.list(page),
    changeDocuments: async (changes, now) => documents.change(changes, now),
  };
}

function clearCompleted(state: MemoryState, now: number): number {
  const { completed } = countJobs(state, now);
  for (const id of [...state.done.keys()]) state.forget(id);
  return completed;
}

function clearWaiting(state: MemoryState, cleared: Exclude<ClearableState, "completed" | "dead">, now: number): number {
  const meant: readonly JobState[] = cleared === "pending" ? ["scheduled", "ready"] : [cleared];
  const ids = [...state.due.from(0)].filter(([id, score]) => isJob(id) && meant.includes(stateOf(score, now)));
  const parents = ids.map(([id]) => state.drop(id));
  // A parent that is released here is not ready yet, so that no piece of the same call would clear it.
  releaseParents(state, parents, now + 1);
  state.flowControl.putMarks(now);
  state.counters.cancelled += ids.length;
  return ids.length;
}

function textOf({ record, plan }: Pick<StoredSchedule, "record" | "plan">): string {
  return JSON.stringify([record, plan]);
}
