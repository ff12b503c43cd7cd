import type { AttemptInfo } from "../job/attempt-info.ts";
import type { Backoff } from "../job/backoff.ts";
import type { AnyJob } from "../job/define.ts";
import { jobDefaults, timeoutMs } from "../job/options.ts";
import * as records from "../job/record.ts";
import { TidegateError } from "../shared/errors.ts";
import { asJson, written } from "../shared/json.ts";
import type { Lease, LeasedJob } from "../store/store.ts";
import { HeldLease } from "./lease.ts";
import { SETTLE_MARGIN_MS } from "./lease-time.ts";
import type { Workshop } from "./runtime.ts";

/** A claimed job, read: what its record and its definition say of the attempt that is to be made. */
export class Claim {
  /** Of the attempt: 1 is the first. */
  readonly number: number;
  /** How many of the attempts just before this one ended without an outcome, because their invocations crashed. */
  readonly crashes: number;
  readonly name: string;
  readonly timeoutMs: number;
  /** Whether it may be what crashed its invocations: two since an attempt ended, or one if this attempt is the last. */
  readonly isSuspect: boolean;
  readonly dueAt: number;
  /** False where the record is damaged, or of a newer version: `record` then says nothing. */
  readonly isReadable: boolean;
  readonly record: records.JobRecord;
  /** The definition; undefined where this deployment has none of the name. */
  readonly job: AnyJob | undefined;
  readonly held: HeldLease;
  /** What the handler told last of how far it is. */
  #progress: unknown;
  /** The text of the record as it was claimed. */
  readonly text: string;
  readonly #queue: string;

  constructor({ queue, store, jobs }: Pick<Workshop, "queue" | "store" | "jobs">, claimed: LeasedJob) {
    const record = records.decodeRecord(claimed.record);
    this.#queue = queue;
    this.text = claimed.record;
    this.isReadable = record !== undefined;
    this.record = record ?? records.unreadable;
    this.name = this.record.name;
    this.job = jobs.get(this.name);
    this.held = new HeldLease(store, claimed.lease);
    this.dueAt = claimed.dueAt;
    this.number = records.attemptOf(this.record, claimed.lease.claims);
    this.crashes = this.number - 1 - records.lastFailedAttempt(this.record);
    this.isSuspect = this.crashes >= 2 || (this.crashes === 1 && this.number > this.maxRetries);
    this.timeoutMs = this.record.timeoutMs ?? timeoutMs(this.job?.timeout ?? jobDefaults.timeout);
  }

  get lease(): Lease {
    return this.held.current;
  }

  get maxRetries(): number {
    return this.record.maxRetries ?? this.job?.maxRetries ?? jobDefaults.maxRetries;
  }

  get backoff(): Backoff | undefined {
    return this.record.backoff ?? this.job?.backoff;
  }

  /** Whether no attempt is left: the last one crashed, or `maxRetries` was lowered below those made. */
  get isUsedUp(): boolean {
    return this.number > this.maxRetries + 1;
  }

  get info(): AttemptInfo {
    const { maxRetries, name } = this;
    // Where none is left, the last attempt that was made: this claim makes none.
    const attempt = this.isUsedUp ? this.number - 1 : this.number;
    return { queue: this.#queue, id: this.lease.id, name, attempt, maxRetries };
  }

  /** Whether the lease outlives an attempt that starts now. */
  canStart(now: number): boolean {
    return this.lease.endsAt - now >= this.timeoutMs + SETTLE_MARGIN_MS;
  }

  /** The record as it was claimed, read anew: a handler may have changed the payload that it was given. */
  get stored(): records.JobRecord {
    const stored = records.decodeRecord(this.text) ?? this.record;
    return this.#progress === undefined ? stored : { ...stored, progress: this.#progress };
  }

  /**
   * Keeps what the handler tells of how far it is.
   *
   * @returns the text of the record with it.
   * @throws {TidegateError} `invalid_request`, `payload_too_large` where it cannot be stored: what it told before is kept.
   */
  progressText(value: unknown): string {
    const progress = asJson(value, "progress");
    const text = written("progress", () => records.encodeRecord({ ...this.stored, progress }));
    if (records.isTooLarge(text)) {
      throw new TidegateError(
        "payload_too_large",
        "The progress and the payload are larger than 8 MiB together as JSON.",
      );
    }
    this.#progress = progress;
    return text;
  }

  /** The text of the record once the job has completed, without the result where that is too large or cannot be written. */
  completedText(end: records.JobEnd): string {
    const text = textOf(() => this.#endedText(end));
    if (text !== undefined && !records.isTooLarge(text)) return text;
    const { result, ...withoutResult } = end;
    return textOf(() => this.#endedText(withoutResult)) ?? records.withEnd(this.text, withoutResult);
  }

  #endedText(end: records.JobEnd): string {
    if ((this.#progress ?? this.record.progress) === undefined) return records.withEnd(this.text, end);
    return records.encodeRecord({ ...this.stored, progress: undefined, end });
  }

  /** The text of the record after a failed attempt; undefined where it cannot be written again. */
  failedText(error: records.AttemptError): string | undefined {
    return textOf(() => records.encodeRecord(records.withError(this.stored, error)));
  }

  /**
   * The text of the record of a dead job; its failures before are kept as they were where it cannot be written again.
   *
   * @param isNew whether the error is a new failure, which joins the last ones.
   */
  deadText(end: records.JobEnd & { readonly error: records.AttemptError }, isNew: boolean): string {
    const { stored } = this;
    const record = isNew ? records.withError(stored, end.error) : stored;
    return textOf(() => records.encodeRecord({ ...record, end })) ?? records.withEnd(this.text, end);
  }

  /** The text of the record once the job has been handed back with no attempt used; undefined where it cannot be written again. */
  get returnedText(): string | undefined {
    return this.isReadable ? textOf(() => records.encodeRecord(records.withReturnedClaim(this.stored))) : undefined;
  }
}

/** What is written; undefined where this process cannot, since one with a larger stack has stored what is nested too deeply for it. */
function textOf(write: () => string): string | undefined {
  try {
    return write();
  } catch {
    return undefined;
  }
}
