import { leaseMsFor } from "../attempt/lease.ts";
import { DrainBudget } from "../drain/budget.ts";
import { Drain } from "../drain/drain.ts";
import { checkBudget, type DrainOptions, type DrainParts, drainLimits, leastBudget } from "../drain/options.ts";
import { type DrainReport, noCounts, notDrained } from "../drain/report.ts";
import { Turn } from "../enqueue/coalesce.ts";
import { type EnqueueOptions, type EnqueueResult, type RecurringOptions, resolveJob } from "../enqueue/new-job.ts";
import { FlowKeys } from "../flow/flow-keys.ts";
import type { AnyJob, PayloadArguments } from "../job/define.ts";
import { jobDefaults, timeoutMs } from "../job/options.ts";
import type { TraceContext } from "../job/trace-context.ts";
import { hookCalls } from "../observe/hook-runner.ts";
import { logWarning } from "../observe/log.ts";
import { traceCalls } from "../observe/tracing.ts";
import { DeclaredSchedules } from "../schedule/declared.ts";
import { Schedules } from "../schedule/schedules.ts";
import { steadyClock } from "../shared/clock.ts";
import { type Duration, durationMs, LATEST_TIME_MS } from "../shared/duration.ts";
import { invalidRequest } from "../shared/errors.ts";
import { asJson } from "../shared/json.ts";
import { MOST_AT_ONCE } from "../shared/limits.ts";
import { checkKnown, checkObject } from "../shared/validate.ts";
import type { Cost } from "../store/meter.ts";
import type { EnqueueReply, LeasedJob, NewJob, NextDue, QueueStore } from "../store/store.ts";
import { QueueUpkeep } from "./manage.ts";
import { Expected } from "./next-due.ts";
import { type HoldOptions, type QueueOptions, type QueueSettings, queueSettings } from "./options.ts";
import { attemptMs, type BulkJob, type BulkOptions, heldJobs, sendJobs, sendOne, type TypedBulk } from "./send.ts";
import { type Spending, SpendingCounter } from "./usage.ts";

/** Whether a value is a queue: by what it has, for it may be one of another copy of the package. */
export function isQueue(value: unknown): value is Queue {
  const given = Object(value) as Partial<Queue>;
  return typeof given.drain === "function" && Array.isArray(given.jobNames);
}

/** @throws {TidegateError} `invalid_request` */
export function checkQueue(value: unknown): asserts value is Queue {
  if (!isQueue(value)) throw invalidRequest("A queue must be what new Queue({ store, jobs }) gives.");
}

/**
 * A queue: enqueues jobs, looks after them, and drains them.
 *
 * Every method throws a `TidegateError`: with the code `invalid_request` for an argument or option that makes no sense, and the
 * message names it; with `store_unavailable` where the store cannot be reached. The call is then safe to repeat, an enqueue
 * with an `id`.
 */
export class Queue extends QueueUpkeep {
  /** Recurring jobs. */
  readonly schedules: Schedules;
  /** Keys of flow control: their limits, what they hold back, pauses. */
  readonly flowControl: FlowKeys;
  readonly #settings: QueueSettings;
  readonly #store: QueueStore;
  readonly #declared: DeclaredSchedules;
  readonly #spending: SpendingCounter;
  // Spares the look before a drain.
  readonly #expected: Expected;
  /** The calls of `enqueue` that travel together. */
  #turn: Turn<EnqueueResult> | undefined;

  /**
   * @throws {InvalidPayloadError} where a job's `schedulePayload` does not fit its schema.
   * @throws {TidegateError} `invalid_request` for an option that makes no sense, or two jobs of one name.
   */
  constructor(options: QueueOptions) {
    const settings = queueSettings(options);
    const spending = new SpendingCounter(settings.clock());
    const store = settings.store.open(settings.name, spending.work);
    const reader = settings.store.open(settings.name, spending.looks);
    const expected = new Expected();
    super(settings, store, reader, expected);
    this.#settings = settings;
    this.#spending = spending;
    this.#store = store;
    this.#expected = expected;
    this.#declared = new DeclaredSchedules(settings.jobs, settings.clock, (text) => logWarning(settings.logger, text));
    this.schedules = new Schedules(store, reader, settings.jobs, settings.clock, (runAt) => expected.add(runAt));
    this.flowControl = new FlowKeys(store, reader, settings.clock, () => {
      expected.add(settings.clock());
      expected.at = undefined;
    });
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

  /** What its drains need: the most that a look costs, and the least budget that one can do anything with. */
  get needs(): { readonly look: Cost; readonly least: Cost } {
    return { look: this.#store.local.mostOfPeek, least: leastBudget(this.#store, this.#declared.count) };
  }

  /**
   * Stores a job; it will run at least once. With `cron` among the options it makes a recurring job instead.
   *
   * Calls that are made in one turn of the event loop, as in a `Promise.all`, are stored together for the price of `enqueueMany`.
   * Each is still checked, answered and refused alone. One request stores up to 1,000 jobs and 4 MiB; if it fails, every call in
   * it fails.
   *
   * @param job a definition, or the name of one.
   * @param payloadAndOptions its payload, which may be left out where the job takes none, and options.
   * @throws {InvalidPayloadError} where the payload does not fit the schema. Nothing was stored.
   * @throws {TidegateError} `invalid_request` or `payload_too_large`. Nothing was stored.
   */
  enqueue<Job extends AnyJob | string>(
    job: Job,
    ...payloadAndOptions: PayloadArguments<Job, EnqueueOptions | RecurringOptions>
  ): Promise<EnqueueResult>;
  async enqueue(
    job: AnyJob | string,
    payload?: unknown,
    options: EnqueueOptions | RecurringOptions = {},
  ): Promise<EnqueueResult> {
    checkObject(options, 'enqueue takes an object of options after the payload, such as { delay: "5m" }.');
    if ("cron" in options) return this.#enqueueRecurring(job, payload, options);
    if (!this.#turn?.isOpen) this.#turn = this.#newTurn((newJobs) => this.#store.enqueue(newJobs, this.clock()));
    const turn = this.#turn;
    const settings = { ...this.#settings, newId: turn.newId };
    return sendOne(settings, { ...options, job, payload }, undefined, (draft) => turn.enter(draft));
  }

  /**
   * Stores jobs in one atomic call: all or, where one is refused, none. More than 1,000 go in several such calls, after all
   * of them have been checked.
   *
   * @returns an answer per job, in order.
   * @throws as `enqueue`; the message tells which job was refused.
   */
  async enqueueMany<const Jobs extends readonly (AnyJob | string)[]>(
    jobs: TypedBulk<Jobs> | readonly [],
    options: BulkOptions = {},
  ): Promise<readonly EnqueueResult[]> {
    checkKnown(options, ["onProgress", "trace"], "enqueueMany");
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
  ): Promise<{ results: readonly EnqueueResult[]; held: readonly LeasedJob[] }> {
    return this.#send(jobs, trace, async (newJobs) => {
      const now = this.clock();
      const isShort = jobs.map((job) => this.#isShort(job, timeout));
      const toHold = newJobs.filter((job, index) => job.runAt <= now && isShort[index]).slice(0, most);
      const replies = await this.#storeHeld(newJobs, toHold, now);
      return { results: replies.map((reply) => this.#enqueued(reply)), held: heldJobs(newJobs, replies) };
    });
  }

  /**
   * Stores each job for itself, as calls of `enqueue` in one turn do, and leases some of them as `enqueueHeld` does.
   *
   * @param options which of them are leased.
   * @returns what became of each job, in order, and the jobs that are leased.
   */
  async enqueueEach(
    jobs: readonly BulkJob[],
    { most = jobs.length, timeout = LATEST_TIME_MS, trace }: HoldOptions = {},
  ): Promise<{ results: readonly PromiseSettledResult<EnqueueResult>[]; held: readonly LeasedJob[] }> {
    const held: LeasedJob[] = [];
    const short = new Set<string>();
    let free = most;
    const turn = this.#newTurn(async (newJobs) => {
      const now = this.clock();
      const toHold = newJobs.filter((job) => job.runAt <= now && short.has(job.id)).slice(0, free);
      free -= toHold.length;
      const replies = await this.#storeHeld(newJobs, toHold, now);
      held.push(...heldJobs(newJobs, replies));
      return replies;
    });
    const settings = { ...this.#settings, newId: turn.newId };
    const enqueue = (item: BulkJob) =>
      sendOne(settings, item, trace, (draft) => {
        if (this.#isShort(item, timeout)) short.add(draft.id);
        return turn.enter(draft);
      });
    return { results: await Promise.allSettled(jobs.map(enqueue)), held };
  }

  #isShort(job: BulkJob, timeout: Duration): boolean {
    return attemptMs(job, this.#settings.jobs) <= durationMs(timeout, "timeout");
  }

  #storeHeld(newJobs: readonly NewJob[], toHold: readonly NewJob[], now: number): Promise<readonly EnqueueReply[]> {
    const held = new Set(toHold);
    const leaseEndsAt = now + leaseMsFor(this.longestTimeoutMs, this.#settings.random);
    return this.#store.enqueue(
      newJobs.map((job) => (held.has(job) ? { ...job, leaseEndsAt } : job)),
      now,
    );
  }

  /** What this object has spent so far, counted. Costs nothing. */
  get spending(): Spending {
    return this.#spending.total(this.clock());
  }

  /**
   * Calls `listener` whenever something is put in line through this object, with the time at which it is due: a process that
   * stays need not look for it. The listener may not throw.
   *
   * @returns a function that ends this.
   */
  onExpected(listener: (runAt: number) => void): () => void {
    return this.#expected.listen(listener);
  }

  /**
   * Runs what is due, within bounds, and ends. Any number of drains may run at once, or be killed at any point.
   *
   * @throws {TidegateError} `invalid_request` for an option that makes no sense; `store_unavailable`, after which jobs that
   *   ran and could not be handed in run again when their lease runs out.
   */
  async drain(options: DrainOptions & DrainParts = {}): Promise<DrainReport> {
    const limits = drainLimits(options);
    const { held = [], before = noCounts, clock = steadyClock(this.clock) } = options;
    const { least } = this.needs;
    if (held.length === 0) checkBudget(limits, least, this.name);
    const budget = new DrainBudget({
      roundTrips: limits.roundTrips - before.roundTrips,
      commands: limits.commands - before.commands,
    });
    if (held.length === 0 && !budget.affords(least)) return notDrained;
    const store = this.#settings.store.open(this.name, budget);
    const nextDue =
      held.length > 0
        ? { paused: false, nextAt: undefined }
        : await this.#lookUnlessAborted(store, budget, limits.signal);
    const hooks = hookCalls(this.#settings);
    const traces = traceCalls(this.#settings);
    const runtime = { ...this.#settings, clock, queue: this.name, store, declared: this.#declared, hooks, traces };
    const onReturn = (runAt: number) => {
      this.#expected.add(runAt);
      limits.onReturn?.(runAt);
    };
    const bounds = { ...limits, maxJobs: limits.maxJobs - before.claimed, onReturn };
    const drain = new Drain(runtime, budget, bounds, this.longestTimeoutMs, nextDue);
    drain.take(held);
    // Only where asked: on some platforms a request may not wake what another one began.
    const forget = Number.isFinite(limits.checkEveryMs)
      ? this.onExpected((runAt) => drain.noteEnqueued(runAt))
      : undefined;
    try {
      const report = await drain.run();
      if (!limits.heldOnly) this.#expected.at = report.nextRunAt?.getTime();
      this.#spending.add(report);
      limits.onStopped?.(report);
      return report;
    } finally {
      forget?.();
      const rest = Promise.all([hooks?.ended(), traces?.flushed()]).then(() => {});
      if (options.afterwards) options.afterwards(rest);
      else await rest;
    }
  }

  /** Whoever is told to end does not wait for the answer of a look, which changes nothing. After the report no more is sent. */
  async #lookUnlessAborted(store: QueueStore, budget: DrainBudget, signal: AbortSignal | undefined): Promise<NextDue> {
    const unknown: NextDue = { paused: false, nextAt: undefined };
    if (signal?.aborted) return unknown;
    const look = this.#look(store);
    if (!signal) return look;
    let stop = () => {};
    const aborted = new Promise<NextDue>((resolve) => {
      stop = () => {
        budget.close();
        resolve(unknown);
      };
    });
    signal.addEventListener("abort", stop);
    try {
      return await Promise.race([look, aborted]);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  /** What comes next, as cheaply as it can be known: from memory where that says that something is due, else by a peek. */
  async #look(store: QueueStore): Promise<NextDue> {
    const now = this.clock();
    if (!this.#declared.isInForce) {
      const outlook = await store.peekWithManifest();
      return this.#declared.putInForce(store, outlook, now);
    }
    const { at: nextAt } = this.#expected;
    if (nextAt !== undefined && nextAt <= now) return { paused: false, nextAt };
    return store.peek();
  }

  #newTurn(store: (newJobs: readonly NewJob[]) => Promise<readonly EnqueueReply[]>): Turn<EnqueueResult> {
    return new Turn({
      newId: this.#store.local.idSource(this.#settings.newId),
      partitionOf: (job) => this.#store.local.partitionOf(job),
      store: async (newJobs) => (await store(newJobs)).map((reply) => this.#enqueued(reply)),
      clock: this.clock,
    });
  }

  #send<Sent extends { readonly results: readonly EnqueueResult[] }>(
    jobs: readonly BulkJob[],
    caller: TraceContext | undefined,
    store: (newJobs: readonly NewJob[]) => Promise<Sent>,
  ): Promise<Sent> {
    const { local } = this.#store;
    const newId = local.idSource(this.#settings.newId);
    return sendJobs({ ...this.#settings, newId }, jobs, caller, store);
  }

  async #enqueueRecurring(job: AnyJob | string, payload: unknown, options: RecurringOptions): Promise<EnqueueResult> {
    const { id, ...schedule } = options;
    const taken = asJson(payload, "payload");
    const key = id ?? resolveJob(job, this.#settings.jobs).name;
    const existing = await this.schedules.get(key);
    const { nextRunAt } = await this.schedules.upsert(key, { ...schedule, job, payload: taken });
    return { id: key, status: existing ? "duplicate" : "enqueued", runAt: nextRunAt };
  }

  #enqueued({ id, status, runAt, lease }: EnqueueReply): EnqueueResult {
    if (runAt !== undefined && !lease) this.#expected.add(runAt);
    return { id, status, runAt: runAt === undefined ? null : new Date(runAt) };
  }
}
