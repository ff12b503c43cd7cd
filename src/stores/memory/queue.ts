import { countFitting } from "../../core/shared/limits.ts";
import type { DocumentChange, DocumentPageRequest, StoredDocument } from "../../core/store/documents.ts";
import type { StoredHour, StoredNameFigures } from "../../core/store/figures.ts";
import type { FlowChange, FlowState } from "../../core/store/flow.ts";
import type { Cost } from "../../core/store/meter.ts";
import type { StoredPending } from "../../core/store/pending.ts";
import type { ManifestChange, SchedulePut, StoredSchedule } from "../../core/store/schedules.ts";
import {
  isAstray,
  leaseScore,
  MOST_PEEKED,
  readScore,
  renewedScore,
  SCHEDULE_MEMBER,
  unpack,
  waitingScore,
} from "../../core/store/score.ts";
import type { StoredStats } from "../../core/store/stats.ts";
import type {
  CancelStatus,
  Change,
  ClearableState,
  DeadJobRetry,
  EnqueueReply,
  ExchangeReply,
  ExchangeRequest,
  ExtendReply,
  FailuresPage,
  FailuresRequest,
  FlowPageRequest,
  FoundDead,
  JobState,
  Layout,
  Lease,
  LeaseRenewal,
  LocalFacts,
  NewJob,
  NextDue,
  Page,
  PageRequest,
  QueueStore,
  SettleReply,
  SettleRequest,
  Spread,
  StoredJob,
} from "../../core/store/store.ts";
import { renewedLease } from "../../core/store/store.ts";
import { enqueue } from "./enqueue.ts";
import { exchange, goneOf, settle } from "./exchange.ts";
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
import { isJob, MemoryState, stateOf } from "./state.ts";

/** What each call counts as: the round trip that it would be elsewhere. */
const oneCall: Cost = { roundTrips: 1, commands: 0 };

const local: LocalFacts = {
  mostOfExchange: () => oneCall,
  mostOfPeek: oneCall,
  mustPeek: false,
  mostOfExtend: () => oneCall,
  mostOfPartitions: oneCall,
  mostOfDeclare: () => ({ roundTrips: 2, commands: 0 }),
  idSource: (newId) => newId,
  idBeside: (_, make) => make(),
  partitionOf: () => 0,
};

/** The store port on plain maps: what each method does, without the ways in which Redis must be asked for it. */
export class MemoryQueue implements QueueStore {
  readonly local = local;
  readonly #state = new MemoryState();

  /** How the queue is spread over partitions, if it is. Then nothing is kept here. */
  spread: Spread | undefined;

  async enqueue(jobs: readonly NewJob[], now: number): Promise<readonly EnqueueReply[]> {
    return enqueue(this.#state, jobs, now);
  }

  async settle(request: SettleRequest): Promise<SettleReply> {
    return { settled: settle(this.#state, request), gone: goneOf(this.#state, request) };
  }

  async exchange(request: ExchangeRequest): Promise<ExchangeReply> {
    return exchange(this.#state, request);
  }

  async partitions(wanted?: Spread): Promise<Layout> {
    if (!this.#state.isEmpty) return "whole";
    this.spread ??= wanted;
    return this.spread ?? "nothing";
  }

  async peek(now: number): Promise<NextDue> {
    const { paused, due } = this.#state;
    const nextAt = this.#state.nextDueAt(now);
    if (nextAt === undefined || nextAt <= now) return { paused, nextAt };
    let read = 0;
    for (const entry of due.from(0)) {
      if (read++ === (paused ? MOST_PEEKED - 1 : MOST_PEEKED)) break;
      if (isAstray(...entry, now)) return { paused, nextAt: now };
    }
    return { paused, nextAt };
  }

  async peekWithManifest(now: number): Promise<NextDue & { readonly manifest: string | undefined }> {
    return { ...(await this.peek(now)), manifest: this.#state.manifest };
  }

  async extend(renewals: readonly LeaseRenewal[]): Promise<ExtendReply> {
    return { leases: renewals.map((renewal) => this.#extend(renewal)) };
  }

  #extend({ lease, endsAt, record }: LeaseRenewal): Lease | null {
    const { due, records } = this.#state;
    const extended = renewedLease(lease, endsAt);
    const score = due.score(lease.id);
    // Asked again, for its answer was lost, it finds its own work.
    if (score !== leaseScore(lease) && score !== leaseScore(extended)) return null;
    due.set(lease.id, leaseScore(extended));
    if (record !== undefined) records.set(lease.id, record);
    return extended;
  }

  async find(id: string, now: number): Promise<StoredJob | undefined> {
    return findJob(this.#state, id, now);
  }

  async findDead(ids: readonly string[], mostBytes: number): Promise<FoundDead> {
    const found = ids.map((id) => findDeadJob(this.#state, id));
    const records = found.map((job) => job?.record ?? "");
    const looked = Math.max(1, countFitting(records, mostBytes));
    return { jobs: found.slice(0, looked).flatMap((job) => job ?? []), rest: ids.slice(looked) };
  }

  async list(state: JobState, page: PageRequest): Promise<Page<StoredJob>> {
    return listJobs(this.#state, state, page);
  }

  async failures(page: FailuresRequest): Promise<FailuresPage> {
    return failuresIn(this.#state, page);
  }

  async areWaiting(ids: readonly string[], now: number): Promise<readonly boolean[]> {
    return ids.map((id) => this.#waits(id, now));
  }

  #waits(id: string, now: number): boolean {
    const score = this.#state.due.score(id);
    return score !== undefined && stateOf(score, now) !== "running";
  }

  async cancel(ids: readonly string[], now: number, mayRun = false): Promise<readonly CancelStatus[]> {
    const statuses = ids.map((id): CancelStatus => {
      if (this.#state.due.score(id) === undefined) return "missing";
      if (!mayRun && !this.#waits(id, now)) return "running";
      this.#state.remove(id);
      this.#state.counters.cancelled++;
      return "cancelled";
    });
    this.#state.lanes.putMarks(now);
    return statuses;
  }

  async reschedule(ids: readonly string[], runAt: number, now: number): Promise<readonly boolean[]> {
    const moved = ids.map((id) => {
      const score = this.#state.due.score(id);
      if (score === undefined || !this.#waits(id, now)) return false;
      this.#state.wait(id, waitingScore(runAt, unpack(score).claims));
      return true;
    });
    this.#state.lanes.putMarks(now);
    return moved;
  }

  async change({ id, from, runAt, record }: Change): Promise<boolean> {
    const { due, records } = this.#state;
    const score = due.score(id);
    if (score === undefined) return false;
    const changed = waitingScore(runAt, from.claims);
    const { at, claims, isLeased } = unpack(score);
    if (at !== from.at || claims !== from.claims) {
      // Asked again, for its answer was lost, it finds its own work.
      const isChanged = !isLeased && waitingScore(at, claims) === changed;
      return isChanged && (record === undefined || records.get(id) === record);
    }
    this.#state.wait(id, changed);
    this.#state.lanes.putMarks(Number.POSITIVE_INFINITY);
    if (record !== undefined) records.set(id, record);
    return true;
  }

  async retryDead(retries: readonly DeadJobRetry[], now: number): Promise<readonly boolean[]> {
    const retried = retries.map(({ id, deadSince, claims, runAt, record, flow }) => {
      // A job that was made anew under the id keeps its place, and its lease.
      if (this.#state.dead.score(id) !== deadSince || this.#state.due.score(id) !== undefined) return false;
      this.#state.removeDead(id);
      this.#state.add(id, record, flow && this.#state.lanes.join(flow, false, now));
      this.#state.wait(id, waitingScore(runAt, claims));
      this.#state.counters.retriedDead++;
      return true;
    });
    this.#state.lanes.putMarks(now);
    return retried;
  }

  async removeDead(ids: readonly string[]): Promise<number> {
    const removed = ids.filter((id) => this.#state.removeDead(id)).length;
    this.#state.counters.removed += removed;
    return removed;
  }

  async clear(cleared: ClearableState, now: number): Promise<{ readonly cleared: number; readonly next: undefined }> {
    return { cleared: await this.#clear(cleared, now), next: undefined };
  }

  async #clear(cleared: ClearableState, now: number): Promise<number> {
    const state = this.#state;
    if (cleared === "dead") return this.removeDead([...state.deadRecords.keys()]);
    if (cleared === "completed") {
      const count = countJobs(state, now).completed;
      state.done.clear();
      for (const [id] of [...state.ended.from(0)]) state.ended.delete(id);
      return count;
    }
    const meant: readonly JobState[] = cleared === "pending" ? ["scheduled", "ready"] : [cleared];
    const ids = [...state.due.from(0)].filter(([id, score]) => isJob(id) && meant.includes(stateOf(score, now)));
    for (const [id] of ids) state.remove(id);
    state.lanes.putMarks(now);
    state.counters.cancelled += ids.length;
    return ids.length;
  }

  async findFlow(key: string, now: number): Promise<FlowState | undefined> {
    return this.#state.lanes.find(key, now);
  }

  async listFlows({ cursor, limit, now }: FlowPageRequest): Promise<Page<FlowState>> {
    return pageOfFlows(this.#state.lanes.list(now), cursor, limit);
  }

  async changeFlow(key: string, change: FlowChange, now: number): Promise<void> {
    this.#state.lanes.change(key, change, now);
    this.#state.lanes.putMarks(now);
  }

  async pulse(): Promise<string> {
    return JSON.stringify(countJobs(this.#state, 0));
  }

  async stats(now: number, withNames = false): Promise<StoredStats> {
    const counts = countJobs(this.#state, now);
    return withNames ? { ...counts, completed: 0, names: this.#state.tally.names(now, 0) } : counts;
  }

  async figures(now: number, days: number): Promise<readonly StoredNameFigures[]> {
    return this.#state.tally.names(now, days);
  }

  async pending(now: number): Promise<StoredPending> {
    return countPending(this.#state, now);
  }

  async history(now: number, hours: number): Promise<readonly StoredHour[]> {
    return this.#state.tally.hoursUntil(now, hours);
  }

  async setPaused(paused: boolean): Promise<void> {
    this.#state.paused = paused;
  }

  async putSchedule(put: SchedulePut): Promise<boolean> {
    const score = renewedScore(put);
    if (!this.#stands(put)) {
      // Asked again, for its answer was lost, it finds its own work.
      const stored = this.#state.schedules.get(put.key);
      return this.#scoreOf(put) === score && stored !== undefined && textOf(stored) === textOf(put);
    }
    this.#state.putSchedule(put.key, put, score);
    return true;
  }

  /** Whether a schedule still stands as it was read. */
  #stands(put: SchedulePut): boolean {
    return this.#scoreOf(put) === readScore(put.from);
  }

  #scoreOf({ key }: SchedulePut): number | undefined {
    return this.#state.due.score(SCHEDULE_MEMBER + key);
  }

  async findSchedule(key: string): Promise<StoredSchedule | undefined> {
    return findSchedule(this.#state, key);
  }

  async listSchedules(): Promise<readonly StoredSchedule[]> {
    return [...this.#state.schedules.keys()].flatMap((key) => findSchedule(this.#state, key) ?? []);
  }

  async removeSchedule(key: string): Promise<boolean> {
    this.#state.due.delete(SCHEDULE_MEMBER + key);
    return this.#state.schedules.delete(key);
  }

  async declare({ from, manifest, put, remove }: ManifestChange): Promise<boolean> {
    if (this.#state.manifest === manifest) return true;
    if (this.#state.manifest !== from || !put.every((schedule) => this.#stands(schedule))) return false;
    this.#state.manifest = manifest;
    for (const key of remove) await this.removeSchedule(key);
    for (const each of put) this.#state.putSchedule(each.key, each, renewedScore(each));
    return true;
  }
  async findDocument(kind: string, name: string, now: number): Promise<StoredDocument | undefined> {
    return this.#state.documents.find(kind, name, now);
  }

  async listDocuments(page: DocumentPageRequest): Promise<Page<StoredDocument>> {
    return this.#state.documents.list(page);
  }

  async changeDocuments(changes: readonly DocumentChange[], now: number): Promise<boolean> {
    return this.#state.documents.change(changes, now);
  }
}

/** What a schedule is stored with, to compare it. */
function textOf({ record, plan }: Pick<StoredSchedule, "record" | "plan">): string {
  return JSON.stringify([record, plan]);
}
