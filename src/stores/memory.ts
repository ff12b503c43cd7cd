import {
  type Change,
  CLAIM_CYCLE,
  type ClaimedJob,
  type ClearableState,
  type DueSchedule,
  type EnqueueReply,
  type ExchangeReply,
  type ExchangeRequest,
  type Fire,
  type FireReply,
  type JobState,
  type Lease,
  type ManifestChange,
  type Meter,
  MOST_CLAIMED_BYTES,
  type NewJob,
  type Outcome,
  type Outlook,
  type Page,
  type PageRequest,
  type QueueStore,
  type Revival,
  type Store,
  type StoredJob,
  type StoredSchedule,
  type StoredStats,
} from "../core/store.ts";
import { badCursor, type Cursor, readCursor, writeCursor } from "./cursor.ts";
import { leaseScore, SCHEDULE_MEMBER, scoreAfter, unpack, waitingScore } from "./score.ts";
import { SortedSet } from "./sorted-set.ts";

const encoder = new TextEncoder();

interface Finished {
  readonly record: string;
  readonly expiresAt: number;
}

/**
 * Keeps jobs in memory: for tests, for local runs, and as the specification of what a store does. Everything is gone with
 * the process. It holds plain data and every method ends in the turn in which it was called, so requests may share it.
 */
export function memoryStore(): Store {
  const queues = new Map<string, MemoryQueue>();
  return {
    open(name, meter) {
      const queue = queues.get(name) ?? new MemoryQueue();
      queues.set(name, queue);
      return meter ? metered(queue, meter) : queue;
    },
  };
}

/** Counts each call as the round trip that it would be elsewhere. */
function metered(queue: QueueStore, meter: Meter): QueueStore {
  return new Proxy(queue, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function" || name === "mostCommands") return member;
      return (...parameters: unknown[]) => {
        meter.roundTrips++;
        return member.apply(target, parameters);
      };
    },
  });
}

class MemoryQueue implements QueueStore {
  readonly #due = new SortedSet();
  readonly #records = new Map<string, string>();
  readonly #dead = new SortedSet();
  readonly #deadRecords = new Map<string, string>();
  readonly #done = new Map<string, Finished>();
  readonly #windows = new Map<string, { readonly endsAt: number; readonly id: string }>();
  readonly #schedules = new Map<string, string>();
  readonly #counters = { processed: 0, retried: 0, cancelled: 0, revived: 0, removed: 0 };
  #paused = false;
  #manifest: string | undefined;

  mostCommands(): number {
    return 0;
  }

  async enqueue(jobs: readonly NewJob[], now: number): Promise<readonly EnqueueReply[]> {
    return jobs.map((job) => this.#enqueueOne(job, now));
  }

  #enqueueOne(job: NewJob, now: number): EnqueueReply {
    if (this.#exists(job.id, now)) return this.#duplicate(job.id);
    const window = job.dedupe && this.#windows.get(job.dedupe.key);
    if (window && window.endsAt > now && this.#exists(window.id, now)) return this.#duplicate(window.id);
    const isLeased = job.leaseEndsAt !== undefined && !this.#paused;
    const lease = isLeased ? { id: job.id, claims: 1, endsAt: job.leaseEndsAt as number } : undefined;
    this.#due.set(job.id, lease ? leaseScore(lease) : waitingScore(job.runAt));
    this.#records.set(job.id, job.record);
    if (job.dedupe) this.#windows.set(job.dedupe.key, { endsAt: now + job.dedupe.ttlMs, id: job.id });
    return { status: "enqueued", id: job.id, runAt: job.runAt, lease };
  }

  #exists(id: string, now: number): boolean {
    const finished = this.#done.get(id);
    if (finished && finished.expiresAt <= now) this.#done.delete(id);
    return this.#due.score(id) !== undefined || this.#dead.score(id) !== undefined || this.#done.has(id);
  }

  #duplicate(id: string): EnqueueReply {
    const score = this.#due.score(id);
    const position = score === undefined ? undefined : unpack(score);
    return { status: "duplicate", id, runAt: position?.isLeased ? undefined : position?.at, lease: undefined };
  }

  async exchange(request: ExchangeRequest): Promise<ExchangeReply> {
    const settled = request.settle.map((outcome) => this.#settle(outcome, request));
    const fired = request.fire.map((fire) => this.#fire(fire));
    const jobs: ClaimedJob[] = [];
    const schedules: DueSchedule[] = [];
    if (!this.#paused) this.#claim(request, jobs, schedules);
    const taken = new Set([...schedules.map(({ key }) => SCHEDULE_MEMBER + key), ...jobs.map(({ lease }) => lease.id)]);
    return { paused: this.#paused, nextAt: this.#nextAt(taken), settled, fired, jobs, schedules };
  }

  #settle(outcome: Outcome, { now, retentionMs }: ExchangeRequest): boolean {
    const { lease, record } = outcome;
    if (this.#due.score(lease.id) !== leaseScore(lease)) return false;
    if (outcome.to === "retried" || outcome.to === "returned") {
      this.#due.set(lease.id, waitingScore(outcome.runAt, lease.claims));
      this.#records.set(lease.id, record);
      if (outcome.to === "retried") this.#counters.retried++;
      return true;
    }
    this.#remove(lease.id);
    if (outcome.to === "dead") {
      this.#dead.set(lease.id, outcome.at);
      this.#deadRecords.set(lease.id, record);
    } else {
      this.#counters.processed++;
      if (retentionMs > 0) this.#done.set(lease.id, { record, expiresAt: now + retentionMs });
    }
    return true;
  }

  #remove(id: string): void {
    this.#due.delete(id);
    this.#records.delete(id);
  }

  #fire(fire: Fire): FireReply {
    const member = SCHEDULE_MEMBER + fire.key;
    if (this.#due.score(member) !== waitingScore(fire.slot)) return "stale";
    const skipped =
      fire.unless && this.#due.score(fire.unless.id) !== undefined ? fire.unless.skippedRecord : undefined;
    this.#place(fire.key, skipped ?? fire.record, fire.next);
    for (const job of skipped === undefined ? fire.jobs : []) {
      if (this.#due.score(job.id) !== undefined) continue;
      this.#due.set(job.id, waitingScore(job.runAt));
      this.#records.set(job.id, job.record);
    }
    return skipped === undefined ? "fired" : "skipped";
  }

  #claim({ now, limit, leaseMs }: ExchangeRequest, jobs: ClaimedJob[], schedules: DueSchedule[]): void {
    let bytes = 0;
    for (const [member, score] of this.#firstDue(now, limit)) {
      if (member.startsWith(SCHEDULE_MEMBER)) {
        const key = member.slice(SCHEDULE_MEMBER.length);
        schedules.push({ key, slot: unpack(score).at, record: this.#schedules.get(key) as string });
        continue;
      }
      const record = this.#records.get(member) as string;
      bytes += encoder.encode(record).length;
      if (bytes > MOST_CLAIMED_BYTES && jobs.length > 0) break;
      const { at, claims } = unpack(score);
      const lease = { id: member, claims: (claims + 1) % CLAIM_CYCLE, endsAt: now + leaseMs };
      this.#due.set(member, leaseScore(lease));
      jobs.push({ lease, record, dueAt: at });
    }
  }

  #firstDue(now: number, limit: number): (readonly [string, number])[] {
    const first: (readonly [string, number])[] = [];
    for (const entry of this.#due.from(0)) {
      if (first.length === limit || entry[1] >= scoreAfter(now)) break;
      first.push(entry);
    }
    return first;
  }

  #nextAt(except?: ReadonlySet<string>): number | undefined {
    for (const [member, score] of this.#due.from(0)) {
      if (!except?.has(member)) return unpack(score).at;
    }
    return undefined;
  }

  async peek(): Promise<Outlook> {
    return { paused: this.#paused, nextAt: this.#nextAt() };
  }

  async peekWithManifest(): Promise<Outlook & { readonly manifest: string | undefined }> {
    return { paused: this.#paused, nextAt: this.#nextAt(), manifest: this.#manifest };
  }

  async extend(lease: Lease, endsAt: number, record?: string): Promise<Lease | undefined> {
    if (this.#due.score(lease.id) !== leaseScore(lease)) return undefined;
    const extended = { ...lease, endsAt };
    this.#due.set(lease.id, leaseScore(extended));
    if (record !== undefined) this.#records.set(lease.id, record);
    return extended;
  }

  async find(id: string, now: number): Promise<StoredJob | undefined> {
    const score = this.#due.score(id);
    if (score !== undefined) return this.#stored(id, score, now);
    if (!this.#exists(id, now)) return undefined;
    const finished = this.#done.get(id);
    if (finished) return { id, state: "completed", record: finished.record, at: 0, claims: 0 };
    return this.#storedDead(id);
  }

  #stored(id: string, score: number, now: number): StoredJob {
    const { at, claims } = unpack(score);
    return { id, state: stateOf(score, now), record: this.#records.get(id) as string, at, claims };
  }

  #storedDead(id: string): StoredJob {
    return {
      id,
      state: "dead",
      record: this.#deadRecords.get(id) as string,
      at: this.#dead.score(id) as number,
      claims: 0,
    };
  }

  async list(state: JobState, { cursor, limit, now }: PageRequest): Promise<Page<StoredJob>> {
    if (state === "completed") return this.#listCompleted(cursor, limit, now);
    const last = readCursor(cursor);
    const items: StoredJob[] = [];
    let lastScore = 0;
    for (const [id, score] of state === "dead" ? this.#deadBefore(last) : this.#dueAfter(last)) {
      const isMeant = state === "dead" || (!id.startsWith(" ") && stateOf(score, now) === state);
      if (!isMeant) continue;
      if (items.length === limit)
        return { items, cursor: writeCursor({ score: lastScore, id: items.at(-1)?.id ?? "" }) };
      items.push(state === "dead" ? this.#storedDead(id) : this.#stored(id, score, now));
      lastScore = score;
    }
    return { items, cursor: undefined };
  }

  #deadBefore(last: Cursor | undefined): Iterable<readonly [string, number]> {
    return this.#dead.downFrom(last ? this.#dead.countBefore(last.score, last.id) - 1 : this.#dead.size - 1);
  }

  *#dueAfter(last: Cursor | undefined): Generator<readonly [string, number]> {
    for (const entry of this.#due.from(last ? this.#due.countBefore(last.score, last.id) : 0)) {
      if (entry[1] !== last?.score || entry[0] !== last.id) yield entry;
    }
  }

  #listCompleted(cursor: string | undefined, limit: number, now: number): Page<StoredJob> {
    const start = cursor === undefined ? 0 : Number(cursor);
    if (!Number.isSafeInteger(start) || start < 0) throw badCursor();
    const ids = [...this.#done.keys()].filter((id) => this.#exists(id, now));
    const items = ids
      .slice(start, start + limit)
      .map(
        (id): StoredJob => ({ id, state: "completed", record: this.#done.get(id)?.record as string, at: 0, claims: 0 }),
      );
    return { items, cursor: start + limit < ids.length ? String(start + limit) : undefined };
  }

  async cancel(id: string, now: number): Promise<"cancelled" | "running" | "missing"> {
    const score = this.#due.score(id);
    if (score === undefined) return "missing";
    if (stateOf(score, now) === "running") return "running";
    this.#remove(id);
    this.#counters.cancelled++;
    return "cancelled";
  }

  async change({ id, from, runAt, record }: Change): Promise<boolean> {
    const score = this.#due.score(id);
    if (score === undefined) return false;
    const { at, claims } = unpack(score);
    if (at !== from.at || claims !== from.claims) return false;
    this.#due.set(id, waitingScore(runAt, claims));
    this.#records.set(id, record);
    return true;
  }

  async revive(revivals: readonly Revival[]): Promise<readonly boolean[]> {
    return revivals.map(({ id, diedAt, claims, runAt, record }) => {
      if (this.#dead.score(id) !== diedAt) return false;
      this.#bury(id);
      this.#due.set(id, waitingScore(runAt, claims));
      this.#records.set(id, record);
      this.#counters.revived++;
      return true;
    });
  }

  #bury(id: string): boolean {
    this.#deadRecords.delete(id);
    return this.#dead.delete(id);
  }

  async removeDead(ids: readonly string[]): Promise<number> {
    const removed = ids.filter((id) => this.#bury(id)).length;
    this.#counters.removed += removed;
    return removed;
  }

  async clear(
    state: ClearableState,
    now: number,
  ): Promise<{ readonly cleared: number; readonly next: string | undefined }> {
    if (state === "dead") return { cleared: await this.removeDead([...this.#deadRecords.keys()]), next: undefined };
    if (state === "completed") {
      const cleared = [...this.#done.keys()].filter((id) => this.#exists(id, now)).length;
      this.#done.clear();
      return { cleared, next: undefined };
    }
    const ids = [...this.#due.from(0)]
      .filter(([id, score]) => !id.startsWith(" ") && isOneOf(stateOf(score, now), state))
      .map(([id]) => id);
    for (const id of ids) this.#remove(id);
    this.#counters.cancelled += ids.length;
    return { cleared: ids.length, next: undefined };
  }

  async stats(now: number): Promise<StoredStats> {
    const count = { scheduled: 0, ready: 0, running: 0, completed: 0, dead: 0 };
    let oldestReadyAt: number | undefined;
    for (const [member, score] of this.#due.from(0)) {
      if (member.startsWith(" ")) continue;
      const state = stateOf(score, now);
      count[state]++;
      if (state === "ready") oldestReadyAt ??= unpack(score).at;
    }
    const { processed, retried, cancelled, revived, removed } = this.#counters;
    const died = this.#dead.size + revived + removed;
    return {
      ...count,
      dead: this.#dead.size,
      completed: [...this.#done.keys()].filter((id) => this.#exists(id, now)).length,
      processed,
      retried,
      died,
      enqueued: this.#records.size + processed + died + cancelled - revived,
      paused: this.#paused,
      nextAt: this.#nextAt(),
      oldestReadyAt,
    };
  }

  async setPaused(paused: boolean): Promise<void> {
    this.#paused = paused;
  }

  async putSchedule({ key, record, next }: StoredSchedule): Promise<void> {
    this.#place(key, record, next);
  }

  #place(key: string, record: string, next: number | undefined): void {
    this.#schedules.set(key, record);
    if (next === undefined) this.#due.delete(SCHEDULE_MEMBER + key);
    else this.#due.set(SCHEDULE_MEMBER + key, waitingScore(next));
  }

  async findSchedule(key: string): Promise<StoredSchedule | undefined> {
    const record = this.#schedules.get(key);
    if (record === undefined) return undefined;
    const score = this.#due.score(SCHEDULE_MEMBER + key);
    return { key, record, next: score === undefined ? undefined : unpack(score).at };
  }

  async listSchedules(): Promise<readonly StoredSchedule[]> {
    const found = await Promise.all([...this.#schedules.keys()].map((key) => this.findSchedule(key)));
    return found.filter((schedule) => schedule !== undefined);
  }

  async removeSchedule(key: string): Promise<boolean> {
    this.#due.delete(SCHEDULE_MEMBER + key);
    return this.#schedules.delete(key);
  }

  async declare({ from, manifest, put, remove }: ManifestChange): Promise<boolean> {
    if (this.#manifest !== from && this.#manifest !== manifest) return false;
    this.#manifest = manifest;
    for (const key of remove) await this.removeSchedule(key);
    for (const schedule of put) await this.putSchedule(schedule);
    return true;
  }
}

/** A lease that has run out makes its job ready again, by itself. */
function stateOf(score: number, now: number): "scheduled" | "ready" | "running" {
  if (score < scoreAfter(now)) return "ready";
  return unpack(score).isLeased ? "running" : "scheduled";
}

function isOneOf(state: JobState, cleared: ClearableState): boolean {
  return cleared === "pending" ? state === "scheduled" || state === "ready" : state === cleared;
}
