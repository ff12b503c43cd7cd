import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { AttemptOutcome } from "../job/attempt-info.ts";
import { type AnyJob, type BatchItem, Snooze } from "../job/define.ts";
import { JobCancelledError, LeaseLostError, permanent, TimeoutError, withoutStack } from "../job/errors.ts";
import { type FollowUps, innerOf } from "../job/inner-options.ts";
import { SETTLE_MARGIN_MS } from "../job/lease-length.ts";
import { issuesText, validate } from "../job/schema.ts";
import type { JobTrace } from "../job/trace-context.ts";
import { logWarning } from "../observe/log.ts";
import { type Duration, durationMs, LATEST_TIME_MS } from "../shared/duration.ts";
import { conflict, invalidRequest, orUndefined, quote } from "../shared/errors.ts";
import { isStoreFailure, OutOfBudgetError } from "../store/meter.ts";
import type { LeasedJob, QueueStore } from "../store/store.ts";
import { BatchCall } from "./batch-call.ts";
import { ClaimedJob } from "./claimed-job.ts";
import { AttemptContext, BatchAttemptContext } from "./context.ts";
import { enqueuedJobs } from "./follow-ups.ts";
import { renewAll } from "./lease.ts";
import type { AttemptNeeds } from "./needs.ts";
import * as outcomes from "./outcome.ts";
import { RememberedSteps } from "./remembered-steps.ts";
import type { Leaving } from "./step-host.ts";
import { Steps } from "./steps.ts";

const nothing = () => {};

const MOST_NAMED = 5;

const ended = withoutStack(new Error("The attempt has ended."));

/** One attempt of a claimed job. `run` never rejects: whatever happens becomes an outcome to settle. */
export class Attempt {
  readonly job: ClaimedJob;
  readonly needs: AttemptNeeds;
  /** Since when it has waited for a slot: since its claim, or, if it follows others of its key, since it may begin. */
  waitsSince: number;
  /** When the window closes in which its claim has counted it. What a reply brings may begin at once, even if late. */
  readonly #beginsBefore: number;
  /** ms since 1970; 0 before the start. Only this class sets it, and `timesOutAt`. */
  startedAt = 0;
  timesOutAt = 0;
  /** How often `perform` has reported progress, and when the next report may be sent. */
  #reports = 0;
  #reportsAt = 0;
  #interrupt: (error: Error) => void = nothing;
  #leave: () => void = nothing;
  // Created only for a job that reads its signal: it costs more than everything else that Tidegate does for it.
  #abort: AbortController | undefined;
  #stopped: Error | undefined;
  #call: BatchCall<Attempt> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #enqueued: ReturnType<typeof enqueuedJobs> | undefined;
  #hasReturned = false;
  #trace: JobTrace | undefined;
  #steps: Steps | undefined;

  constructor(needs: AttemptNeeds, leased: LeasedJob, claimedAt = needs.clock()) {
    this.needs = needs;
    this.job = new ClaimedJob(needs, leased);
    this.waitsSince = claimedAt;
    this.#beginsBefore = Math.max(leased.run?.beginsBefore ?? Number.POSITIVE_INFINITY, claimedAt + 1);
  }

  canStart(now: number): boolean {
    return now < this.#beginsBefore && this.job.canStart(now);
  }

  /** Makes the attempt. @param call performs the job together with others. Default: alone. */
  run(call?: BatchCall<Attempt>): Promise<AttemptOutcome> {
    this.#call = call;
    const { followUps } = innerOf(this.job.definition ?? {});
    const outcome = followUps ? this.#run().then((made) => this.#withFollowUps(made, followUps)) : this.#run();
    return call ? outcome.finally(() => call.leave(this)) : outcome;
  }

  #run(): Promise<AttemptOutcome> {
    const { job, needs } = this;
    this.startedAt = needs.clock();
    job.startedAt = this.startedAt;
    if (!job.isReadable) return Promise.resolve(outcomes.leftToOthers(this));
    if (job.isExpired(this.startedAt)) return Promise.resolve(outcomes.expired(this, this.startedAt));
    if (job.lock !== undefined) return Promise.resolve(outcomes.locked(this, job.lock));
    if (job.isUsedUp) return Promise.resolve(outcomes.usedUp(this));
    if (!needs.traces) return this.#make();
    return needs.traces.attempt({ ...job.info, trace: job.record.trace }, (trace) => {
      this.#trace = trace;
      return this.#make();
    });
  }

  async #withFollowUps(outcome: AttemptOutcome, followUps: FollowUps): Promise<AttemptOutcome> {
    if (outcome.to !== "completed" && outcome.to !== "dead") return outcome;
    const { id, name, attempt: attempts, maxRetries } = this.job.info;
    const { failure } = outcome;
    try {
      const ending = { id, attempts, maxRetries, ...(failure && { failure: failure.message }) };
      return { ...outcome, followUps: [...(outcome.followUps ?? []), ...(await followUps(ending, this))] };
    } catch (error) {
      // The job ends again later, when the store may be available.
      if (isStoreFailure(error)) return outcomes.postponed(this, outcome);
      logWarning(this.needs.logger, `The jobs that follow job ${name} (${id}) could not be made.`);
      return outcome;
    }
  }

  async #make(): Promise<AttemptOutcome> {
    const { job, needs } = this;
    try {
      needs.hooks?.started(job.info, outcomes.timingOf(this, this.startedAt).waitedMs);
      const { definition } = job;
      if (!definition)
        throw withoutStack(
          new Error(
            `No job is named "${job.name}" in this deployment. Add it to the jobs of the queue "${needs.queue}".`,
          ),
        );
      const { payload: stored } = job.record;
      this.#setTimeout(this.startedAt + this.#timeoutMs, this.startedAt);
      const { schema } = definition;
      const payload = schema ? await this.#interruptible(this.#checked(schema, stored)) : stored;
      const result = await this.#interruptible(this.#perform(definition, payload));
      this.#hasReturned = true;
      this.#steps?.close();
      if (this.#steps) await this.#interruptible(this.#steps.idle());
      if (this.#steps?.leaving) return await this.#left(this.#steps.leaving);
      if (this.#failure) throw this.#failure.error;
      const followUps = this.#enqueued && (await this.#interruptible(this.#enqueued.checked()));
      const renewals = job.lease.finish();
      if (renewals) await renewals;
      const outcome = result instanceof Snooze ? outcomes.snoozed(this, result) : outcomes.completed(this, result);
      if (outcome.to === "completed" && job.remembered) this.#reportUnused(job.remembered);
      return followUps ? { ...outcome, followUps } : outcome;
    } catch (thrown) {
      // What still runs has a result that must not be lost. Nothing more begins.
      this.#steps?.close();
      if (this.#steps) await this.#interruptible(this.#steps.idle()).catch(nothing);
      await job.lease.finish();
      // `job.fail` for this job overrides the end of the call.
      if (this.#failure) return outcomes.failed(this, this.#failure.error);
      return outcomes.failed(this, thrown, this.#call?.isShared(this));
    } finally {
      needs.timeouts.delete(this);
      // What timed out may still run: the signal stops what it waits for. An `extend` that it does not await
      // starts no timer any more.
      this.#stopped ??= ended;
      this.#abort?.abort(ended);
      this.#steps?.end(ended);
    }
  }

  #reportUnused(remembered: RememberedSteps): void {
    const { id, name } = this.job.info;
    const unused = remembered.unused(this.#steps?.called ?? new Set());
    if (unused.length === 0) return;
    const names = unused.slice(0, MOST_NAMED).map(quote).join(", ") + (unused.length > MOST_NAMED ? ", ..." : "");
    logWarning(
      this.needs.logger,
      `Job ${name} (${id}) has completed without asking for ${unused.length} of its stored steps: ${names}. A step that was renamed has run again.`,
    );
  }

  async #left(leaving: Leaving): Promise<AttemptOutcome> {
    await this.job.lease.finish();
    return leaving.why === "failed"
      ? outcomes.failed(this, leaving.error, false, leaving.options)
      : outcomes.left(this);
  }

  get steps(): Steps {
    if (!this.#steps) {
      const { job } = this;
      job.remembered ??= new RememberedSteps(job.record, this.startedAt);
      this.#steps = new Steps(this, job.remembered);
      // `perform` may go on after its attempt has ended.
      if (this.#stopped) this.#steps.end(this.#stopped);
    }
    return this.#steps;
  }

  get #timeoutMs(): number {
    return this.#call?.timeoutMs ?? this.job.timeoutMs;
  }

  #perform(definition: AnyJob, payload: unknown): unknown {
    if (definition.perform) return definition.perform(payload as never, new AttemptContext(this));
    this.#call ??= new BatchCall<Attempt>([this]);
    const item = { payload, job: new BatchAttemptContext(this) };
    const perform = (items: readonly BatchItem<unknown>[]) => definition.performBatch?.(items as never);
    return this.#call.join(this, item, perform);
  }

  enqueue(job: AnyJob | string, payload: unknown, options: object = {}): string {
    if (this.#steps?.areRunning)
      throw invalidRequest(
        "job.enqueue cannot be called while a step runs: later attempts skip the step, and would enqueue nothing. Call it beside the steps, or queue.enqueue with the step's key as the id.",
      );
    if (this.#hasReturned || this.#stopped)
      throw conflict(`The attempt of job "${this.job.info.id}" has ended, and enqueues nothing more. Stop working.`);
    this.#enqueued ??= enqueuedJobs(this.needs, this.job, this.#trace);
    return this.#enqueued.add(job, payload, options);
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  async #checked(schema: StandardSchemaV1, payload: unknown): Promise<unknown> {
    const checked = await validate(schema, payload);
    if ("value" in checked) return checked.value;
    // The schema may succeed on a retry, as after a lookup that failed.
    if (checked.threw) throw withoutStack(new Error(`Checking the payload failed: ${issuesText(checked.issues)}.`));
    throw permanent(`The payload no longer fits the schema of "${this.job.name}": ${issuesText(checked.issues)}`);
  }

  /** Fails the attempt now, for this reason, and aborts the signal of the job. */
  stop(reason: Error): void {
    this.#stopped = reason;
    this.#abort?.abort(reason);
    this.#steps?.end(reason);
    this.#interrupt(reason);
  }

  leave(): void {
    this.#leave();
  }

  #interruptible<Result>(work: Result): Promise<Awaited<Result>> {
    return new Promise((resolve, reject) => {
      this.#interrupt = reject;
      this.#leave = resolve as () => void;
      if (this.#stopped) reject(this.#stopped);
      Promise.resolve(work).then(resolve, reject);
    });
  }

  #setTimeout(at: number, now = this.needs.clock()): void {
    this.timesOutAt = at;
    this.needs.timeouts.set(this, now);
  }

  timeOut(): void {
    const had = this.timesOutAt - this.startedAt;
    const its = had === this.#timeoutMs ? "its" : "its extended";
    const reason = new TimeoutError(`The attempt took longer than ${its} timeout of ${had} ms.`);
    // A step that is too late fails by its own rules.
    if (this.#steps?.areRunning) this.#steps.timeOut(reason);
    else this.stop(reason);
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#stopped) this.#abort.abort(this.#stopped);
    return this.#abort.signal;
  }

  async extend(duration: Duration | undefined): Promise<void> {
    const endsAt = this.needs.clock() + durationMs(duration ?? this.#timeoutMs, "the duration of extend");
    const leaseEndsAt = Math.min(endsAt + SETTLE_MARGIN_MS, LATEST_TIME_MS);
    const members = this.#call?.joined ?? [this];
    const renewed = await renewLeases(this.needs.store, members, leaseEndsAt);
    members.forEach((member, index) => {
      if (renewed[index]?.status === "fulfilled" && !member.#stopped) member.#setTimeout(endsAt);
    });
    const own = renewed[members.indexOf(this)];
    if (own?.status === "rejected") throw own.reason;
    // A job of the call that has lost its lease learns of it through its own signal.
    for (const each of renewed) if (each.status === "rejected" && isStoreFailure(each.reason)) throw each.reason;
  }

  /** Moves the timeout, unless it is later already. The lease is long enough. */
  giveTimeUntil(at: number): void {
    if (!this.#stopped) this.#setTimeout(Math.max(at, this.timesOutAt));
  }

  async reportProgress(value: unknown): Promise<void> {
    const record = this.job.progressText(value);
    const { lease } = this.job;
    const now = this.needs.clock();
    const isSuperseded = () => report !== this.#reports;
    const report = ++this.#reports;
    // While a request is under way, only the last report waits to be sent next.
    if (lease.renewals) await lease.renewals;
    if (isSuperseded()) return;
    if (now < this.#reportsAt) {
      this.job.isUnsaved = true;
      return;
    }
    this.#reportsAt = now + (this.needs.spacing?.(this.timesOutAt - now) ?? 0);
    try {
      await renewAll(this.needs.store, [{ lease, record, onLost: this.onLost }])[0];
    } catch (error) {
      // The progress is stored with the next request, or with the outcome.
      if (!(error instanceof OutOfBudgetError)) throw error;
      this.job.isUnsaved = true;
    }
  }

  log(message: unknown, data: unknown): void {
    // It never throws, even if the clock does.
    this.job.log(orUndefined(this.needs.clock) ?? this.startedAt, message, data);
  }

  keepProgress(value: unknown): void {
    // If it cannot be stored, the outcome is stored without it.
    orUndefined(() => this.job.progressText(value));
  }

  /** The job is gone or held elsewhere. Before the end of its lease it was cancelled, as nobody can claim it. */
  readonly onLost = () => {
    const isCancelled = this.needs.clock() < this.job.lease.current.endsAt;
    this.stop(
      isCancelled
        ? new JobCancelledError("The job was cancelled while it ran.")
        : new LeaseLostError("The lease ran out and the job belongs to another invocation."),
    );
  };
}

/**
 * Extends the leases of running attempts in one request, stores what they have reported since, and stops
 * those whose jobs were cancelled. Never rejects.
 *
 * @param endsAt when the leases end. Default: as they end now.
 */
export async function renewLeases(store: QueueStore, attempts: readonly Attempt[], endsAt?: number) {
  const renewals = attempts.map(({ job, onLost }) => {
    return { lease: job.lease, endsAt, record: job.takeUnsavedText(), onLost };
  });
  const renewed = await Promise.allSettled(renewAll(store, renewals));
  attempts.forEach(({ job }, index) => {
    if (renewed[index]?.status === "rejected" && renewals[index]?.record !== undefined) job.isUnsaved = true;
  });
  return renewed;
}

export async function runTogether(attempts: readonly Attempt[]): Promise<readonly AttemptOutcome[]> {
  const [first] = attempts;
  if (first && attempts.length === 1) return [await first.run()];
  const call = new BatchCall(attempts);
  return Promise.all(attempts.map((attempt) => attempt.run(call)));
}
