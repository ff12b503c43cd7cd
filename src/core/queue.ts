import { attemptMs, type BulkJob, newJobs } from "./bulk.ts";
import { type Clock, systemClock } from "./clock.ts";
import {
  type DeadLetterOptions,
  type DeadSelection,
  deadSelection,
  notDead,
  type RetryOptions,
  removeDead,
  retryDead,
} from "./dead-letter.ts";
import { DeclaredSchedules } from "./declared.ts";
import { Drain, type DrainReport, leaseMsFor } from "./drain.ts";
import { type DrainOptions, drainLimits } from "./drain-options.ts";
import { type Duration, durationMs, LATEST_TIME_MS, type PointInTime, pointInTimeMs } from "./duration.ts";
import { checkFits, type EnqueueOptions, type EnqueueResult, type RecurringOptions, runAtMs } from "./enqueue.ts";
import { conflict, invalidRequest, notFound } from "./errors.ts";
import { timeOrderedIds } from "./id.ts";
import type { AnyJob, InputOf } from "./job.ts";
import { type JobPage, type ListOptions, listJobs } from "./listing.ts";
import { checkJobOptions, checkText, jobDefaults, LONGEST_ID, LONGEST_NAME, oneOf, timeoutMs } from "./options.ts";
import { decodeRecord, encodeRecord } from "./record.ts";
import { Schedules } from "./schedules.ts";
import {
  type ClaimedJob,
  type ClearableState,
  clearableStates,
  type EnqueueReply,
  type Meter,
  type NewJob,
  type Outlook,
  type QueueStore,
  type Store,
  type StoredJob,
} from "./store.ts";
import { type DeadJob, type JobInfo, jobInfo, type QueueStats, queueStats } from "./views.ts";

export interface QueueOptions {
  /** 1 to 128 characters, without braces. Queues of different names share a store and nothing else. Default "default". */
  readonly name?: string;
  readonly store: Store;
  /** The jobs that drains of this queue can perform. Declared schedules are put in force by the first drain. */
  readonly jobs?: readonly AnyJob[];
  /** Gives ms since 1970. Default: the system's clock. */
  readonly clock?: Clock;
  /** Gives a number from 0 up to, not including, 1. Default: `Math.random`. */
  readonly random?: () => number;
  /** Makes ids, in the order of time. Default: UUIDv7. */
  readonly newId?: () => string;
  /** How long completed jobs are kept with their result. Default "24h"; 0 keeps none. */
  readonly retention?: Duration;
}

/** Which of the jobs that are due `enqueueHeld` leases. */
export interface HoldOptions {
  /** How many at most. Default: all. */
  readonly most?: number;
  /** Only those whose timeout is at most so long. Default: all. */
  readonly timeout?: Duration;
}

/** What `update` changes of a waiting job. */
export interface JobChange extends Pick<EnqueueOptions, "delay" | "runAt"> {
  readonly payload?: unknown;
}

/** The payload may be left out where the job takes `undefined`. */
export type PayloadArguments<Input, Options> = undefined extends Input
  ? [payload?: Input, options?: Options]
  : [payload: Input, options?: Options];

/**
 * A queue: enqueues jobs, looks after them, and drains them.
 *
 * Every method throws a `TidegateError` with the code `store_unavailable` where the store cannot be reached; the call is
 * then safe to repeat.
 */
export class Queue {
  readonly name: string;
  /** Recurring jobs. */
  readonly schedules: Schedules;
  readonly #options: QueueOptions;
  readonly #store: QueueStore;
  /** Tells the queue's time. */
  readonly clock: Clock;
  readonly #random: () => number;
  readonly #newId: () => string;
  readonly #retentionMs: number;
  readonly #jobs: ReadonlyMap<string, AnyJob>;
  // When something is thought to be due: spares the look before a drain. Only ever a hint, so plain data that requests share.
  #nextAt: number | undefined;
  readonly #declared: DeclaredSchedules;

  /** @throws {TidegateError} `invalid_request` for an option that makes no sense, or two jobs of one name. */
  constructor(options: QueueOptions) {
    this.name = options.name ?? "default";
    checkText(this.name, "the queue's name", LONGEST_NAME);
    if (/[{}]/.test(this.name))
      throw invalidRequest("the queue's name may not hold braces: they mark the hash tag of its keys.");
    if (typeof options.store?.open !== "function")
      throw invalidRequest("new Queue needs a store, such as memoryStore() or upstashStore({ url, token }).");
    this.#options = options;
    this.#store = options.store.open(this.name);
    this.clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#newId = options.newId ?? timeOrderedIds(this.clock);
    this.#retentionMs = durationMs(options.retention ?? "24h", "retention");
    this.#jobs = byName(options.jobs ?? []);
    this.schedules = new Schedules(this.#store, this.#jobs, this.clock, (runAt) => this.#expect(runAt));
    this.#declared = new DeclaredSchedules(this.#jobs);
  }

  /** The names of the jobs that this queue can perform. */
  get jobNames(): readonly string[] {
    return [...this.#jobs.keys()];
  }

  /**
   * Stores a job; it will run at least once. With `cron` among the options it makes a recurring job instead.
   *
   * @param job a definition, or the name of one.
   * @throws {InvalidPayloadError} where the payload does not fit the schema. Nothing was stored.
   * @throws {TidegateError} `invalid_request` or `payload_too_large`. Nothing was stored.
   */
  enqueue<Job extends AnyJob>(
    job: Job,
    ...rest: PayloadArguments<InputOf<Job>, EnqueueOptions | RecurringOptions>
  ): Promise<EnqueueResult>;
  enqueue(job: string, payload?: unknown, options?: EnqueueOptions | RecurringOptions): Promise<EnqueueResult>;
  async enqueue(
    job: AnyJob | string,
    payload?: unknown,
    options: EnqueueOptions | RecurringOptions = {},
  ): Promise<EnqueueResult> {
    if ("cron" in options) return this.#enqueueRecurring(job, payload, options);
    const [result] = await this.enqueueMany([{ ...options, job, payload }]);
    return result as EnqueueResult;
  }

  /**
   * Stores up to 1,000 jobs in one atomic call: all or, where one is refused, none.
   *
   * @returns an answer per job, in order.
   * @throws as `enqueue`; the message tells which job was refused.
   */
  async enqueueMany(jobs: readonly BulkJob[]): Promise<readonly EnqueueResult[]> {
    const replies = await this.#store.enqueue(await this.#newJobs(jobs), this.clock());
    return replies.map((reply) => this.#enqueued(reply));
  }

  /**
   * Stores jobs as `enqueueMany` does, and leases those that are due, or some of them, to the caller at once: the eager
   * start. `drain({ held })` then runs them. Without that they come due again when their lease runs out.
   */
  async enqueueHeld(
    jobs: readonly BulkJob[],
    { most = jobs.length, timeout = LATEST_TIME_MS }: HoldOptions = {},
  ): Promise<{ results: readonly EnqueueResult[]; held: readonly ClaimedJob[] }> {
    const newJobs = await this.#newJobs(jobs);
    const now = this.clock();
    const leaseEndsAt = now + leaseMsFor(this.#longestTimeoutMs(), this.#random);
    const longestMs = durationMs(timeout, "timeout");
    const isShort = jobs.map((job) => attemptMs(job, this.#jobs) <= longestMs);
    const toHold = new Set(newJobs.filter((job, index) => job.runAt <= now && isShort[index]).slice(0, most));
    const leased = newJobs.map((job) => (toHold.has(job) ? { ...job, leaseEndsAt } : job));
    const replies = await this.#store.enqueue(leased, now);
    const held = replies.flatMap(({ lease }, index) => {
      const job = newJobs[index];
      return lease && job ? [{ lease, record: job.record, dueAt: job.runAt }] : [];
    });
    return { results: replies.map((reply) => this.#enqueued(reply)), held };
  }

  async getJob(id: string): Promise<JobInfo | null> {
    checkText(id, "id", LONGEST_ID);
    const now = this.clock();
    const stored = await this.#store.find(id, now);
    return (stored && this.#info(stored, now)) ?? null;
  }

  /** Lists jobs: waiting and running ones in the order of their times, dead ones newest first, completed ones in no order. */
  listJobs(options: ListOptions = {}): Promise<JobPage> {
    const now = this.clock();
    return listJobs(this.#store, options, now, (stored) => this.#info(stored, now));
  }

  /**
   * Removes a waiting job.
   * @throws {TidegateError} `not_found`; `conflict` where it is running or has finished.
   */
  async cancel(id: string): Promise<void> {
    checkText(id, "id", LONGEST_ID);
    const now = this.clock();
    const status = await this.#store.cancel(id, now);
    if (status === "running") throw conflict(`Job "${id}" is running and cannot be cancelled.`);
    if (status === "missing") await this.#mustWait(id, now);
  }

  /**
   * Moves a waiting job to another time.
   * @param when a duration from now such as "5m", a `Date`, ISO 8601, or ms since 1970.
   * @throws {TidegateError} `not_found`; `conflict` where it is running or has finished.
   */
  reschedule(id: string, when: PointInTime | Duration): Promise<JobInfo> {
    return this.update(id, {
      runAt: isDuration(when) ? this.clock() + durationMs(when, "when") : pointInTimeMs(when, "when"),
    });
  }

  /**
   * Changes the time of a waiting job, its payload, or both.
   * @throws {InvalidPayloadError} where the payload does not fit the schema.
   * @throws {TidegateError} `not_found`; `conflict` where it is running, has finished, or changes at the same time.
   */
  async update(id: string, change: JobChange): Promise<JobInfo> {
    const now = this.clock();
    const moves = change.runAt !== undefined || change.delay !== undefined;
    const runAt = moves ? runAtMs(change, now) : undefined;
    checkText(id, "id", LONGEST_ID);
    const stored = await this.#mustWait(id, now);
    const record = decodeRecord(stored.record);
    if (!record) throw conflict(`Job "${id}" was stored by a newer version, which alone can change it.`);
    if ("payload" in change) await checkFits(record.name, this.#jobs.get(record.name), change.payload);
    const changed = {
      ...stored,
      at: runAt ?? stored.at,
      record: encodeRecord("payload" in change ? { ...record, payload: change.payload } : record),
    };
    const from = { at: stored.at, claims: stored.claims };
    if (!(await this.#store.change({ id, from, runAt: changed.at, record: changed.record }))) {
      throw conflict(`Job "${id}" changed at the same time. Look at it again.`);
    }
    this.#expect(changed.at);
    const state = changed.at <= now ? "ready" : "scheduled";
    return this.#info({ ...changed, state }, now) as JobInfo;
  }

  /** Makes sure that the store answers, at the cost of one command. @throws {TidegateError} `store_unavailable` */
  async ping(): Promise<void> {
    await this.#store.peek();
  }

  async getStats(): Promise<QueueStats> {
    const now = this.clock();
    return queueStats(await this.#store.stats(now), now);
  }

  /** Lists dead jobs, newest first. */
  async listDeadLetter(options: Omit<ListOptions, "state"> = {}): Promise<JobPage<DeadJob>> {
    const page = await this.listJobs({ ...options, state: "dead" });
    return page as JobPage<DeadJob>;
  }

  /**
   * Makes dead jobs live again, due now and with all their retries; tells how many.
   *
   * @throws {TidegateError} `not_found` where a single id is given that is not dead.
   * @throws {InvalidPayloadError} where the new payload does not fit the schema.
   */
  async retryFromDeadLetter(
    selection: string | DeadSelection,
    options: RetryOptions = {},
  ): Promise<{ retried: number }> {
    const now = this.clock();
    const retried = await retryDead(this.#store, this.#jobs, deadSelection(selection), options, now);
    if (typeof selection === "string" && retried === 0) throw notDead(selection);
    if (retried > 0 && !options.dryRun) this.#expect(now);
    return { retried };
  }

  /** Removes dead jobs for good; tells how many. @throws {TidegateError} `not_found` where a single id is given that is not dead. */
  async removeFromDeadLetter(
    selection: string | DeadSelection,
    options: DeadLetterOptions = {},
  ): Promise<{ removed: number }> {
    const removed = await removeDead(this.#store, deadSelection(selection), options, this.clock());
    if (typeof selection === "string" && removed === 0) throw notDead(selection);
    return { removed };
  }

  /**
   * Keeps every drain from starting jobs and firing schedules, until `resume`. Jobs can still be enqueued. A drain at work
   * learns of it with its next exchange.
   */
  async pause(): Promise<void> {
    await this.#store.setPaused(true);
  }

  async resume(): Promise<void> {
    await this.#store.setPaused(false);
    this.#nextAt = undefined;
  }

  /** Removes the jobs of a state: "pending" is scheduled and ready together. Running jobs and schedules stay. */
  async clear({ state = "pending" }: { readonly state?: ClearableState } = {}): Promise<{ cleared: number }> {
    oneOf(state, clearableStates, "state");
    const now = this.clock();
    let cleared = 0;
    let from: string | undefined;
    do {
      const piece = await this.#store.clear(state, now, from);
      cleared += piece.cleared;
      from = piece.next;
    } while (from !== undefined);
    return { cleared };
  }

  /**
   * Runs what is due, within bounds, and ends. Any number of drains may run at once, or be killed at any point.
   *
   * @throws {TidegateError} `invalid_request` for an option that makes no sense; `store_unavailable`, after which jobs that
   *   ran and could not be handed in run again when their lease runs out.
   */
  async drain(options: DrainOptions & { readonly held?: readonly ClaimedJob[] } = {}): Promise<DrainReport> {
    const limits = drainLimits(options);
    const meter: Meter = { roundTrips: 0, commands: 0 };
    const store = this.#options.store.open(this.name, meter);
    const held = options.held ?? [];
    const outlook = held.length > 0 ? { paused: false, nextAt: undefined } : await this.#look(store);
    const shop = {
      queue: this.name,
      store,
      jobs: this.#jobs,
      clock: this.clock,
      random: this.#random,
      retentionMs: this.#retentionMs,
    };
    const drain = new Drain(shop, meter, limits, this.#longestTimeoutMs(), outlook);
    drain.take(held);
    const report = await drain.run();
    this.#nextAt = report.nextRunAt?.getTime();
    return report;
  }

  /** What comes next, as cheaply as it can be known: from memory where that says that something is due, else by a peek. */
  async #look(store: QueueStore): Promise<Outlook> {
    const now = this.clock();
    if (!this.#declared.isInForce) {
      const outlook = await store.peekWithManifest();
      return this.#declared.putInForce(store, outlook, now);
    }
    if (this.#nextAt !== undefined && this.#nextAt <= now) return { paused: false, nextAt: this.#nextAt };
    return store.peek();
  }

  #newJobs(jobs: readonly BulkJob[]): Promise<readonly NewJob[]> {
    return newJobs(jobs, this.#jobs, this.clock(), this.#newId);
  }

  async #enqueueRecurring(job: AnyJob | string, payload: unknown, options: RecurringOptions): Promise<EnqueueResult> {
    const { id, ...schedule } = options;
    const key = id ?? (typeof job === "string" ? job : job.name);
    const existing = await this.schedules.get(key);
    const { nextRunAt } = await this.schedules.upsert(key, { ...schedule, job, payload });
    return { id: key, status: existing ? "duplicate" : "enqueued", runAt: nextRunAt };
  }

  #enqueued({ id, status, runAt }: EnqueueReply): EnqueueResult {
    if (runAt !== undefined) this.#expect(runAt);
    return { id, status, runAt: runAt === undefined ? null : new Date(runAt) };
  }

  #expect(runAt: number): void {
    this.#nextAt = Math.min(this.#nextAt ?? runAt, runAt);
  }

  #info(stored: StoredJob, now: number): JobInfo | undefined {
    return jobInfo(stored, this.name, this.#jobs, now);
  }

  async #mustWait(id: string, now: number): Promise<StoredJob> {
    const stored = await this.#store.find(id, now);
    if (!stored || !this.#info(stored, now)) throw notFound(`No job has the id "${id}".`);
    if (stored.state !== "scheduled" && stored.state !== "ready")
      throw conflict(`Job "${id}" does not wait: it is ${stored.state}.`);
    return stored;
  }

  #longestTimeoutMs(): number {
    const timeouts = [...this.#jobs.values()].map((job) => timeoutMs(job.timeout ?? jobDefaults.timeout));
    return Math.max(timeoutMs(jobDefaults.timeout), ...timeouts);
  }
}

function byName(jobs: readonly AnyJob[]): ReadonlyMap<string, AnyJob> {
  const map = new Map<string, AnyJob>();
  for (const job of jobs) {
    checkJobOptions(job);
    if (map.has(job.name)) throw invalidRequest(`Two jobs are named "${job.name}".`);
    map.set(job.name, job);
  }
  return map;
}

function isDuration(when: unknown): when is Duration {
  return typeof when === "string" && /^[\d.]+(ms|s|m|h|d)$/.test(when);
}
