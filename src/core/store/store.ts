import { invalidRequest } from "../shared/errors.ts";
import type { DocumentChange, DocumentPageRequest, StoredDocument } from "./documents.ts";
import type { StoredHour, StoredNameFigures } from "./figures.ts";
import type { FlowChange, FlowState, JobFlow, NewFlow } from "./flow.ts";
import type { Cost, Meter } from "./meter.ts";
import type { StoredPending } from "./pending.ts";
import type { ManifestChange, SchedulePlan, SchedulePut, StoredSchedule } from "./schedules.ts";
import type { StoredStats } from "./stats.ts";

/**
 * The store port: the calls that a queue makes to the place that keeps its jobs. It speaks of jobs, leases and
 * occurrences, never of Redis.
 *
 * Every method is atomic and safe to send twice: ids are made by the caller, and an outcome carries the lease that it
 * settles. All times are milliseconds since 1970 by the caller's clock. Records are opaque text to a store. If the
 * store cannot be reached, a method throws a `TidegateError` with the code `store_unavailable`.
 */

/** A claim count wraps at this number: it distinguishes leases that are close in time, and is not a statistic. */
export const CLAIM_CYCLE = 512;

/** Keeps the jobs of queues, as `memoryStore`, `upstashStore` and `redisStore` do. */
export interface Store {
  /**
   * Opens the part of the store that belongs to one queue. That costs nothing, and may be done any number of times.
   *
   * @internal
   * @param queue the name of the queue.
   * @param meter counts what each call costs.
   * @param partition which part of the queue, from 0, if it is spread over several. Default: the queue as a whole.
   */
  open(queue: string, meter?: Meter, partition?: number): QueueStore;
}

/**
 * @param taker what needs a store, for the message.
 * @throws {TidegateError} `invalid_request` if `store` is not a store.
 */
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
  /** The flow control key of which the lease takes a place. */
  readonly flow?: JobFlow;
  /** With `flow`: when the job was claimed, or leased at enqueue, by the clock of that request. */
  readonly claimedAt?: number;
  /**
   * The record that was stored together with the lease, if the store needs it to settle the lease. Nothing else reads
   * it.
   */
  readonly bornAs?: string;
  /** When it ends instead if the store has made a renewal whose answer was lost. An outcome counts under either end. */
  readonly mayEndAt?: number;
}

/** The lease that a renewal until `endsAt` obtains. */
export function renewedLease({ bornAs: _born, mayEndAt: _end, ...lease }: Lease, endsAt: number): Lease {
  return { ...lease, endsAt };
}

/** The leases of which the store has one if the job is still held. */
export function possibleLeases(lease: Lease): readonly Lease[] {
  const { mayEndAt } = lease;
  return mayEndAt === undefined ? [lease] : [lease, renewedLease(lease, mayEndAt)];
}

export interface NewJob {
  readonly id: string;
  /** False if the id came from a user: finished jobs must then be checked too. */
  readonly isFreshId: boolean;
  readonly runAt: number;
  readonly record: string;
  readonly dedupe?: {
    readonly key: string;
    readonly ttlMs: number;
    /**
     * Replaces the job that holds the key with this one, if that one waits, has never been attempted, and its record
     * begins with this text. Default: never. Of several such jobs in one call, the last one is stored, before any of
     * them is leased.
     */
    readonly replaces?: string;
  };
  /** Its flow control key. */
  readonly flow?: NewFlow;
  /**
   * Whether the limits that its key has stay as they are. Those of `flow` then hold only for a key of which nothing is
   * known.
   */
  readonly keepsLimits?: boolean;
  /**
   * Leases the job to the caller at once, if it is new, the queue is not paused, and its key has a place for it. This
   * is the eager start.
   */
  readonly leaseEndsAt?: number;
}

/** The result for a job: it was stored, or replaced another one, whose id it then has, or was left out. */
export type EnqueueStatus = "enqueued" | "replaced" | "duplicate";

export const enqueueStatuses: readonly EnqueueStatus[] = ["enqueued", "replaced", "duplicate"];

export interface EnqueueReply {
  readonly status: EnqueueStatus;
  /** The id of the job that exists. With `dedupe` it may differ from the one that was sent. */
  readonly id: string;
  /** The run time of the job that exists; undefined when it is running or finished. */
  readonly runAt: number | undefined;
  /** The lease, if it was requested and granted. */
  readonly lease: Lease | undefined;
  /** Whether the queue, or the partition, was found to be emptied since this process last used it. Default false. */
  readonly isEmptied?: boolean;
}

/** How long an attempt had waited when it started, from when it was due, and how long it ran. */
export interface Timing {
  readonly waitedMs: number;
  readonly ranMs: number;
}

/**
 * How the lease of a job ends: the words in which the store, the report of a drain, hooks, logs and traces speak of it.
 * It carries its timing if an attempt was made: without one, the claim no longer counts against the rate of the flow
 * control key.
 */
export type Outcome = {
  /** The name of the job, under which it is counted if the request observes. Default: it is counted under none. */
  readonly name?: string | undefined;
  readonly timing?: Timing | undefined;
  /** Jobs that are made together with the outcome, or not at all. In partitions they are in that of their job. */
  readonly followUps?: readonly FollowUpJob[] | undefined;
} /** The job is done. `at` is when it ended. Default: `now` of the request. */ & (
  | { readonly to: "completed"; readonly lease: Lease; readonly at?: number; readonly record: string }
  /** The attempt failed, and the job waits for the next one. */
  | { readonly to: "retried"; readonly lease: Lease; readonly runAt: number; readonly record: string }
  /**
   * The job waits again with no attempt used: its handler snoozed it, or it was released before it started. The record
   * says so. If the record cannot be written, `claims` says so: how often the job counts as claimed from then on.
   * Default: as in the lease.
   */
  | {
      readonly to: "snoozed" | "released";
      readonly lease: Lease;
      readonly runAt: number;
      readonly record: string;
      readonly claims?: number;
    }
  /** The job goes to the dead letter. `group`: of its failure (core/job/failure-group.ts). Default: none. */
  | {
      readonly to: "dead";
      readonly lease: Lease;
      readonly at: number;
      readonly record: string;
      readonly group?: string | undefined;
    }
);

/** A job that an outcome makes, unless a live job has its id. No other job of the request has it. */
export interface FollowUpJob {
  readonly id: string;
  readonly runAt: number;
  readonly record: string;
}

/** A job that an occurrence makes. Its limits become those of its key only if nothing is known of the key. */
export interface FiredJob {
  readonly id: string;
  readonly runAt: number;
  readonly record: string;
  readonly flow?: NewFlow;
}

/**
 * Makes the jobs of an occurrence and moves the schedule on, if the schedule is still at `occurrence`, as it was read.
 */
export interface Fire {
  readonly key: string;
  readonly occurrence: number;
  /** As read. Default 0. */
  readonly revision?: number | undefined;
  /** When the schedule is due again; undefined if it never is. */
  readonly next: number | undefined;
  /**
   * How far ahead `next` is. A claim by whose clock it is much further ahead hands the schedule out again: the clock
   * that fires it now was ahead. Default: no claim checks it.
   */
  readonly reachMs?: number | undefined;
  readonly record: string;
  /** Default: the next occurrence is handed out. */
  readonly plan?: SchedulePlan | undefined;
  readonly jobs: readonly FiredJob[];
  /** Makes no job while this one waits or runs (`overlap: "skip"`), and stores `skippedRecord` instead. */
  readonly unless?: { readonly id: string; readonly skippedRecord: string };
}

/** Settles outcomes, and nothing else. */
export interface SettleRequest {
  readonly now: number;
  readonly settle: readonly Outcome[];
  /** How long completed jobs are kept; 0 keeps none. */
  readonly retentionMs: number;
  /**
   * Whether to keep what only serves those who look at the queue: the order of completed jobs, and figures by name.
   * Default false.
   */
  readonly observe?: boolean | undefined;
  /**
   * Leases of jobs that still run: the reply says which of these are gone, if that takes no command more. Default:
   * none.
   */
  readonly watch?: readonly Lease[] | undefined;
  /**
   * Whether an earlier request, whose answer was lost, may have settled the same outcomes. The store then recognizes
   * its own work. Default false.
   */
  readonly isResend?: boolean;
  /** How long the store may pause before it sends the request again, all pauses together. Default: as it sees fit. */
  readonly resendPauseMs?: number;
}

/** Settles outcomes, fires schedules, claims what is due, and reports what is due next. */
export interface ExchangeRequest extends SettleRequest {
  readonly fire: readonly Fire[];
  /** Default: nothing is claimed. */
  readonly claim?: ClaimRequest | undefined;
}

/** How much of what is due to claim. */
export interface ClaimRequest {
  /** The most jobs and schedules, at least 1. */
  readonly limit: number;
  readonly leaseMs: number;
  /** Whether to count what is due beyond `limit`, which costs a command if anything is. Default false. */
  readonly countBacklog?: boolean;
  /** Whether it may claim jobs that have keys of flow control. Default true. */
  readonly meetsKeys?: boolean;
  /** Whether the store may fire schedules by itself that code declares. Default false: it hands them out. */
  readonly firesDeclared?: boolean;
  /**
   * In a queue with several partitions: how old its knowledge of a partition may be before the store peeks at it as
   * well. Default: any age.
   */
  readonly refreshAfterMs?: number;
}

/** How much an exchange does, as far as that decides its cost. Each number is 0 by default. */
export interface ExchangeSize {
  /** How many outcomes it settles. */
  readonly settles?: number;
  /** How many jobs these make. */
  readonly followUps?: number;
  /** How many schedules it fires. */
  readonly fires?: number;
  /** How many jobs these make. */
  readonly firedJobs?: number;
  /** The most jobs and schedules that it claims. */
  readonly claims?: number;
  /** Whether some of the jobs may have keys of flow control. Default false. */
  readonly hasKeys?: boolean;
}

/** The size of a request. */
export function sizeOf({ settle, fire, claim }: ExchangeRequest): ExchangeSize {
  const { fires, firedJobs, hasKeys } = sizeOfFires(fire);
  return {
    settles: settle.length,
    followUps: settle.reduce((sum, { followUps = [] }) => sum + followUps.length, 0),
    fires,
    firedJobs,
    claims: claim?.limit ?? 0,
    hasKeys: hasKeys || (claim !== undefined && claim.meetsKeys !== false) || settle.some(({ lease }) => lease.flow),
  };
}

/** The size of what fires schedules. */
export function sizeOfFires(fire: readonly Fire[]): Required<Pick<ExchangeSize, "fires" | "firedJobs" | "hasKeys">> {
  if (fire.length === 0) return { fires: 0, firedJobs: 0, hasKeys: false };
  const jobs = fire.flatMap(({ jobs }) => jobs);
  return { fires: fire.length, firedJobs: jobs.length, hasKeys: jobs.some(({ flow }) => flow) };
}

/** A lease to extend. */
export interface LeaseRenewal {
  /** Without `mayEndAt`: what was lost is sent again first. */
  readonly lease: Lease;
  readonly endsAt: number;
  /** Default: the record stays as it is. */
  readonly record?: string | undefined;
}

export interface ExtendReply {
  /** For each renewal, in order: its new lease, null if the lease was lost, undefined if `failure` hides the answer. */
  readonly leases: readonly (Lease | null | undefined)[];
  /** Why a partition gave no answer. It is safe to send that partition the same again. */
  readonly failure?: unknown;
}

/** A job under a lease that the caller holds. */
export interface LeasedJob {
  readonly lease: Lease;
  readonly record: string;
  /** When the job was due: its run time, or the end of a lease that expired. */
  readonly dueAt: number;
  /** True if this exchange has made it, for an occurrence of a schedule that the store has fired by itself. */
  readonly isFired?: boolean;
}

export interface DueSchedule {
  readonly key: string;
  readonly occurrence: number;
  /** How often the schedule was changed while it was at this occurrence. */
  readonly revision: number;
  readonly record: string;
  readonly plan?: SchedulePlan | undefined;
}

/** What is due next. */
export interface NextDue {
  readonly paused: boolean;
  /**
   * When something next needs attention: a run time, an occurrence, or the end of a lease. In the past if there is a
   * backlog.
   */
  readonly nextAt: number | undefined;
}

/** What is due next, as far as a peek has found out. */
export interface PeekReply extends NextDue {
  /** Why one of several partitions gave no answer when another did: what is due in that one is left out. */
  readonly failure?: unknown;
  /**
   * Whether the queue, or one of its partitions, was found to be emptied since this process last used it. Default
   * false.
   */
  readonly isEmptied?: boolean;
}

export interface SettleReply {
  /**
   * For each outcome, in order: true if it was accepted, false if its lease was lost, undefined if `failure` hides the
   * answer.
   */
  readonly settled: readonly (boolean | undefined)[];
  /** The ids of watched jobs that are known to be gone: cancelled, or ended by another invocation. Default: none. */
  readonly gone?: readonly string[] | undefined;
  /**
   * Why one of several partitions gave no answer when another did. It is safe to send that partition the same again.
   */
  readonly failure?: unknown;
}

export interface ExchangeReply extends SettleReply, NextDue {
  readonly fired: readonly FireReply[];
  readonly jobs: readonly LeasedJob[];
  /**
   * Schedules with an occurrence that is due, and that the store has not fired by itself. They stay due until they are
   * fired. Others are further ahead than the clock of the request can have put them (`Fire.reachMs`).
   */
  readonly schedules: readonly DueSchedule[];
  /** How many more are due beyond the limit of the claim; 0 if it does not count them. */
  readonly backlog: number;
  /** Whether jobs were left out because the claim may not meet keys. Default false. */
  readonly leftKeys?: boolean;
  /**
   * How many jobs and schedules were dropped because the store has lost their records, as Redis does if it evicts keys.
   * Default 0.
   */
  readonly evicted?: number;
  /** Why a part did not answer, if jobs were claimed from another one instead. */
  readonly passedOver?: unknown;
}

/**
 * `fired` made its jobs, `skipped` made none because of `overlap`, `stale` means that another invocation had fired the
 * occurrence.
 */
export type FireReply = "fired" | "skipped" | "stale";

/**
 * The state of a job: `scheduled` (its run time is ahead), `ready` (it is due), `running` (an invocation holds its
 * lease), `completed` (kept for the queue's `retention`), `dead` (in the dead letter).
 */
export type JobState = "scheduled" | "ready" | "running" | "completed" | "dead";

export const jobStates: readonly JobState[] = ["scheduled", "ready", "running", "completed", "dead"];

export interface StoredJob {
  readonly id: string;
  readonly state: JobState;
  readonly record: string;
  /**
   * When the job needs attention: its run time, or the end of its lease. For a dead job, when it was dead-lettered. For
   * a completed one, when it ended, if a list has found it in that order; else 0.
   */
  readonly at: number;
  readonly claims: number;
  /** Its flow control key. Completed jobs have none any more. */
  readonly flow?: JobFlow;
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

/** Dead jobs that failed alike. */
export interface StoredFailures {
  readonly group: string;
  readonly count: number;
  /** When the first of them died. */
  readonly firstAt: number;
  /** The one that died last. */
  readonly sample: StoredJob;
  /**
   * How many died in each of the last 24 hours, oldest first; null where that was not counted. At least the last 500
   * are counted.
   */
  readonly trend: readonly (number | null)[];
}

/** A page of the groups of failures, in the order of their names. */
export interface FailuresPage extends Page<StoredFailures> {
  /** How many dead jobs are in no group. */
  readonly ungrouped: number;
}

/** Which groups of failures to read. `mostBytes` bounds their samples. */
export type FailuresRequest = Omit<PageRequest, "group">;

/** Which flow control keys to read. */
export interface FlowPageRequest {
  /** The cursor of the page before; undefined for the first. */
  readonly cursor: string | undefined;
  readonly limit: number;
  readonly now: number;
}

/** Those of some jobs that are dead. */
export interface FoundDead {
  /** In the order of the ids that were asked for; with partitions, one partition after the other. */
  readonly jobs: readonly StoredJob[];
  /** The ids that were not read, because what was found is large already. */
  readonly rest: readonly string[];
}

/** States that can be cleared. `pending` is scheduled and ready together. Running jobs are never cleared. */
export type ClearableState = "pending" | "scheduled" | "ready" | "completed" | "dead";

export const clearableStates: readonly ClearableState[] = ["pending", "scheduled", "ready", "completed", "dead"];

/** What became of a job that was to be cancelled. `running` and `missing` have changed nothing. */
export type CancelStatus = "cancelled" | "running" | "missing";

/** A change to a waiting job, made only if the job has not changed since it was read. */
export interface Change {
  readonly id: string;
  readonly from: { readonly at: number; readonly claims: number };
  readonly runAt: number;
  /** Default: the record stays as it is. */
  readonly record: string | undefined;
  /** As read. */
  readonly flow?: JobFlow | undefined;
}

/** Puts a dead job back among the waiting ones, if it has been dead since `deadSince`. */
export interface DeadJobRetry {
  readonly id: string;
  readonly deadSince: number;
  readonly claims: number;
  readonly runAt: number;
  readonly record: string;
  /** As read. The job joins the end of the line. */
  readonly flow?: JobFlow | undefined;
}

/** How a queue is spread over partitions, and these over stores. */
export interface Spread {
  readonly partitions: number;
  /** How many stores have the partitions between them. */
  readonly stores: number;
  /**
   * Which of the stores this one is, from 0. It has every partition whose number leaves this when divided by `stores`.
   */
  readonly store: number;
}

/** How a store keeps a queue: spread, as a whole, or not at all yet. */
export type Layout = Spread | "whole" | "nothing";

/** What a store knows without a request. */
export interface LocalFacts {
  /**
   * Whether its requests share a connection that stays open. Workers tie one to the event that opened it. Default
   * false.
   */
  readonly keepsConnection?: boolean;
  /**
   * The most that a `settle` or an `exchange` of this size costs, each time that it is sent. Its requests are sent, and
   * counted, all at once.
   */
  mostOfExchange(size: ExchangeSize): Cost;
  /** The most that `peekWithManifest` costs. */
  readonly mostOfPeek: Cost;
  /** Whether an exchange knows where to claim only after a peek. */
  readonly mustPeek: boolean;
  /** The most that it costs to extend so many leases. */
  mostOfExtend(leases: number): Cost;
  /** The most that `partitions` costs. */
  readonly mostOfPartitions: Cost;
  /** The most that `listSchedules` and a `declare` of so many schedules cost together. */
  mostOfDeclare(schedules: number): Cost;
  /**
   * Gives a source of ids for the jobs of one enqueue, made by `newId` and such that the jobs can be stored together.
   * All ids made for the same flow control key or dedupe key are stored together too.
   */
  idSource(newId: () => string): (key?: string) => string;
  /** Returns the first id from `make` whose job would be stored in the same place as the job with this id. */
  idBeside(id: string, make: () => string): string;
  /**
   * The partition that a job goes to; 0 if the queue has none.
   *
   * @throws {TidegateError} `invalid_request` for a job that the partitions cannot keep.
   */
  partitionOf(job: Omit<NewJob, "record">): number;
}

/** The jobs of one queue, as a store keeps them. The `Queue` class calls it; your code never needs to. */
export interface QueueStore {
  /** What needs no request. Every other member is a request. */
  readonly local: LocalFacts;
  /**
   * Stores all of the jobs or none. One reply per job, in order. A job whose id or dedupe key is taken is left out, or
   * replaces the holder.
   */
  enqueue(jobs: readonly NewJob[], now: number): Promise<readonly EnqueueReply[]>;
  /** Settles outcomes, and nothing else. */
  settle(request: SettleRequest): Promise<SettleReply>;
  /** Settles outcomes, fires schedules, claims what is due, and reports what is due next, in one round trip. */
  exchange(request: ExchangeRequest): Promise<ExchangeReply>;
  /**
   * Reports how the queue is kept. Asked of the queue as a whole, not of a partition. Once a queue is spread, every
   * other call to the whole fails with `invalid_request`.
   *
   * @param wanted spreads the queue like this from now on, if nothing of it is stored yet. Default: only asks.
   */
  partitions(wanted?: Spread): Promise<Layout>;
  /**
   * Reads what is due next, as cheaply as possible. The answer may be stale: rely on it only where an exchange will
   * correct it.
   */
  peek(now: number): Promise<PeekReply>;
  /**
   * As `peek`, together with the manifest: the mark of the code whose declared schedules are active; undefined before
   * the first. Null if `failure` hides it.
   */
  peekWithManifest(now: number): Promise<PeekReply & { readonly manifest: string | undefined | null }>;
  /** Moves the ends of leases, and rewrites the records under those for which one is given. No job is there twice. */
  extend(renewals: readonly LeaseRenewal[]): Promise<ExtendReply>;
  /** Reads one job, in any state. */
  find(id: string, now: number): Promise<StoredJob | undefined>;
  /** Reads those of the jobs that are dead, until their records have `mostBytes`. It reads at least one of the ids. */
  findDead(ids: readonly string[], mostBytes: number): Promise<FoundDead>;
  /**
   * Reads a page of the jobs of one state. It may be short, or empty, with more to come. Waiting and running jobs come
   * in the order of their times, dead and completed ones newest first. Completed jobs that were not observed follow, in
   * no order.
   */
  list(state: JobState, page: PageRequest): Promise<Page<StoredJob>>;
  /** Reads a page of the groups of failures, in the order of their names. It may be short with more to come. */
  failures(page: FailuresRequest): Promise<FailuresPage>;
  /** Says of each of some jobs whether it waits. No id is there twice. */
  areWaiting(ids: readonly string[], now: number): Promise<readonly boolean[]>;
  /**
   * Removes waiting jobs; with `mayRun` running ones too, whose outcomes are then refused. One answer for each id, none
   * of which is there twice.
   */
  cancel(ids: readonly string[], now: number, mayRun?: boolean): Promise<readonly CancelStatus[]>;
  /**
   * Moves waiting jobs to another time. One answer for each id, none of which is there twice: false if it does not
   * wait.
   */
  reschedule(ids: readonly string[], runAt: number, now: number): Promise<readonly boolean[]>;
  /** Rewrites a waiting job; false if it was claimed, changed or removed meanwhile. */
  change(change: Change): Promise<boolean>;
  /** Puts dead jobs back among the waiting ones. One answer per job: false if it is no longer dead. */
  retryDead(retries: readonly DeadJobRetry[], now: number): Promise<readonly boolean[]>;
  /** Removes dead jobs for good. Gives how many of the ids were dead. */
  removeDead(ids: readonly string[]): Promise<number>;
  /**
   * Removes some of the jobs of a state. If more are left, `next` is the `from` of the call that follows.
   *
   * @param most how many members the store examines. Default: as it sees fit.
   */
  clear(
    state: ClearableState,
    now: number,
    from?: string,
    most?: number,
  ): Promise<{ readonly cleared: number; readonly next: string | undefined }>;
  /** Reads what is known of one flow control key; undefined if nothing is. */
  findFlow(key: string, now: number): Promise<FlowState | undefined>;
  /** Reads a page of the flow control keys, in no order. It may be short, or empty, with more to come. */
  listFlows(page: FlowPageRequest): Promise<Page<FlowState>>;
  /** Changes one flow control key. */
  changeFlow(key: string, change: FlowChange, now: number): Promise<void>;
  /**
   * Reads a text that is another one after anything was enqueued, attempted, cancelled, retried or removed, and after a
   * pause. It may be the same after a change to something that waits. It costs 2 commands a partition.
   */
  pulse(): Promise<string>;
  /**
   * Counts everything, at one moment.
   *
   * @param withNames reads figures by name too, and does not count completed jobs, so that it costs no more. Default
   *   false.
   */
  stats(now: number, withNames?: boolean): Promise<StoredStats>;
  /**
   * Reads what was settled under each name, in no order: in the last hour, and on each of the last `days` (UTC). Names
   * that came after the first `NAMES_KEPT` are counted together.
   */
  figures(now: number, days: number): Promise<readonly StoredNameFigures[]>;
  /**
   * Counts waiting jobs by name. It is exact while at most `MOST_PENDING_READ` jobs wait; otherwise that many are read,
   * chosen at random. A store may read fewer if there are many other members, or if records are large.
   */
  pending(now: number): Promise<StoredPending>;
  /** Reads what was settled in the last `hours`, in their order: only those hours in which something was. */
  history(now: number, hours: number): Promise<readonly StoredHour[]>;
  /** Pauses the queue, or resumes it. While it is paused, an exchange claims nothing. */
  setPaused(paused: boolean): Promise<void>;
  /** Stores a schedule; false if the one with its key was fired, changed or removed meanwhile. */
  putSchedule(schedule: SchedulePut): Promise<boolean>;
  /** Reads one schedule. */
  findSchedule(key: string): Promise<StoredSchedule | undefined>;
  /** Reads all schedules. */
  listSchedules(): Promise<readonly StoredSchedule[]>;
  /** Removes a schedule; false if there was none. */
  removeSchedule(key: string): Promise<boolean>;
  /**
   * Activates declared schedules if the manifest is still `from`: stores what is declared, and removes what no longer
   * is. False if another deployment was faster, or if a schedule to be stored was fired, changed or removed meanwhile.
   */
  declare(change: ManifestChange): Promise<boolean>;
  /** Reads one document. */
  findDocument(kind: string, name: string, now: number): Promise<StoredDocument | undefined>;
  /**
   * Reads a page of the documents of a kind, in the order of their names. It may be short, or empty, with more to come.
   */
  listDocuments(page: DocumentPageRequest): Promise<Page<StoredDocument>>;
  /**
   * Makes all of the changes, or none: false if one of the documents is not as it was read. A document to be removed
   * that is gone counts as removed. No two of the changes are of one document.
   */
  changeDocuments(changes: readonly DocumentChange[], now: number): Promise<boolean>;
}
