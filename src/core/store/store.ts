import { invalidRequest } from "../shared/errors.ts";
import type { DocumentChange, StoredDocument } from "./documents.ts";
import type { FamilyCounts, FamilyStatus, NewFamily, NewMember } from "./family.ts";
import type { FlowChange, FlowState, JobFlow } from "./flow.ts";
import type { Meter } from "./meter.ts";
import type { ScheduleChange, ScheduleEntry, StoredSchedule } from "./schedules.ts";
import type { NewSignal, SignalReply } from "./signals.ts";
import type { PausedJobs, StoredHour, StoredNameMetrics, StoredPending, StoredStats } from "./stats.ts";

/**
 * The store port: the calls that a queue makes to the place that keeps its jobs. It speaks of jobs, leases and
 * occurrences, never of Redis.
 *
 * Every method is atomic and safe to send twice: ids are made by the caller, and an outcome carries the lease that it
 * settles. All times are milliseconds since 1970 by the caller's clock. Records are opaque text to a store. If the
 * store cannot be reached, a method throws a `TidegateError` with the code `store_unavailable`.
 */

/** After this number, a claim count continues at 1: it distinguishes leases that are close in time. */
export const CLAIM_CYCLE = 511;

/** How often a job has been claimed after one more claim. Only a job that was never claimed has 0. */
export const nextClaims = (claims: number): number => (claims % CLAIM_CYCLE) + 1;

/** Keeps the jobs of queues, as `memoryStore`, `upstashStore` and `redisStore` do. */
export interface Store {
  /**
   * Opens the part of the store that belongs to one queue. That costs nothing, and may be done any number of times.
   *
   * @internal
   * @param queue the name of the queue.
   * @param meter counts what each call costs.
   */
  open(queue: string, meter?: Meter): QueueStore;
}

/** Stores jobs, as `upstashProducerStore` does. Every `Store` does it too. */
export interface ProducerStore {
  /**
   * Opens the part of the store that belongs to one queue.
   *
   * @internal
   */
  open(queue: string): EnqueueStore;
}

/** @param taker what needs the store, for the message. @throws {TidegateError} `invalid_request` if it is none. */
export function checkStore(store: unknown, taker: string): void {
  if (typeof (store as Partial<Store> | null | undefined)?.open !== "function")
    throw invalidRequest(`${taker} needs a store, such as memoryStore() or upstashStore({ url, token }).`);
}

/** @param opened what the store has opened. @throws {TidegateError} `invalid_request` if it takes new jobs only. */
export function checkDrainable(opened: EnqueueStore | QueueStore, taker: string): void {
  if (!("settle" in opened))
    throw invalidRequest(`${taker} needs a store that drains too. One of upstashProducerStore is for new Producer.`);
}

/** The right to settle one job until `endsAt`. No two claims of a job have the same `claims` and `endsAt`. */
export interface Lease {
  readonly id: string;
  /** How often the job has been claimed, modulo `CLAIM_CYCLE`. */
  readonly claims: number;
  readonly endsAt: number;
  /** The flow control key whose slot the lease takes. */
  readonly flow?: JobFlow;
  /** With `flow`: when the job was claimed, or leased at enqueue, by the clock of that request. */
  readonly claimedAt?: number;
  /** With `flow`: whether it is one of a run. Default false. */
  readonly isOfRun?: boolean;
  /** What the job waited for when it was claimed, as its record said it. Its outcome ends that. */
  readonly waits?: string;
  /** Its other possible ends, after renewals whose replies were lost. An outcome counts under each of them. */
  readonly mayEndAt?: readonly number[];
  /** What encryption keeps with the lease. Stores pass it on. */
  readonly sealed?: SealedTexts;
}

/** The cipher texts of a job in hand, by what they say. What is the same keeps its own: stores recognize the record. */
export type SealedTexts = Map<string, string | Promise<string>>;

export const CHANGES_KEPT = 1_000;

/** How often a store sends a request whose replies are lost. */
export const MOST_SENDS = 3;

/** The lease that a renewal until `endsAt` obtains. A job whose lease moves leaves its run. */
export function renewedLease({ mayEndAt: _end, isOfRun, ...lease }: Lease, endsAt: number): Lease {
  return { ...lease, endsAt, ...(isOfRun && endsAt === lease.endsAt && { isOfRun }) };
}

/** The leases that the store may have for the job: one of them, if the job is still held. */
export function possibleLeases(lease: Lease): readonly Lease[] {
  const { mayEndAt } = lease;
  return mayEndAt ? [lease, ...mayEndAt.map((endsAt) => renewedLease(lease, endsAt))] : [lease];
}

export interface NewJob extends Omit<NewMember, "parent"> {
  /**
   * False if the id came from a user: finished jobs must then be checked too. If it was made for the job, and the live
   * job under it has this record, a store over the network takes the request for one that has arrived twice.
   */
  readonly isFreshId: boolean;
  readonly dedupe?: {
    readonly key: string;
    readonly ttlMs: number;
    /**
     * Replaces the job that holds the key with this one, if that one waits, has never been attempted, and has a record
     * that begins with this text after its first digit. Default: never. If several jobs of one call do so, the last one
     * is stored.
     */
    readonly replaces?: string;
  };
  /** The eager start: leases a new job to the caller, unless the queue is paused or its key has no free slot. */
  readonly leaseEndsAt?: number;
}

export const enqueueStatuses = ["enqueued", "replaced", "duplicate"] as const;

/** What became of a job: it was stored, it replaced another one and has its id, or it was left out. */
export type EnqueueStatus = (typeof enqueueStatuses)[number];

export interface EnqueueReply {
  readonly status: EnqueueStatus;
  /** The id of the job that exists. With `dedupe` it may differ from the id in the call. */
  readonly id: string;
  /** The run time of the job that exists; undefined when it is running or finished. */
  readonly runAt: number | undefined;
  /** The lease, if it was requested and granted. */
  readonly lease: Lease | undefined;
  /** Whether the database has lost the queue since this process last stored a job in it. Default: false. */
  readonly isEmptied?: boolean;
}

/** How long an attempt waited, from its due time to its start, and how long it ran. */
export interface Timing {
  readonly waitedMs: number;
  readonly ranMs: number;
}

/**
 * How the lease of a job ends. The store, drain reports, hooks, logs and traces use the same words. It has a timing if
 * an attempt was made: without one, the claim no longer counts against the rate of the flow control key.
 */
export type Outcome = {
  /** The job type under which it is counted, if the request observes. Default: none. */
  readonly name?: string | undefined;
  readonly timing?: Timing | undefined;
  /** When the job was due, in ms since 1970: the pace counts it. Default: it does not. */
  readonly dueAt?: number | undefined;
  /** Jobs that are made together with the outcome, or not at all. */
  readonly followUps?: readonly FollowUpJob[] | undefined;
  /**
   * What the job waits for from now on, as the end of its record says it too: only of a job that is snoozed. If a
   * signal was kept for one of these events, the job gets it, and is due at once.
   */
  readonly waits?: string | undefined;
} /** The job is done. `at` is when it ended. Default: `now` of the request. */ & (
  | { readonly to: "completed"; readonly lease: Lease; readonly at?: number; readonly record: string }
  /** The attempt failed, and the job waits for the next one. */
  | { readonly to: "retried"; readonly lease: Lease; readonly runAt: number; readonly record: string }
  /** The job was not started in time, and is dropped. It leaves no record. */
  | { readonly to: "expired"; readonly lease: Lease; readonly record: "" }
  /**
   * The job waits again without using an attempt: it was snoozed, or released before it started. `claims`:
   * how often the job counts as claimed from then on, for a record that cannot say so. Default: as in the lease.
   */
  | {
      readonly to: "snoozed" | "released";
      readonly lease: Lease;
      readonly runAt: number;
      readonly record: string;
      readonly claims?: number;
      /**
       * Set if it was released because this job type is paused. If it is not by now, the job waits until `dueAt`
       * instead of `runAt`: whoever resumes a type moves only the jobs that wait by then.
       */
      readonly held?: { readonly name: string; readonly dueAt: number };
    }
  /** The job is dead. `group`: of its failure (core/job/failure-group.ts). Default: none. */
  | {
      readonly to: "dead";
      readonly lease: Lease;
      readonly at: number;
      readonly record: string;
      readonly group?: string | undefined;
    }
);

/** A job that an occurrence makes. Its limits become those of its key only if the key is new. */
export type FiredJob = Omit<NewMember, "keepsLimits" | "parent">;

/** A job that an outcome makes, unless a live job has its id, or one that an outcome before it in the request makes. */
export type FollowUpJob = NewMember;

/** Makes the jobs of an occurrence and moves the schedule on, if it is still at `occurrence`, as it was read. */
export interface Fire extends ScheduleEntry {
  readonly occurrence: number;
  /** As read. Default 0. */
  readonly revision?: number | undefined;
  /**
   * How far ahead `next` is. If it is much further ahead by the clock of a later claim, the clock of this request was
   * ahead, and that claim hands the schedule out again. Default: no claim checks it.
   */
  readonly reachMs?: number | undefined;
  readonly jobs: readonly FiredJob[];
  /** Makes no job while this one waits or runs (`overlap: "skip"`), and stores `skippedRecord` instead. */
  readonly unless?: { readonly id: string; readonly skippedRecord: string };
}

export interface SettleRequest {
  readonly now: number;
  readonly settle: readonly Outcome[];
  /** How long completed jobs are kept; 0 keeps none. */
  readonly retentionMs: number;
  /** Whether to keep metrics by job type, which only serve observers. Default false. */
  readonly observe?: boolean | undefined;
  /** Leases of jobs that still run. The reply says which are gone, if that takes no extra command. Default: none. */
  readonly watch?: readonly Lease[] | undefined;
  /** Whether a request with the same outcomes may have lost its reply: the store recognizes its work. Default false. */
  readonly isResend?: boolean;
  /** How long the store may pause before it sends the request again, all pauses together. Default: as it sees fit. */
  readonly resendPauseMs?: number;
}

export interface ExchangeRequest extends SettleRequest {
  readonly fire: readonly Fire[];
  /** Default: nothing is claimed. */
  readonly claim?: ClaimRequest | undefined;
}

export interface ClaimRequest {
  /** The most jobs and schedules, at least 1. */
  readonly limit: number;
  readonly leaseMs: number;
  /** Whether to count what is due beyond `limit`. That costs a command if anything is. Default false. */
  readonly countBacklog?: boolean;
  /** Whether a slot of a flow control key may take a run of several jobs. Default: it takes one. */
  readonly runs?: RunLimits | undefined;
  /** Whether the store itself may fire schedules that code declares. Default false: it hands them out. */
  readonly firesDeclared?: boolean;
}

/** How many jobs a run has: for each slot of the key what `ms` are enough for, no more than its part. */
export interface RunLimits {
  readonly ms: number;
  /** How long a job takes on average, if the store does not know it of the key. Default: unknown, so one job a slot. */
  readonly jobMs?: number | undefined;
  /**
   * How many jobs the caller can start at once. A key with limited slots gets more only if the runs of the others leave
   * room: a job that waits for the caller would keep the slot of its key from other drains.
   */
  readonly startable: number;
}

export interface LeaseRenewal {
  readonly lease: Lease;
  /** Later than every end that the lease may have, unless it stays as it is. */
  readonly endsAt: number;
  /** Default: the record stays as it is. */
  readonly record?: string | undefined;
}

/** A job under a lease that the caller holds. */
export interface LeasedJob {
  readonly lease: Lease;
  readonly record: string;
  /** When the job was due: its run time, or the end of a lease that expired. */
  readonly dueAt: number;
  /** True if this exchange has made it, for an occurrence that the store itself has fired. */
  readonly isFired?: boolean;
  /** If it has a flow control key: what the claim says of it. The jobs of one run share this object. */
  readonly run?: Run;
  /** Whether it does not decrypt although its key is there. Default false. */
  readonly isTampered?: boolean;
}

/** Jobs of a flow control key that were claimed together, in order. There is none without limits for the caller. */
export interface Run {
  /** How many of them may run at once, if not all: the key keeps so many slots for them until fewer are left. */
  readonly slots?: number | undefined;
  /** When the window closes in which they were counted: what has not begun by then goes back. Default: never. */
  readonly beginsBefore?: number | undefined;
  /** Whether another job of the key was due, and had no slot. Default false. */
  readonly isAwaited?: boolean | undefined;
}

export interface DueSchedule extends Omit<ScheduleEntry, "next"> {
  readonly occurrence: number;
  /** How often the schedule was changed while it was at this occurrence. */
  readonly revision: number;
}

export interface NextDue {
  readonly paused: boolean;
  /** The next run time, occurrence or end of a lease. In the past if there is a backlog. */
  readonly nextAt: number | undefined;
}

export interface PeekReply extends NextDue {
  /** Of declared schedules; undefined if there is none yet, or if it was not requested. */
  readonly manifest?: string | undefined;
}

export interface SettleReply {
  /** For each outcome: whether it was accepted. If not, its lease is gone. */
  readonly settled: readonly boolean[];
  /** The ids of watched jobs that are known to be gone: cancelled, or ended by another invocation. Default: none. */
  readonly gone?: readonly string[] | undefined;
  /** The ids of jobs that wait for a signal that was kept: they are due. Default: none. */
  readonly woken?: readonly string[] | undefined;
}

export interface ExchangeReply extends SettleReply, NextDue {
  /** Only if it reads what is due. Default: none. */
  readonly pausedJobs?: readonly PausedJobs[] | undefined;
  readonly fired: readonly FireReply[];
  readonly jobs: readonly LeasedJob[];
  /**
   * Schedules with a due occurrence that the store itself has not fired. They stay due until they are fired. Some may
   * be further ahead than the clock of the request can have put them (`Fire.reachMs`).
   */
  readonly schedules: readonly DueSchedule[];
  /** How many more are due beyond the limit of the claim; 0 if it does not count them. */
  readonly backlog: number;
  /** How many jobs and schedules were dropped because Redis evicted their records. Default 0. */
  readonly evicted?: number;
}

/** `skipped` made no job because of `overlap`; `stale`: another invocation has fired the occurrence. */
export type FireReply = "fired" | "skipped" | "stale";

export const jobStates = ["scheduled", "ready", "running", "completed", "dead"] as const;

/**
 * The state of a job: `scheduled` (its run time is ahead, or it waits for its children), `ready` (it is due), `running`
 * (an invocation holds its lease), `completed` (kept for the queue's `retention`), `dead` (in the dead-letter queue).
 */
export type JobState = (typeof jobStates)[number];

export interface StoredJob {
  readonly id: string;
  readonly state: JobState;
  readonly record: string;
  /**
   * When the job needs attention: its run time, or the end of its lease; `WAITS_FOR_CHILDREN_AT` if it waits for its
   * children. For a dead job, since when it is dead. For a completed one, until when it is kept, if a list has found
   * it; else 0.
   */
  readonly at: number;
  readonly claims: number;
  /** Its flow control key. Completed jobs have none, nor does a parent that still waits for its children. */
  readonly flow?: JobFlow;
  /** If it waits for its children: what has become of them. Only `find` reads it. */
  readonly family?: FamilyCounts;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Where the next page begins; undefined on the last page. */
  readonly cursor: string | undefined;
}

export interface PageRequest {
  readonly cursor: string | undefined;
  readonly limit: number;
  /** The most bytes of records on the page, not counting its first job. */
  readonly mostBytes: number;
  readonly now: number;
  /** Only with the state `dead`: the jobs of this group of failures. Default: all. */
  readonly group?: string | undefined;
}

/** Dead jobs with the same kind of failure. */
export interface StoredFailures {
  readonly group: string;
  readonly count: number;
  /** Since when the first of them is dead. */
  readonly firstAt: number;
  /** The latest of them. */
  readonly sample: StoredJob;
  /** How many became dead in each slot of the last 24 hours, oldest first; null where not counted. The last 500 are. */
  readonly trend: readonly (number | null)[];
}

export interface FailuresPage extends Page<StoredFailures> {
  /** How many dead jobs are in no group. */
  readonly ungrouped: number;
}

/** Which groups of failures to read. `mostBytes` limits their samples. */
export interface FailuresRequest extends Omit<PageRequest, "group"> {
  /** How long a slot of the trend is: an hour, or a minute. Default: an hour. */
  readonly slotMs?: number | undefined;
}

/** Which documents to read. The cursor is the last name that was read, and `mostBytes` limits their texts. */
export interface DocumentPageRequest extends Omit<PageRequest, "group"> {
  /** Default: all kinds. Each name then begins with the kind and a colon. */
  readonly kind?: string | undefined;
  /** Only names that begin with this. Default: all. */
  readonly prefix?: string | undefined;
  /** Whether the last name comes first. Default false. */
  readonly isReversed?: boolean | undefined;
}

/** Those of some jobs that were found. */
export interface FoundJobs {
  /** In the order of the ids. */
  readonly jobs: readonly StoredJob[];
  /** The ids that were not read, because the records found are large already. */
  readonly rest: readonly string[];
}

export const clearableStates = ["pending", "scheduled", "ready", "completed", "dead"] as const;

/** States that can be cleared. `pending` is scheduled and ready together. Running jobs are never cleared. */
export type ClearableState = (typeof clearableStates)[number];

export interface Move {
  readonly id: string;
  /** ms since 1970 */
  readonly runAt: number;
}

/** What became of a job to cancel. `running` and `missing` changed nothing. */
export type CancelStatus = "cancelled" | "running" | "missing";

/** A change to a waiting job, made only if the job has not changed since it was read. */
export interface Change {
  readonly id: string;
  readonly from: { readonly at: number; readonly claims: number };
  /** When it runs from now on. A parent runs no earlier than that, and still waits for its children. */
  readonly runAt: number;
  /** What its claim count is from now on. Default: as read. */
  readonly claims?: number;
  /** Default: the record stays as it is. */
  readonly record: string | undefined;
  readonly flow?: JobFlow | undefined;
}

/** Replaces the record of a job, if it is still as it was read. */
export interface RecordRewrite {
  readonly id: string;
  readonly from: string;
  readonly record: string;
}

/** Retries a dead job, if it has been dead since `deadSince`. */
export interface DeadJobRetry {
  readonly id: string;
  readonly deadSince: number;
  readonly claims: number;
  readonly runAt: number;
  readonly record: string;
  /** As read. The job joins the end of the line. */
  readonly flow?: JobFlow | undefined;
}

export interface EnqueueStore {
  readonly enqueue: QueueStore["enqueue"];
}

/** The jobs of one queue, as a store keeps them. The `Queue` class calls it; your code never needs to. */
export interface QueueStore {
  /** Whether requests share a connection that stays open. Workers tie it to the event that opened it. Default: no. */
  readonly keepsConnection?: boolean | undefined;
  /** Whether commands cost nothing: in memory, and on a Redis over TCP. Default: no. */
  readonly isFree?: boolean | undefined;
  /** Stores all jobs or none. A job whose id or dedupe key is taken is left out, or replaces the holder. */
  enqueue(jobs: readonly NewJob[], now: number): Promise<readonly EnqueueReply[]>;
  /** Stores a parent with its children: all of them, or nothing. */
  enqueueFamily(family: NewFamily, now: number): Promise<FamilyStatus>;
  /** Settles outcomes, and nothing else. */
  settle(request: SettleRequest): Promise<SettleReply>;
  /** Settles outcomes, fires schedules, claims what is due, and reports what is due next, in one round trip. */
  exchange(request: ExchangeRequest): Promise<ExchangeReply>;
  /**
   * Reads what is due next, cheaply. The reply may be stale: rely on it only if an exchange corrects it.
   *
   * @param withManifest reads the manifest of declared schedules too. That costs a command. Default false.
   */
  peek(now: number, withManifest?: boolean): Promise<PeekReply>;
  /**
   * Moves the ends of leases, and rewrites the records that are given. Pass no job twice. If the request is sent again,
   * each send ends the leases 1 ms later than the one before it: one that arrives late then overwrites no newer record.
   *
   * @returns for each renewal its new lease, or null if the lease is gone.
   */
  extend(renewals: readonly LeaseRenewal[]): Promise<readonly (Lease | null)[]>;
  /**
   * Brings a signal to the jobs that wait for it: their records get its text, and they are due. A job that runs does
   * not wait. If none waits, the signal is kept for the first one that will.
   */
  signal(signal: NewSignal, now: number): Promise<SignalReply>;
  /** Reads one job, in any state. */
  find(id: string, now: number): Promise<StoredJob | undefined>;
  /**
   * Reads these jobs until their records have `mostBytes`: at least one of the ids.
   *
   * @param onlyDead leaves out those that are not dead. A dead job may have the id of a live one. Default false.
   */
  findEach(ids: readonly string[], mostBytes: number, now: number, onlyDead?: boolean): Promise<FoundJobs>;
  /**
   * Reads a page of the jobs of one state. A page may be short, or empty, with more to come. Waiting and running jobs
   * come in the order of their times, dead and completed ones newest first.
   */
  list(state: JobState, page: PageRequest): Promise<Page<StoredJob>>;
  /** Reads a page of the groups of failures, in the order of their names. It may be short with more to come. */
  failures(page: FailuresRequest): Promise<FailuresPage>;
  /** Removes waiting jobs, with `mayRun` running ones too: their outcomes are then refused. Pass no id twice. */
  cancel(ids: readonly string[], now: number, mayRun?: boolean): Promise<readonly CancelStatus[]>;
  /**
   * Moves waiting jobs, each to a time. A time that is not ahead makes no job later. Returns false for a job that does
   * not wait. Pass no id twice.
   */
  reschedule(moves: readonly Move[], now: number): Promise<readonly boolean[]>;
  /** Rewrites a waiting job; false if it was claimed, changed or removed meanwhile. */
  change(change: Change): Promise<boolean>;
  /**
   * Replaces the records of jobs, and changes nothing else of them. Returns false for a job whose record has changed,
   * or that is no longer where it was read. Pass no id twice.
   *
   * @param state where they were read. Jobs that have not ended may have moved from one state to another.
   */
  rewrite(state: JobState, rewrites: readonly RecordRewrite[]): Promise<readonly boolean[]>;
  /** Retries dead jobs: they wait again. Returns false for a job that is no longer dead. */
  retryDead(retries: readonly DeadJobRetry[], now: number): Promise<readonly boolean[]>;
  /** Removes dead jobs for good. Returns how many of the ids were dead. */
  removeDead(ids: readonly string[], now: number): Promise<number>;
  /**
   * Removes some of the jobs of a state. If there are more, `next` is the `from` of the next call.
   *
   * @param most how many members the store examines. Default: the store decides.
   */
  clear(
    state: ClearableState,
    now: number,
    from?: string,
    most?: number,
  ): Promise<{ readonly cleared: number; readonly next: string | undefined }>;
  /** Reads one flow control key; undefined if the store does not know it. */
  findFlow(key: string, now: number): Promise<FlowState | undefined>;
  /** Reads a page of the flow control keys, in no order. It may be short, or empty, with more to come. */
  listFlows(page: Pick<PageRequest, "cursor" | "limit" | "now">): Promise<Page<FlowState>>;
  /** Changes a flow control key. Returns whether it was paused before. */
  changeFlow(key: string, change: FlowChange, now: number): Promise<boolean>;
  /**
   * Reads a text that changes when a job is enqueued, attempted, cancelled, retried or removed, and when the queue is
   * paused. It may stay the same after a change to a waiting job. It costs 2 commands.
   */
  pulse(): Promise<string>;
  /** Counts everything at once. @param withNames reads metrics by job type instead of completed jobs. Default false. */
  stats(now: number, withNames?: boolean): Promise<StoredStats>;
  /**
   * Reads what was settled of each job type, in no order: in the last hour, and on each of the last `days` (UTC). Job
   * types after the first `NAMES_KEPT` are counted together.
   */
  figures(now: number, days: number): Promise<readonly StoredNameMetrics[]>;
  /**
   * Counts waiting jobs by name. The counts are exact while fewer than 5,000 jobs wait; otherwise the store
   * reads 1,000 at random. It may read fewer if records are large, or if `due` has many other members.
   */
  pending(now: number): Promise<StoredPending>;
  /** Reads what was settled in each of the last `hours`, in order. Hours in which nothing was settled are left out. */
  history(now: number, hours: number): Promise<readonly StoredHour[]>;
  /** Pauses the queue, or resumes it. While it is paused, an exchange claims nothing. */
  setPaused(paused: boolean): Promise<void>;
  /**
   * Pauses a job type, or resumes it. Nothing starts eagerly while one is paused. Returns false if it changes nothing,
   * since `MOST_PAUSED` others are paused.
   */
  setJobsPaused(name: string, pause: PausedJobs | undefined): Promise<boolean>;
  /** Adds a text to the list of changes, which keeps the latest `CHANGES_KEPT`. The same text twice in a row is one. */
  noteChange(text: string): Promise<void>;
  /** Reads a page of the list of changes, newest first. */
  changes(cursor: string | undefined, limit: number): Promise<Page<string>>;
  /** Reads the schedules, or the one with this key. */
  listSchedules(key?: string): Promise<readonly StoredSchedule[]>;
  /** Returns false if a schedule to store was fired, changed or removed meanwhile, or if the manifest was replaced. */
  changeSchedules(change: ScheduleChange): Promise<boolean>;
  findDocument(kind: string, name: string, now: number): Promise<StoredDocument | undefined>;
  /** Reads a page of the documents of a kind, in the order of their names. It may be short with more to come. */
  listDocuments(page: DocumentPageRequest): Promise<Page<StoredDocument>>;
  /**
   * Makes all of the changes, or none: false if one of the documents is not as it was read. A document to remove that
   * is gone counts as removed. Pass at most one change for each document.
   */
  changeDocuments(changes: readonly DocumentChange[], now: number): Promise<boolean>;
}
