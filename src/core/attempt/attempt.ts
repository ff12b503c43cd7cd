import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { AttemptOutcome } from "../job/attempt-info.ts";
import { type AnyJob, Snooze } from "../job/define.ts";
import { LeaseLostError, PermanentError, TimeoutError, withoutStack } from "../job/errors.ts";
import { issuesText, validate } from "../job/schema.ts";
import type { TraceCalls } from "../observe/tracing.ts";
import { alarm } from "../shared/clock.ts";
import { type Duration, durationMs, LATEST_TIME_MS } from "../shared/duration.ts";
import { OutOfBudgetError } from "../store/meter.ts";
import type { LeasedJob } from "../store/store.ts";
import { Claim } from "./claimed-job.ts";
import { AttemptContext } from "./context.ts";
import { SETTLE_MARGIN_MS } from "./lease-time.ts";
import * as outcomes from "./outcome.ts";
import { timingOf } from "./outcome.ts";
import type { Workshop } from "./runtime.ts";

const nothing = () => {};

/** Why the signal of a job that has ended is aborted. */
const ended = withoutStack(new Error("The attempt has ended."));

/** One claimed job and the attempt to perform it. `run` never rejects: whatever happens becomes an outcome to hand in. */
export class Attempt {
  readonly claim: Claim;
  readonly workshop: Workshop;
  /** From when on it has waited for a slot. */
  readonly takenAt: number;
  #startedAt = 0;
  #endsAt = 0;
  #offAlarm: () => void = nothing;
  #interrupt: (error: Error) => void = nothing;
  // Made for those jobs alone that ask for a signal: it costs more than all else that Tidegate does for a job.
  #abort: AbortController | undefined;
  #stopped: Error | undefined;

  constructor(workshop: Workshop, claimed: LeasedJob, takenAt = workshop.clock()) {
    this.workshop = workshop;
    this.claim = new Claim(workshop, claimed);
    this.takenAt = takenAt;
  }

  get startedAt(): number {
    return this.#startedAt;
  }

  /** Makes the attempt. */
  run(): Promise<AttemptOutcome> {
    const { claim, workshop } = this;
    this.#startedAt = workshop.clock();
    if (!claim.isReadable) return Promise.resolve(outcomes.leftToOthers(this));
    if (claim.isUsedUp) return Promise.resolve(outcomes.usedUp(this));
    return workshop.traces ? this.#traced(workshop.traces) : this.#make();
  }

  #traced(traces: TraceCalls): Promise<AttemptOutcome> {
    const { info, record } = this.claim;
    return traces.attempt({ ...info, trace: record.trace }, () => this.#make());
  }

  async #make(): Promise<AttemptOutcome> {
    const { claim } = this;
    try {
      this.workshop.hooks?.started(claim.info, timingOf(claim.dueAt, this.#startedAt, this.#startedAt).waitedMs);
      const job = this.#known(claim.job);
      const { payload: stored, enqueuedAt } = claim.record;
      this.#setAlarm(this.#startedAt + claim.timeoutMs);
      const payload = job.schema ? await this.#interruptible(this.#checked(job.schema, stored)) : stored;
      const context = new AttemptContext(this, claim.info, enqueuedAt);
      const result = await this.#interruptible(job.perform(payload as never, context));
      const renewals = claim.held.settle();
      if (renewals) await renewals;
      return result instanceof Snooze ? outcomes.snoozed(this, result) : outcomes.completed(this, result);
    } catch (thrown) {
      await claim.held.settle();
      return outcomes.failed(this, thrown);
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
        `No job is named "${this.claim.name}" in this deployment. Add it to the jobs of the queue "${this.workshop.queue}".`,
      ),
    );
  }

  async #checked(schema: StandardSchemaV1, payload: unknown): Promise<unknown> {
    const checked = await validate(schema, payload);
    if ("value" in checked) return checked.value;
    // What it threw for may pass, such as a look-up that failed: a retry loses nothing.
    if (checked.threw) throw withoutStack(new Error(`Checking the payload failed: ${issuesText(checked.issues)}.`));
    throw withoutStack(
      new PermanentError(
        `The payload no longer fits the schema of "${this.claim.name}": ${issuesText(checked.issues)}`,
      ),
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
    const { clock } = this.workshop;
    this.#offAlarm();
    this.#endsAt = endsAt;
    this.#offAlarm = alarm(clock, endsAt - clock(), () => this.#timeOut());
  }

  #timeOut(): void {
    try {
      // A timer may ring a little early.
      if (this.workshop.clock() < this.#endsAt) this.#setAlarm(this.#endsAt);
      else this.stop(new TimeoutError(`The attempt took longer than its timeout of ${this.claim.timeoutMs} ms.`));
    } catch (error) {
      // Nobody would catch what is thrown in a timer.
      this.stop(error instanceof Error ? error : new Error("The clock failed."));
    }
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#stopped) this.#abort.abort(this.#stopped);
    return this.#abort.signal;
  }

  async extend(duration: Duration | undefined): Promise<void> {
    const endsAt = this.workshop.clock() + durationMs(duration ?? this.claim.timeoutMs, "the duration of extend");
    await this.#renew(Math.min(endsAt + SETTLE_MARGIN_MS, LATEST_TIME_MS));
    this.#setAlarm(endsAt);
  }

  async tellProgress(value: unknown): Promise<void> {
    const record = this.claim.progressText(value);
    try {
      await this.#renew(this.claim.lease.endsAt, record);
    } catch (error) {
      // It is kept, and goes into the record with the next that is stored, or with the outcome.
      if (!(error instanceof OutOfBudgetError)) throw error;
    }
  }

  #renew(endsAt: number, record?: string): Promise<void> {
    const lost = () => this.stop(new LeaseLostError("The lease ran out and the job belongs to another invocation."));
    return this.claim.held.renew(endsAt, record, lost);
  }
}
