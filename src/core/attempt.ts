import type { StandardSchemaV1 } from "@standard-schema/spec";
import { timingOf } from "./activity.ts";
import { alarm, type Clock } from "./clock.ts";
import { LeaseLostError, PermanentError, TimeoutError } from "./control.ts";
import { type Duration, durationMs, LATEST_TIME_MS, pointInTimeMs } from "./duration.ts";
import { HeldLease } from "./held-lease.ts";
import type { HookCalls } from "./hook-calls.ts";
import type { AttemptInfo } from "./hooks.ts";
import { type AnyJob, Snooze } from "./job.ts";
import { AttemptContext } from "./job-context.ts";
import { SETTLE_MARGIN_MS } from "./lease.ts";
import { jobDefaults, timeoutMs } from "./options.ts";
import * as records from "./record.ts";
import { isNamed, retryWaitMs } from "./retry.ts";
import { issuesText, validate } from "./schema.ts";
import type { ClaimedJob, Lease, Outcome, QueueStore, Timing } from "./store.ts";
import { type Tracing, traced } from "./tracing.ts";
import { UNREADABLE_RETRY_MS } from "./versioned.ts";

/** What an attempt needs of its queue. */
export interface Workshop {
  readonly queue: string;
  readonly store: QueueStore;
  readonly jobs: ReadonlyMap<string, AnyJob>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly retentionMs: number;
  readonly hooks?: HookCalls | undefined;
  readonly tracing?: Tracing | undefined;
}

/** What became of an attempt; with what was thrown, itself, where it failed. */
export type AttemptOutcome = Outcome & { readonly thrown?: unknown };

// The errors below are made by Tidegate: their stack would show its own code and nothing of the job's.
function withoutStack(error: Error): Error {
  error.stack = "";
  return error;
}

const nothing = () => {};

/** Why the signal of a job that has ended is aborted. */
const ended = withoutStack(new Error("The attempt has ended."));

/** One claimed job and the attempt to perform it. `run` never rejects: whatever happens becomes an outcome to hand in. */
export class Attempt {
  readonly number: number;
  readonly name: string;
  readonly timeoutMs: number;
  /** Whether it may be what its invocations died of: two since an attempt ended, or one where this attempt is the last. */
  readonly isSuspect: boolean;
  readonly dueAt: number;
  readonly #held: HeldLease;
  readonly #workshop: Workshop;
  readonly #text: string;
  readonly #job: AnyJob | undefined;
  readonly #record: records.JobRecord;
  #progress: unknown;
  #isReadable: boolean;
  #startedAt = 0;
  #endsAt = 0;
  #offAlarm: () => void = nothing;
  #interrupt: (error: Error) => void = nothing;
  // Made for those jobs alone that ask for a signal: it costs more than all else that Tidegate does for a job.
  #abort: AbortController | undefined;
  #stopped: Error | undefined;

  constructor(workshop: Workshop, claimed: ClaimedJob) {
    const record = records.decodeRecord(claimed.record);
    this.#workshop = workshop;
    this.#text = claimed.record;
    this.#isReadable = record !== undefined;
    this.#record = record ?? records.unreadable;
    this.#job = workshop.jobs.get(this.#record.name);
    this.name = this.#record.name;
    this.#held = new HeldLease(workshop.store, claimed.lease);
    this.dueAt = claimed.dueAt;
    this.number = records.attemptOf(this.#record, claimed.lease.claims);
    const died = this.number - 1 - records.lastFailedAttempt(this.#record);
    this.isSuspect = died >= 2 || (died === 1 && this.number > this.maxRetries);
    this.timeoutMs = this.#record.timeoutMs ?? timeoutMs(this.#job?.timeout ?? jobDefaults.timeout);
  }

  get lease(): Lease {
    return this.#held.current;
  }

  set lease(lease: Lease) {
    this.#held.current = lease;
  }

  get maxRetries(): number {
    return this.#record.maxRetries ?? this.#job?.maxRetries ?? jobDefaults.maxRetries;
  }

  get info(): AttemptInfo {
    const { maxRetries, name } = this;
    // A job whose invocations died each time is claimed once more, to be buried.
    const attempt = Math.min(this.number, maxRetries + 1);
    return { queue: this.#workshop.queue, id: this.lease.id, name, attempt, maxRetries };
  }

  /** Whether the lease outlives an attempt that starts now. */
  canStart(now: number): boolean {
    return this.lease.endsAt - now >= this.timeoutMs + SETTLE_MARGIN_MS;
  }

  /** Hands the job back, due when it was, with no attempt used. */
  release(): Outcome {
    return this.#return(this.dueAt);
  }

  /** Makes the attempt. */
  run(): Promise<AttemptOutcome> {
    this.#startedAt = this.#workshop.clock();
    if (!this.#isReadable) return Promise.resolve(this.#returnUnreadable());
    if (this.number > this.maxRetries + 1)
      return Promise.resolve({ ...this.#die(this.#invocationsDied()), timing: undefined });
    const { tracing } = this.#workshop;
    return tracing ? this.#traced(tracing) : this.#make();
  }

  get #timing(): Timing {
    return timingOf(this.dueAt, this.#startedAt, this.#workshop.clock());
  }

  #traced(tracing: Tracing): Promise<AttemptOutcome> {
    const attempt = { ...this.info, trace: this.#record.trace };
    return traced(
      (make) => tracing.attempt(attempt, make),
      () => this.#make(),
    );
  }

  async #make(): Promise<AttemptOutcome> {
    try {
      this.#workshop.hooks?.started(this.info, this.#timing.waitedMs);
      const job = this.#known(this.#job);
      const { payload: stored, enqueuedAt } = this.#record;
      this.#setAlarm(this.#startedAt + this.timeoutMs);
      const payload = job.schema ? await this.#interruptible(this.#checked(job.schema, stored)) : stored;
      const context = new AttemptContext(this, this.info, enqueuedAt);
      const result = await this.#interruptible(job.perform(payload as never, context));
      const renewals = this.#held.settle();
      if (renewals) await renewals;
      return result instanceof Snooze ? this.#snooze(result) : this.#complete(result);
    } catch (thrown) {
      await this.#held.settle();
      return this.#failed(thrown);
    } finally {
      this.#offAlarm();
      // A handler that was timed out may still be running: what it waits for is told to stop.
      this.#abort?.abort(ended);
    }
  }

  #known(job: AnyJob | undefined): AnyJob {
    if (job) return job;
    throw withoutStack(
      new Error(
        `No job is named "${this.name}" in this deployment. Add it to the jobs of the queue "${this.#workshop.queue}".`,
      ),
    );
  }

  async #checked(schema: StandardSchemaV1, payload: unknown): Promise<unknown> {
    const checked = await validate(schema, payload);
    if ("value" in checked) return checked.value;
    throw withoutStack(
      new PermanentError(`The payload no longer fits the schema of "${this.name}": ${issuesText(checked.issues)}`),
    );
  }

  /** Ends the attempt as failed, now and for this reason; the job is told through its signal. */
  stop(reason: Error): void {
    this.#stopped = reason;
    this.#abort?.abort(reason);
    this.#interrupt(reason);
  }

  /** Waits for the work, or for `stop`. */
  #interruptible<Result>(work: Result): Promise<Awaited<Result>> {
    return new Promise((resolve, reject) => {
      this.#interrupt = reject;
      if (this.#stopped) reject(this.#stopped);
      Promise.resolve(work).then(resolve, reject);
    });
  }

  #setAlarm(endsAt: number): void {
    const { clock } = this.#workshop;
    this.#offAlarm();
    this.#endsAt = endsAt;
    this.#offAlarm = alarm(clock, endsAt - clock(), () => this.#timeOut());
  }

  #timeOut(): void {
    // A timer may ring a little early.
    if (this.#workshop.clock() < this.#endsAt) this.#setAlarm(this.#endsAt);
    else this.stop(new TimeoutError(`The attempt took longer than its timeout of ${this.timeoutMs} ms.`));
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#stopped) this.#abort.abort(this.#stopped);
    return this.#abort.signal;
  }

  async extend(duration: Duration | undefined): Promise<void> {
    const endsAt = this.#workshop.clock() + durationMs(duration ?? this.timeoutMs, "the duration of extend");
    await this.#renew(Math.min(endsAt + SETTLE_MARGIN_MS, LATEST_TIME_MS));
    this.#setAlarm(endsAt);
  }

  async tellProgress(value: unknown): Promise<void> {
    records.checkPayload(value);
    this.#progress = value;
    await this.#renew(this.lease.endsAt, records.encodeRecord(this.#stored));
  }

  /** The record as it was claimed, read anew: a handler may have changed the payload that it was given. */
  get #stored(): records.JobRecord {
    const stored = records.decodeRecord(this.#text) ?? this.#record;
    return this.#progress === undefined ? stored : { ...stored, progress: this.#progress };
  }

  #renew(endsAt: number, record?: string): Promise<void> {
    const lost = () => this.stop(new LeaseLostError("The lease ran out and the job belongs to another invocation."));
    return this.#held.renew(endsAt, record, lost);
  }

  #complete(result: unknown): Outcome {
    const { clock, retentionMs } = this.#workshop;
    const at = clock();
    const end = {
      at,
      startedAt: this.#startedAt,
      attempts: this.number,
      result: storable(result),
      expiresAt: at + retentionMs,
    };
    return { to: "completed", lease: this.lease, record: this.#completedRecord(end), timing: this.#timing };
  }

  #completedRecord(end: records.JobEnd): string {
    if (this.#workshop.retentionMs === 0) return "";
    if ((this.#progress ?? this.#record.progress) === undefined) return records.withEnd(this.#text, end);
    return records.encodeRecord({ ...this.#stored, progress: undefined, end });
  }

  #snooze(snooze: Snooze): Outcome {
    const { clock } = this.#workshop;
    const { until } = snooze;
    const at = until instanceof Date ? pointInTimeMs(until, "snooze") : clock() + durationMs(until, "snooze");
    return { ...this.#return(Math.min(at, LATEST_TIME_MS)), timing: this.#timing };
  }

  #return(runAt: number): Outcome {
    const record = this.#isReadable ? records.encodeRecord(records.withReturnedClaim(this.#stored)) : this.#text;
    return { to: "returned", lease: this.lease, runAt, record };
  }

  /** Leaves a record of a newer version to the deployment that knows it. */
  #returnUnreadable(): Outcome {
    return this.#return(this.#workshop.clock() + UNREADABLE_RETRY_MS);
  }

  #failed(thrown: unknown): AttemptOutcome {
    try {
      return this.#fail(thrown);
    } catch {
      return this.#fail(withoutStack(new Error("What was thrown cannot be read: it throws when it is looked at.")));
    }
  }

  #fail(thrown: unknown): AttemptOutcome {
    if (isNamed(thrown, "PermanentError")) return this.#die(thrown);
    if (this.number > this.maxRetries) return this.#die(thrown);
    const { clock, random } = this.#workshop;
    const backoff = this.#record.backoff ?? this.#job?.backoff;
    const runAt = Math.min(clock() + retryWaitMs(thrown, backoff, this.number, clock(), random), LATEST_TIME_MS);
    const record = records.withError(this.#stored, records.attemptError(thrown, this.number, clock()));
    return {
      to: "retried",
      lease: this.lease,
      runAt,
      record: records.encodeRecord(record),
      timing: this.#timing,
      thrown,
    };
  }

  #die(thrown: unknown): AttemptOutcome {
    const at = this.#workshop.clock();
    const error = records.attemptError(thrown, this.number, at);
    const { attempt: attempts } = this.info;
    const end = { at, startedAt: this.#startedAt, attempts, error, claims: this.lease.claims };
    const record = { ...records.withError(this.#stored, error), end };
    return { to: "dead", lease: this.lease, at, record: records.encodeRecord(record), timing: this.#timing, thrown };
  }

  #invocationsDied(): Error {
    const attempts = this.maxRetries + 1;
    const times = attempts === 1 ? "its only attempt" : `each of the last of its ${attempts} attempts`;
    const error = new Error(
      `The invocation ended, or was killed, before the job finished, in ${times}: the lease ran out each time.`,
    );
    error.name = "LeaseExpiredError";
    return withoutStack(error);
  }
}

/** The result as it can be stored: one that is no JSON, or too large, is dropped, since the work has been done all the same. */
function storable(result: unknown): unknown {
  try {
    records.checkPayload(result);
    return result;
  } catch {
    return undefined;
  }
}
