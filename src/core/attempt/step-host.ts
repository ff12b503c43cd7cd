import { leaseMsFor, SETTLE_MARGIN_MS } from "../job/lease-length.ts";
import type { StepOptions, StoredStep } from "../job/steps.ts";
import { alarm } from "../shared/clock.ts";
import { isStoreFailure } from "../store/meter.ts";
import type { ClaimedJob } from "./claimed-job.ts";
import { renewAll } from "./lease.ts";
import type { AttemptNeeds } from "./needs.ts";

/** What steps need of their attempt. */
export interface StepHost {
  readonly id: string;
  /** The number of the attempt, since the last stored step. */
  readonly attempt: number;
  readonly maxRetries: number;
  readonly timeoutMs: number;
  now(): number;
  /** Calls `ring` once after `ms`. @returns a function that cancels it. */
  alarm(ms: number, ring: () => void): () => void;
  /**
   * Whether the invocation has time for a step that takes so long. @param isFirst whether it is the attempt's first.
   */
  hasTimeFor(timeoutMs: number, isFirst: boolean): boolean;
  /** Whether the job is still held. If not, the attempt ends. */
  isAlive(): boolean;
  /** Makes the lease long enough for so long. */
  giveTime(timeoutMs: number): Promise<Saved>;
  /** Stores what the job remembers. Never rejects. */
  save(): Promise<Saved>;
  /** Makes an attempt of a step inside its trace, if the queue is traced. */
  traced<Result>(step: string, attempt: number, run: () => Promise<Result>): Promise<Result>;
  /** Reports the end of an attempt of a step. */
  ended(step: StoredStep): void;
  /** Ends the attempt, although its handler has not returned. */
  leave(): void;
}

/**
 * Whether something was stored. "later": the budget has no room for it, or the store does not reply, so that it is
 * stored with the outcome. "lost": the lease is gone.
 */
export type Saved = "saved" | "later" | "lost";

/** Why an attempt ends before its handler does. */
export type Leaving =
  /** It sleeps or waits: see `RememberedSteps.opened`. */
  | { readonly why: "waits" }
  /** It continues in another invocation. */
  | { readonly why: "outOfTime" }
  /** A step has failed, and is tried again. Or the steps are used wrongly. */
  | { readonly why: "failed"; readonly error: unknown; readonly options: StepOptions };

interface Host {
  readonly job: ClaimedJob;
  readonly needs: AttemptNeeds;
  readonly timesOutAt: number;
  readonly onLost: () => void;
  giveTimeUntil(at: number): void;
  leave(): void;
}

/** What the steps of a job get from its attempt. */
export class StepsOfAttempt implements StepHost {
  readonly #attempt: Host;

  constructor(attempt: Host) {
    this.#attempt = attempt;
  }

  get id(): string {
    return this.#attempt.job.lease.current.id;
  }

  get attempt(): number {
    return this.#attempt.job.attempt;
  }

  get maxRetries(): number {
    return this.#attempt.job.maxRetries;
  }

  get timeoutMs(): number {
    return this.#attempt.job.timeoutMs;
  }

  now(): number {
    return this.#attempt.needs.clock();
  }

  alarm(ms: number, ring: () => void): () => void {
    return alarm(this.#attempt.needs.clock, ms, ring);
  }

  hasTimeFor(timeoutMs: number, isFirst: boolean): boolean {
    return this.#attempt.needs.hasTimeFor?.(timeoutMs, isFirst) ?? true;
  }

  isAlive(): boolean {
    const isHeld = this.now() < this.#attempt.job.lease.current.endsAt;
    // A process that was stopped for a while has timers that are late.
    if (!isHeld) this.#attempt.onLost();
    return isHeld;
  }

  async giveTime(timeoutMs: number): Promise<Saved> {
    const until = this.now() + timeoutMs;
    if (until <= this.#attempt.timesOutAt) return "saved";
    return this.#renew(until, undefined);
  }

  save(): Promise<Saved> {
    const { job } = this.#attempt;
    return this.#renew(this.now() + job.timeoutMs, job.textWithSteps);
  }

  traced<Result>(step: string, stepAttempt: number, run: () => Promise<Result>): Promise<Result> {
    const { job, needs } = this.#attempt;
    return needs.traces ? needs.traces.step({ ...job.info, step, stepAttempt }, run) : run();
  }

  ended(step: StoredStep): void {
    const { job, needs } = this.#attempt;
    needs.hooks?.stepped(job.info, step, this.now());
  }

  leave(): void {
    this.#attempt.leave();
  }

  /**
   * Gives the attempt time until then. A lease that is too short for that also gets some time to spare for the next
   * steps.
   */
  async #renew(until: number, record: string | undefined): Promise<Saved> {
    const { job, needs, onLost } = this.#attempt;
    const { lease } = job;
    const needed = until + SETTLE_MARGIN_MS;
    const isLongEnough = lease.current.endsAt >= needed;
    const now = this.now();
    const endsAt = isLongEnough ? lease.current.endsAt : now + leaseMsFor(until - now, needs.random);
    if (record === undefined && isLongEnough) {
      this.#attempt.giveTimeUntil(until);
      return "saved";
    }
    try {
      const renewal = { lease, endsAt, record, onLost };
      await (needs.stepSaver?.save(renewal) ?? renewAll(needs.store, [renewal])[0]);
    } catch (error) {
      job.noteUnsaved();
      return isStoreFailure(error) ? "later" : "lost";
    }
    this.#attempt.giveTimeUntil(until);
    return "saved";
  }
}
