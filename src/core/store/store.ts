import { invalidRequest } from "../shared/errors.ts";
import type { Cost, Meter } from "./meter.ts";
import type { ManifestChange, SchedulePut, StoredSchedule } from "./schedules.ts";
import type { StoredStats } from "./stats.ts";

/**
 * The store port: what a queue asks of the place that keeps its jobs. It speaks of jobs, leases and slots, never of Redis.
 *
 * Every method is atomic and safe to send twice: ids are made by the caller, and an outcome carries the lease it settles.
 * All times are milliseconds since 1970 by the caller's clock. Records are opaque text to a store. Where a store cannot be
 * reached, a method throws `TidegateError` with the code `store_unavailable`.
 */

/** How often a claim count wraps: it identifies leases that are close in time, it is no statistic. */
export const CLAIM_CYCLE = 512;

/** Opens the part of a store that belongs to one queue. Opening costs nothing and may be done any number of times. */
export interface Store {
  /**
   * Gives the part of the store that belongs to one queue.
   *
   * @param queue the name of the queue.
   * @param meter is added to by each call, so that whoever opened the store knows what it spent.
   * @param partition which part of the queue, from 0, where it is spread over several. Default: the queue as one that is not.
   */
  open(queue: string, meter?: Meter, partition?: number): QueueStore;
}

/** @param taker what needs a store, for the message. @throws {TidegateError} `invalid_request` for what is none. */
export function checkStore(store: unknown, taker: string): void {
  if (typeof (store as Partial<Store> | null | undefined)?.open !== "function")
    throw invalidRequest(`${taker} needs a store, such as memoryStore() or upstashStore({ url, token }).`);
}

/** The right to settle one job until `endsAt`. No two claims of a job have the same `claims` and `endsAt`. */
export interface Lease {
  readonly id: string;
  /** How often the job has been claimed, modulo `CLAIM_CYCLE`. */
  readonly claims: number;
  readonly endsAt: number;
}

export interface NewJob {
  readonly id: string;
  /** False where the id came from a user, so that finished jobs must be looked through too. */
  readonly isFreshId: boolean;
  readonly runAt: number;
  readonly record: string;
  readonly dedupe?: { readonly key: string; readonly ttlMs: number };
  /** Leases the job to the caller at once, if it is new and the queue is not paused: the eager start. */
  readonly leaseEndsAt?: number;
}

export interface EnqueueReply {
  readonly status: "enqueued" | "duplicate";
  /** The id of the job that exists: with `dedupe` it may be another one than was sent. */
  readonly id: string;
  /** The run time of the job that exists; undefined when it is running or finished. */
  readonly runAt: number | undefined;
  /** The lease, where one was asked for and granted. */
  readonly lease: Lease | undefined;
}

/** How long an attempt had waited when it started, from when it was due, and how long it ran. */
export interface Timing {
  readonly waitedMs: number;
  readonly ranMs: number;
}

/** What became of one leased job; with its timing, where an attempt was made. */
export type Outcome = { readonly timing?: Timing | undefined } & (
  | { readonly to: "completed"; readonly lease: Lease; readonly record: string }
  /** Waits for its next attempt. Counted as retried. */
  | { readonly to: "retried"; readonly lease: Lease; readonly runAt: number; readonly record: string }
  /**
   * Waits again, without an attempt being used (snoozed, released): the record says so. Where it cannot be written, `claims`
   * says so: how often the job counts as claimed from then on. Default: as the lease has it.
   */
  | {
      readonly to: "returned";
      readonly lease: Lease;
      readonly runAt: number;
      readonly record: string;
      readonly claims?: number;
    }
  | { readonly to: "dead"; readonly lease: Lease; readonly at: number; readonly record: string }
);

/** Makes the jobs of a schedule's slot and moves the schedule on, if it still stands at `slot` as it was read. */
export interface Fire {
  readonly key: string;
  readonly slot: number;
  /** As it was read. Default 0. */
  readonly revision?: number | undefined;
  /** When the schedule is due again; undefined where it never is. */
  readonly next: number | undefined;
  readonly record: string;
  readonly jobs: readonly { readonly id: string; readonly runAt: number; readonly record: string }[];
  /** Makes no job while this one is alive (`overlap: "skip"`), and stores `skippedRecord` instead. */
  readonly unless?: { readonly id: string; readonly skippedRecord: string };
}

export interface ExchangeRequest {
  readonly now: number;
  readonly settle: readonly Outcome[];
  readonly fire: readonly Fire[];
  /** How many due jobs and schedules to take at most; 0 only looks. */
  readonly limit: number;
  /** False, where nothing is to be taken, leaves out the look at what comes next: nothing is told of it. Default true. */
  readonly looks?: boolean;
  /**
   * How old what is known of a partition may be, in ms, where something is to be taken: one looked at longer ago is looked at in
   * passing, for what others have enqueued. Default: as old as it is.
   */
  readonly freshMs?: number;
  /** Whether to count what is `left`, which costs a command where anything is. Default false. */
  readonly counts?: boolean;
  readonly leaseMs: number;
  /** How long completed jobs are kept; 0 keeps none. */
  readonly retentionMs: number;
  /** How long the store may pause between sends, in all. Default: as it sees fit. */
  readonly pauseMs?: number;
  /** True where an earlier exchange that failed may have settled the same outcomes. */
  readonly repeated?: boolean;
}

/** How much an exchange does, as far as it decides what that costs. */
export interface ExchangeSize {
  /** How many outcomes it hands in. */
  readonly settles?: number;
  /** How many schedules it fires. */
  readonly fires?: number;
  /** How many jobs these make. */
  readonly firedJobs?: number;
  /** How many jobs and schedules it takes at most; undefined where it does not even look at what comes next. */
  readonly claims?: number | undefined;
  /** Whether an earlier request may have done the same, so that the store must look for its own work. */
  readonly repeated?: boolean;
}

/** The size of a request. */
export function sizeOf({ settle, fire, limit, looks = true, repeated = false }: ExchangeRequest): ExchangeSize {
  const firedJobs = fire.reduce((sum, { jobs }) => sum + jobs.length, 0);
  return { settles: settle.length, fires: fire.length, firedJobs, claims: looks ? limit : undefined, repeated };
}

export interface ClaimedJob {
  readonly lease: Lease;
  readonly record: string;
  /** When the job was due: its run time, or the end of a lease that ran out. */
  readonly dueAt: number;
}

export interface DueSchedule {
  readonly key: string;
  readonly slot: number;
  /** How often it has been stored anew at this slot. */
  readonly revision: number;
  readonly record: string;
}

/** What an exchange, or a peek, sees next in line. */
export interface Outlook {
  readonly paused: boolean;
  /** When something next needs attention: a run time, a slot, or the end of a lease. It lies in the past with a backlog. */
  readonly nextAt: number | undefined;
}

export interface ExchangeReply extends Outlook {
  /** For each outcome, in order: was it accepted? False means that the lease had been lost, undefined that `failure` hides it. */
  readonly settled: readonly (boolean | undefined)[];
  /** Why one of several partitions gave no answer, where another did. What was meant for that one is safe to send again. */
  readonly failure?: unknown;
  readonly fired: readonly FireReply[];
  readonly jobs: readonly ClaimedJob[];
  /** Schedules whose slot has come. They stay due until they are fired. */
  readonly schedules: readonly DueSchedule[];
  /** How many more are due behind the first `limit`; 0 where they were not to be counted. */
  readonly left: number;
}

/** `fired` made its jobs, `skipped` made none for overlap, `stale` means that somebody else had fired the slot. */
export type FireReply = "fired" | "skipped" | "stale";

/**
 * Where a job stands: `scheduled` (its run time is ahead), `ready` (it is due), `running` (an invocation holds its lease),
 * `completed` (kept for the queue's `retention`), `dead` (in the dead letter).
 */
export type JobState = "scheduled" | "ready" | "running" | "completed" | "dead";

export const jobStates: readonly JobState[] = ["scheduled", "ready", "running", "completed", "dead"];

export interface StoredJob {
  readonly id: string;
  readonly state: JobState;
  readonly record: string;
  /** When it needs attention; for a running job the end of its lease; for a dead one when it died; 0 for a completed one. */
  readonly at: number;
  readonly claims: number;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Where the next page begins; undefined on the last one. */
  readonly cursor: string | undefined;
}

export interface PageRequest {
  readonly cursor: string | undefined;
  readonly limit: number;
  /** How many bytes of records the page has at most, beyond its first job. */
  readonly mostBytes: number;
  readonly now: number;
}

/** Those of some jobs that lie dead. */
export interface FoundDead {
  /** In the order of their ids; in partitions those of one after the other. */
  readonly jobs: readonly StoredJob[];
  /** The ids that were not looked for, since what was found is large already. */
  readonly rest: readonly string[];
}

/** States that can be cleared: `pending` is scheduled and ready together. Running jobs are never cleared. */
export type ClearableState = "pending" | "scheduled" | "ready" | "completed" | "dead";

export const clearableStates: readonly ClearableState[] = ["pending", "scheduled", "ready", "completed", "dead"];

/** A change to a waiting job, made only if it still stands as it was read. */
export interface Change {
  readonly id: string;
  readonly from: { readonly at: number; readonly claims: number };
  readonly runAt: number;
  /** Undefined leaves it as it is. */
  readonly record: string | undefined;
}

/** A dead job that is to live again, if it still lies dead since `diedAt`. */
export interface Revival {
  readonly id: string;
  readonly diedAt: number;
  readonly claims: number;
  readonly runAt: number;
  readonly record: string;
}

/** The jobs of one queue, as a store keeps them. Queues call it; a program of yours has no need to. */
export interface QueueStore {
  /** The most that an exchange of this size costs where no answer is lost. All of its requests are sent, and counted, at once. */
  mostOfExchange(size: ExchangeSize): Cost;
  /** The most that `peekWithManifest` costs. */
  readonly mostOfLook: Cost;
  /** The most that `partitions` costs. */
  readonly mostOfPartitions: Cost;
  /** The most that `listSchedules` and a `declare` of so many schedules cost. */
  mostOfDeclaring(schedules: number): Cost;
  /** Gives a source of ids for the jobs of one enqueue that have none: made by `newId`, and such that they can be stored together. */
  idSource(newId: () => string): (dedupeKey?: string) => string;
  /** Stores all of the jobs or none; one reply each, in order. A job whose id or dedupe key is taken is left out. */
  enqueue(jobs: readonly NewJob[], now: number): Promise<readonly EnqueueReply[]>;
  /** Hands in what finished and takes what is due, in one round trip. */
  exchange(request: ExchangeRequest): Promise<ExchangeReply>;
  /**
   * Tells over how many partitions the queue is spread; 1 where it is not. Asked of the queue as a whole, not of a partition. Once it
   * is spread, every other call to the whole fails with `invalid_request`.
   *
   * @param wanted over how many it is spread from now on, if nothing is stored of it yet. Default 1: only asks.
   */
  partitions(wanted?: number): Promise<number>;
  /** Looks without taking, as cheaply as can be. The answer may be stale: decide nothing by it that an exchange would not undo. */
  peek(): Promise<Outlook>;
  /** The same together with the mark of the code whose declared schedules are in force; undefined before the first. */
  peekWithManifest(): Promise<Outlook & { readonly manifest: string | undefined }>;
  /** Moves the end of a lease, or rewrites the record under it; undefined when the lease was lost. */
  extend(lease: Lease, endsAt: number, record?: string): Promise<Lease | undefined>;
  /** Reads one job, in whatever state. */
  find(id: string, now: number): Promise<StoredJob | undefined>;
  /** Reads those of the jobs that lie dead, until their records have `mostBytes`; looks for one of the ids at least. */
  findDead(ids: readonly string[], mostBytes: number): Promise<FoundDead>;
  /** Reads a page of the jobs of one state. It may be short, or empty, with more to come. */
  list(state: JobState, page: PageRequest): Promise<Page<StoredJob>>;
  /** Removes a waiting job. `running` and `missing` changed nothing. */
  cancel(id: string, now: number): Promise<"cancelled" | "running" | "missing">;
  /** Rewrites a waiting job; false when it was claimed, changed or removed meanwhile. */
  change(change: Change): Promise<boolean>;
  /** One answer for each revival: false where the job lies dead no more. */
  revive(revivals: readonly Revival[]): Promise<readonly boolean[]>;
  /** How many of the ids were dead and are gone now. */
  removeDead(ids: readonly string[]): Promise<number>;
  /**
   * Removes a piece of the jobs of a state. `next`, where there is one, is the `from` of the piece that follows.
   *
   * @param most how many members the store looks at for it. Default: as it sees fit.
   */
  clear(
    state: ClearableState,
    now: number,
    from?: string,
    most?: number,
  ): Promise<{ readonly cleared: number; readonly next: string | undefined }>;
  /** Counts, all of one moment. */
  stats(now: number): Promise<StoredStats>;
  /** Pauses the queue, or resumes it: while it is paused an exchange takes nothing. */
  setPaused(paused: boolean): Promise<void>;
  /** Stores a schedule; false where the one with its key has been fired, moved or removed meanwhile. */
  putSchedule(schedule: SchedulePut): Promise<boolean>;
  /** Reads one schedule. */
  findSchedule(key: string): Promise<StoredSchedule | undefined>;
  /** Reads all schedules. */
  listSchedules(): Promise<readonly StoredSchedule[]>;
  /** Removes a schedule; false where there was none. */
  removeSchedule(key: string): Promise<boolean>;
  /**
   * Puts declared schedules in force if the manifest is still `from`: stores what is declared, removes what is not any more.
   * False when another was faster, or a schedule to be stored has been fired, moved or removed meanwhile.
   */
  declare(change: ManifestChange): Promise<boolean>;
}

/** The members of a queue store that answer by themselves, without reaching out to where the jobs are. */
export type LocalMember = "mostOfExchange" | "mostOfLook" | "mostOfPartitions" | "mostOfDeclaring" | "idSource";

export const localMembers: ReadonlySet<PropertyKey> = new Set<LocalMember>([
  ...(["mostOfExchange", "mostOfLook", "mostOfPartitions", "mostOfDeclaring", "idSource"] as const),
]);
