import { type QueueActivity, queueActivity } from "./activity.ts";
import { attemptMs, type BulkJob, type BulkOptions, heldJobs, MOST_AT_ONCE, sendJobs } from "./bulk.ts";
import { changeJob } from "./change.ts";
import { type Clock, sleep } from "./clock.ts";
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
import { Drain } from "./drain.ts";
import { checkBudget, type DrainOptions, type DrainParts, drainLimits } from "./drain-options.ts";
import type { DrainReport } from "./drain-report.ts";
import { type Duration, durationMs, LATEST_TIME_MS, type PointInTime, pointInTimeMs } from "./duration.ts";
import type { EnqueueOptions, EnqueueResult, RecurringOptions } from "./enqueue.ts";
import { conflict, notFound } from "./errors.ts";
import { atMostAWhile, hookCalls } from "./hook-calls.ts";
import type { AnyJob, InputOf } from "./job.ts";
import { leaseMsFor } from "./lease.ts";
import { type JobPage, type ListOptions, listJobs } from "./listing.ts";
import { checkText, jobDefaults, LONGEST_ID, oneOf, timeoutMs } from "./options.ts";
import {
  type HoldOptions,
  type JobChange,
  type PayloadArguments,
  type QueueOptions,
  type QueueSettings,
  queueSettings,
} from "./queue-options.ts";
import { Schedules } from "./schedules.ts";
import { type Spending, SpendingCounter } from "./spending.ts";
import {
  type ClaimedJob,
  type ClearableState,
  clearableStates,
  type EnqueueReply,
  type Meter,
  type NewJob,
  type Outlook,
  type QueueStore,
  type StoredJob,
} from "./store.ts";
import type { TraceContext } from "./tracing.ts";
import { type DeadJob, type JobInfo, jobInfo, type QueueStats, queueStats } from "./views.ts";
import { waitForEnd } from "./wait.ts";

/**
 * A queue: enqueues jobs, looks after them, and drains them.
 *
 * Every method throws a `TidegateError`: with the code `invalid_request` for an argument or option that makes no sense, and the
 * message names it; with `store_unavailable` where the store cannot be reached. The call is then safe to repeat, an enqueue
 * with an `id`.
 */
export class Queue {
  /** Its name, under which its jobs are stored. */
  readonly name: string;
  /** Recurring jobs. */
  readonly schedules: Schedules;
  /** Tells the queue's time. */
  readonly clock: Clock;
  readonly #settings: QueueSettings;
  readonly #store: QueueStore;
  readonly #declared: DeclaredSchedules;
  readonly #spending: SpendingCounter;
  // When something is thought to be due: spares the look before a drain. Only ever a hint, so plain data that requests share.
  #nextAt: number | undefined;
  readonly #listeners = new Set<(runAt: number) => void>();

  /** @throws {TidegateError} `invalid_request` for an option that makes no sense, or two jobs of one name. */
  constructor(options: QueueOptions) {
    const settings = queueSettings(options);
    this.name = settings.name;
    this.clock = settings.clock;
    this.#settings = settings;
    this.#spending = new SpendingCounter(settings.clock());
    this.#store = settings.store.open(settings.name, this.#spending.meter);
    this.#declared = new DeclaredSchedules(settings.jobs);
    this.schedules = new Schedules(this.#store, settings.jobs, settings.clock, (runAt) => this.#expect(runAt));
  }

  /** The names of the jobs that this queue can perform. */
  get jobNames(): readonly string[] {
    return [...this.#settings.jobs.keys()];
  }

  /** The longest timeout of its jobs, in ms; at least the default of 30 s. */
  get longestTimeoutMs(): number {
    const timeouts = [...this.#settings.jobs.values()].map((job) => timeoutMs(job.timeout ?? jobDefaults.timeout));
    return Math.max(timeoutMs(jobDefaults.timeout), ...timeouts);
  }

  /**
   * Stores a job; it will run at least once. With `cron` among the options it makes a recurring job instead.
   *
   * @param job a definition, or the name of one.
   * @param rest its payload, which may be left out where the job takes none, and options.
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
   * Stores jobs in one atomic call: all or, where one is refused, none. More than 1,000 go in several such calls, after all
   * of them have been checked.
   *
   * @returns an answer per job, in order.
   * @throws as `enqueue`; the message tells which job was refused.
   */
  async enqueueMany(jobs: readonly BulkJob[], options: BulkOptions = {}): Promise<readonly EnqueueResult[]> {
    const { results } = await this.#send(jobs, options.trace, async (newJobs) => {
      const results: EnqueueResult[] = [];
      for (let first = 0; first < newJobs.length; first += MOST_AT_ONCE) {
        const replies = await this.#store.enqueue(newJobs.slice(first, first + MOST_AT_ONCE), this.clock());
        results.push(...replies.map((reply) => this.#enqueued(reply)));
        options.onProgress?.(results.length);
      }
      return { results };
    });
    return results;
  }

  /**
   * Stores jobs as `enqueueMany` does, and leases those that are due, or some of them, to the caller at once: the eager
   * start. `drain({ held })` then runs them. Without that they come due again when their lease runs out.
   *
   * @param options which of them are leased.
   * @returns an answer per job, in order, and the jobs that are leased.
   * @throws as `enqueueMany`.
   */
  async enqueueHeld(
    jobs: readonly BulkJob[],
    { most = jobs.length, timeout = LATEST_TIME_MS, trace }: HoldOptions = {},
  ): Promise<{ results: readonly EnqueueResult[]; held: readonly ClaimedJob[] }> {
    return this.#send(jobs, trace, async (newJobs) => {
      const now = this.clock();
      const leaseEndsAt = now + leaseMsFor(this.longestTimeoutMs, this.#settings.random);
      const longestMs = durationMs(timeout, "timeout");
      const isShort = jobs.map((job) => attemptMs(job, this.#settings.jobs) <= longestMs);
      const toHold = new Set(newJobs.filter((job, index) => job.runAt <= now && isShort[index]).slice(0, most));
      const leased = newJobs.map((job) => (toHold.has(job) ? { ...job, leaseEndsAt } : job));
      const replies = await this.#store.enqueue(leased, now);
      return { results: replies.map((reply) => this.#enqueued(reply)), held: heldJobs(newJobs, replies) };
    });
  }

  /** Shows a job in whatever state it is; null where no job has the id, or it completed longer ago than `retention`. */
  async getJob(id: string): Promise<JobInfo | null> {
    checkText(id, "id", LONGEST_ID);
    const now = this.clock();
    const stored = await this.#store.find(id, now);
    return (stored && this.#info(stored, now)) ?? null;
  }

  /**
   * Waits until a job has completed or died, with few looks; a look costs two or three commands.
   *
   * @param options `timeout`: how long at most. Default "30s". Then the job is given as it stands: see its `state`.
   * @returns null where no job has the id.
   */
  async wait(id: string, { timeout = "30s" }: { readonly timeout?: Duration } = {}): Promise<JobInfo | null> {
    const timeoutMs = durationMs(timeout, "timeout");
    return waitForEnd(
      () => this.getJob(id),
      timeoutMs,
      this.clock,
      (ms) => sleep(this.clock, ms),
    );
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
  async reschedule(id: string, when: PointInTime | Duration): Promise<JobInfo> {
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
    checkText(id, "id", LONGEST_ID);
    const now = this.clock();
    const changed = await changeJob(this.#store, this.#settings.jobs, await this.#mustWait(id, now), change, now);
    this.#expect(changed.at);
    return this.#info(changed, now) as JobInfo;
  }

  /** Makes sure that the store answers, at the cost of one command. @throws {TidegateError} `store_unavailable` */
  async ping(): Promise<void> {
    await this.#store.peek();
  }

  /** Counts what waits, runs, has completed and has died, and what ever did. */
  async getStats(): Promise<QueueStats> {
    const now = this.clock();
    return queueStats(await this.#store.stats(now), now);
  }

  /** The stats, what was done in each of the last 60 minutes, and how long jobs waited and ran. Costs what `getStats` costs. */
  async getActivity(): Promise<QueueActivity> {
    const now = this.clock();
    return queueActivity(await this.#store.stats(now), now);
  }

  /** What this object has spent so far, counted. Costs nothing. */
  get spending(): Spending {
    return this.#spending.total(this.clock());
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
    const retried = await retryDead(this.#store, this.#settings.jobs, deadSelection(selection), options, now);
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

  /** Ends a pause: drains start jobs and fire schedules again. Without one it changes nothing. */
  async resume(): Promise<void> {
    await this.#store.setPaused(false);
    this.#expect(this.clock());
    this.#nextAt = undefined;
  }

  /**
   * Removes the jobs of a state: "pending" is scheduled and ready together. Running jobs and schedules stay.
   *
   * @param options `state`: which. Default "pending".
   * @returns how many there were.
   */
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
   * Calls `listener` whenever something is put in line through this object, with the time at which it is due: a process that
   * stays need not look for it. The listener may not throw.
   *
   * @returns a function that ends this.
   */
  onExpected(listener: (runAt: number) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Runs what is due, within bounds, and ends. Any number of drains may run at once, or be killed at any point.
   *
   * @throws {TidegateError} `invalid_request` for an option that makes no sense; `store_unavailable`, after which jobs that
   *   ran and could not be handed in run again when their lease runs out.
   */
  async drain(options: DrainOptions & DrainParts = {}): Promise<DrainReport> {
    const limits = drainLimits(options);
    const meter: Meter = { roundTrips: 0, commands: 0 };
    const store = this.#settings.store.open(this.name, meter);
    const { held = [], wholeBudget = limits } = options;
    if (held.length === 0) checkBudget(wholeBudget, limits.batchSize, store);
    const outlook = held.length > 0 ? { paused: false, nextAt: undefined } : await this.#look(store);
    const hooks = hookCalls(this.#settings);
    const shop = { ...this.#settings, queue: this.name, store, declared: this.#declared, hooks };
    const drain = new Drain(shop, meter, limits, this.longestTimeoutMs, outlook);
    drain.take(held);
    // Only where asked: on some platforms a request may not wake what another one began.
    const forget = Number.isFinite(limits.checkEveryMs) ? this.onExpected((runAt) => drain.expect(runAt)) : undefined;
    try {
      const report = await drain.run();
      this.#nextAt = report.nextRunAt?.getTime();
      this.#spending.add(report);
      return report;
    } finally {
      forget?.();
      const { tracing } = this.#settings;
      await Promise.all([hooks?.ended(), tracing?.flush && atMostAWhile(this.clock, async () => tracing.flush?.())]);
    }
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

  #send<Sent extends { readonly results: readonly EnqueueResult[] }>(
    jobs: readonly BulkJob[],
    caller: TraceContext | undefined,
    store: (newJobs: readonly NewJob[]) => Promise<Sent>,
  ): Promise<Sent> {
    const newId = this.#store.idSource(this.#settings.newId);
    return sendJobs({ ...this.#settings, newId }, jobs, caller, store);
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
    for (const tell of this.#listeners) tell(runAt);
  }

  #info(stored: StoredJob, now: number): JobInfo | undefined {
    return jobInfo(stored, this.name, this.#settings.jobs, now);
  }

  async #mustWait(id: string, now: number): Promise<StoredJob> {
    const stored = await this.#store.find(id, now);
    if (!stored || !this.#info(stored, now)) throw notFound(`No job has the id "${id}".`);
    if (stored.state !== "scheduled" && stored.state !== "ready")
      throw conflict(`Job "${id}" does not wait: it is ${stored.state}.`);
    return stored;
  }
}

function isDuration(when: unknown): when is Duration {
  return typeof when === "string" && /^[\d.]+(ms|s|m|h|d)$/.test(when);
}
