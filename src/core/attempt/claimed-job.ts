import type { AttemptInfo } from "../job/attempt-info.ts";
import type { Backoff } from "../job/backoff.ts";
import { type AnyJob, batchSizeOf } from "../job/define.ts";
import { SETTLE_MARGIN_MS } from "../job/lease-length.ts";
import { lockOf, lockOfSignal } from "../job/lock.ts";
import { jobDefaults, timeoutMs } from "../job/options.ts";
import * as records from "../job/record.ts";
import { orUndefined, tooLarge } from "../shared/errors.ts";
import { asJson, written } from "../shared/json.ts";
import { bytesOf } from "../shared/limits.ts";
import { childrenInfo, type JobChildren } from "../store/family.ts";
import { CLAIM_CYCLE, type LeasedJob, type Run } from "../store/store.ts";
import { JobLog } from "./job-log.ts";
import { JobLease } from "./lease.ts";
import type { AttemptNeeds } from "./needs.ts";
import { RememberedSteps } from "./remembered-steps.ts";

const leaseExpired = {
  name: records.LEASE_EXPIRED,
  message: "The invocation ended, or was killed, before the job finished: the lease ran out.",
};

/**
 * A claimed job: what its record and its definition say about the next attempt. It may have a record that this process
 * cannot encode again: one with a larger stack may have stored a deeper payload.
 */
export class ClaimedJob {
  remembered: RememberedSteps | undefined;
  /** How many attempts just before this one have no outcome, because their invocations crashed. */
  readonly crashes: number;
  /** How many of these are not in the record's errors yet. */
  readonly #newCrashes: number;
  readonly name: string;
  readonly timeoutMs: number;
  /** Whether it may crash its invocation: two crashed since an attempt ended, or one and this is the last attempt. */
  readonly mayBePoison: boolean;
  readonly dueAt: number;
  /** What the claim says of its flow control key. */
  readonly run: Run | undefined;
  /** False if the record is damaged or of a newer version. Then `record` means nothing. */
  readonly isReadable: boolean;
  readonly record: records.JobRecord;
  /** The name of the key that it takes to read the record, if the queue cannot decrypt it. */
  readonly lock: string | undefined;
  /** With `lock`: whether the queue has that key, and the record still does not decrypt. */
  readonly isTampered: boolean;
  readonly definition: AnyJob | undefined;
  readonly lease: JobLease;
  readonly recordText: string;
  #progress: unknown;
  #log: JobLog | undefined;
  /** When its attempt began, in ms since 1970. */
  startedAt: number | undefined;
  /** Whether `perform` has reported something that is not stored yet: it is stored with the next request. */
  isUnsaved = false;
  /** How many bytes the jobs that it has enqueued take in the request that stores its outcome. */
  #enqueuedBytes = 0;
  readonly #queue: string;
  readonly #attempt: number;

  constructor({ queue, definitions, clock }: Pick<AttemptNeeds, "queue" | "definitions" | "clock">, leased: LeasedJob) {
    const record = records.decodeRecord(leased.record);
    this.#queue = queue;
    this.recordText = leased.record;
    this.isReadable = record !== undefined;
    this.record = record ?? records.unreadable;
    this.lock = lockOf(leased.record) ?? lockOfSignal(this.record.signal);
    this.isTampered = leased.isTampered ?? false;
    this.name = this.record.name;
    this.definition = definitions.get(this.name);
    const { waits } = this.record;
    this.lease = new JobLease(waits === undefined ? leased.lease : { ...leased.lease, waits });
    if (this.record.steps) this.remembered = new RememberedSteps(this.record, clock());
    this.dueAt = records.dueAtOf(this.record, leased.dueAt);
    this.run = leased.run;
    this.#attempt = records.attemptOf(this.record, leased.lease.claims);
    const hasEnded = ({ name }: records.AttemptError) => name !== records.LEASE_EXPIRED;
    this.crashes = this.attempt - 1 - records.lastAttemptIn(this.record, hasEnded);
    this.#newCrashes = this.#attempt - 1 - records.lastAttemptIn(this.record);
    this.mayBePoison = this.crashes >= 2 || (this.crashes === 1 && this.attempt > this.maxRetries);
    this.timeoutMs = this.record.timeoutMs ?? timeoutMs(this.definition?.timeout ?? jobDefaults.timeout);
  }

  /** Which attempt this claim makes, 1 being the first: since its last step, if it has stored one. */
  get attempt(): number {
    return this.remembered?.advancedAt === undefined ? this.#attempt : 1;
  }

  get maxRetries(): number {
    return this.record.maxRetries ?? this.definition?.maxRetries ?? jobDefaults.maxRetries;
  }

  get backoff(): Backoff | undefined {
    return this.record.backoff ?? this.definition?.backoff;
  }

  /** Whether no attempt is left: the last one crashed, or `maxRetries` was lowered. A step may have more retries. */
  get isUsedUp(): boolean {
    const { attempt, maxRetries } = this;
    return attempt > maxRetries + 1 && attempt > (this.remembered?.mostRetries ?? 0) + 1;
  }

  isExpired(now: number): boolean {
    const expiresAt = records.expiryOf(this.record, this.definition?.expires, this.dueAt, this.attempt - 1);
    return expiresAt !== undefined && now > expiresAt;
  }

  get children(): JobChildren | undefined {
    return this.record.children && childrenInfo(this.record.children);
  }

  get info(): AttemptInfo {
    const { maxRetries, name } = this;
    // If no attempt is left, this claim makes none: this is about the last one.
    const attempt = this.isUsedUp ? this.attempt - 1 : this.attempt;
    return { queue: this.#queue, id: this.lease.current.id, name, attempt, maxRetries };
  }

  /** How many jobs may be performed in one call with this one, itself included. */
  get batchSize(): number {
    const { definition, record, mayBePoison } = this;
    return definition && !record.alone && !mayBePoison && this.lock === undefined ? batchSizeOf(definition) : 1;
  }

  canStart(now: number): boolean {
    return this.lease.current.endsAt - now >= this.timeoutMs + SETTLE_MARGIN_MS;
  }

  /** The record as claimed, decoded again: `perform` may have changed its payload. What it has waited for is over. */
  get stored(): records.JobRecord {
    const { waits, signal, lockedSince, held, ...stored } = records.decodeRecord(this.recordText) ?? this.record;
    return {
      ...this.#withCrashes(stored),
      ...this.#stepsSoFar,
      ...(this.#progress !== undefined && { progress: this.#progress }),
      ...(this.#log && { logs: this.#log.entries }),
    };
  }

  /** The record with an error for each attempt that ended without an outcome, if it has none yet. */
  #withCrashes(stored: records.JobRecord): records.JobRecord {
    let record = stored;
    for (let attempt = this.#attempt - this.#newCrashes; attempt < this.#attempt; attempt++)
      record = records.withError(record, { ...leaseExpired, attempt, at: this.dueAt });
    return record;
  }

  /** The steps, and if one has been stored since the claim, that the attempt counts as the first one. */
  get #stepsSoFar(): Partial<records.JobRecord> {
    const { remembered } = this;
    if (!remembered) return {};
    const { stored, advancedAt } = remembered;
    if (advancedAt === undefined) return stored;
    return { ...stored, advancedAt, returned: (this.lease.current.claims - 1 + CLAIM_CYCLE) % CLAIM_CYCLE };
  }

  /** The record as it is stored while the attempt runs. A store may still know what the job has waited for. */
  get #underWay(): records.JobRecord {
    const { stored, attempt } = this;
    const { waits } = this.lease.current;
    return {
      ...stored,
      ...(waits !== undefined && { waits }),
      ...(this.startedAt !== undefined && { begun: { attempt, at: this.startedAt } }),
    };
  }

  get textWithSteps(): string {
    this.isUnsaved = false;
    return records.encodeRecord(this.#underWay);
  }

  /**
   * The text of the record of a job that leaves its slot, to sleep, to wait, or to continue in another invocation. If
   * it has come further since its claim, its next attempt counts as the first one.
   */
  get textOfLeaving(): string {
    const { stored, remembered } = this;
    const hasMoved = remembered?.opened !== undefined || remembered?.advancedAt !== undefined;
    const record = hasMoved ? { ...stored, returned: this.lease.current.claims } : records.withReturnedClaim(stored);
    const { waits } = remembered ?? {};
    return records.encodeRecord({ ...record, snoozed: true, ...(waits !== undefined && { waits }) });
  }

  log(at: number, message: unknown, data: unknown): void {
    this.#log ??= new JobLog(this.record.logs);
    this.#log.add(at, this.attempt, message, data);
    this.isUnsaved = true;
  }

  /** The text of the record with what `perform` has reported and is not stored yet; undefined if there is nothing. */
  takeUnsavedText(): string | undefined {
    if (!this.isUnsaved) return undefined;
    const text = orUndefined(() => records.encodeRecord(this.#underWay));
    if (text === undefined || this.#isTooLarge(text)) return undefined;
    this.isUnsaved = false;
    return text;
  }

  /** Keeps progress, and returns the record's text with it. @throws {TidegateError} if it cannot be stored. */
  progressText(value: unknown): string {
    const progress = asJson(value, "progress");
    const text = written("progress", () => records.encodeRecord({ ...this.#underWay, progress }));
    if (this.#isTooLarge(text))
      throw tooLarge(
        "The progress, the payload, and the jobs that the attempt has enqueued are larger than 8 MiB together as JSON.",
      );
    this.#progress = progress;
    this.isUnsaved = false;
    return text;
  }

  /** Keeps room for jobs that are stored with the outcome. @returns false if one request cannot store all. */
  takeRoom(texts: readonly string[]): boolean {
    const bytes = texts.reduce((sum, text) => sum + bytesOf(JSON.stringify(text)), this.#enqueuedBytes);
    if (records.isTooLarge(this.recordText, bytes)) return false;
    this.#enqueuedBytes = bytes;
    return true;
  }

  #isTooLarge(text: string): boolean {
    return records.isTooLarge(text, this.#enqueuedBytes);
  }

  /** The text of the completed job's record, without the result if that is too large or cannot be written. */
  completedText(end: records.JobEnd): string {
    const text = orUndefined(() => this.#endedText(end));
    if (text !== undefined && !this.#isTooLarge(text)) return text;
    const { result, ...withoutResult } = end;
    return orUndefined(() => this.#endedText(withoutResult)) ?? records.withEnd(this.recordText, withoutResult);
  }

  #endedText(end: records.JobEnd): string {
    const isAsClaimed =
      this.#newCrashes <= 0 && (this.#progress ?? this.record.progress ?? this.#log ?? this.remembered) === undefined;
    if (isAsClaimed) return records.withEnd(this.recordText, end);
    return records.encodeRecord({ ...this.stored, ...this.remembered?.timeline, progress: undefined, end });
  }

  /** The record's text after a failed attempt, if it can be encoded. @param withOthers retries the job alone. */
  failedText(error: records.AttemptError, withOthers: boolean): string | undefined {
    const record = records.withError(this.stored, error);
    return orUndefined(() => records.encodeRecord(withOthers ? { ...record, alone: true } : record));
  }

  /** The dead job's record; without new failures if need be. */
  deadText(end: records.JobEnd & { readonly error: records.AttemptError }): string {
    if (this.lock !== undefined) return records.withEnd(this.recordText, end);
    const { stored } = this;
    // If no attempt was left, none has failed since the last stored error.
    const record = this.isUsedUp ? stored : records.withError(stored, end.error);
    return orUndefined(() => records.encodeRecord({ ...record, end })) ?? records.withEnd(this.recordText, end);
  }

  /** The text of the record of a job that waits again without using an attempt; undefined if it cannot be encoded. */
  returnedText(change: (record: records.JobRecord) => records.JobRecord): string | undefined {
    if (!this.isReadable || this.lock !== undefined) return undefined;
    return orUndefined(() => records.encodeRecord(change(this.stored)));
  }
}
