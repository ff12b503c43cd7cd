import { type Duration, durationMs } from "../shared/duration.ts";
import { conflict, orUndefined, quote } from "../shared/errors.ts";
import { isLarger, LARGEST_RECORD } from "../shared/limits.ts";
import type { ChildCounts } from "../store/family.ts";
import { CLAIM_CYCLE } from "../store/store.ts";
import { decode, encode, sealedAs, whyUnreadable } from "./codec.ts";
import type { JobEnqueueOptions } from "./enqueue.ts";
import { lockOf, whyLocked } from "./lock.ts";
import type { StoredStep } from "./steps.ts";
import type { JobTrace } from "./trace-context.ts";

export interface AttemptError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly attempt: number;
  /** When it began; none if no attempt was made. ms since 1970 */
  readonly startedAt?: number;
  /** ms since 1970 */
  readonly at: number;
}

export interface LogEntry {
  /** ms since 1970 */
  readonly at: number;
  readonly attempt: number;
  readonly message: string;
  readonly data?: unknown;
}

type NotStored = "delay" | "runAt" | "flowControl" | "timeout" | "expires";

/** What is stored of the options of `enqueue`. For those left out, the definition decides when the job runs. */
export interface StoredOptions extends Omit<JobEnqueueOptions, NotStored> {
  readonly timeoutMs?: number | undefined;
  readonly expiresMs?: number | undefined;
  /** What the job needs besides its payload, and is never shown. */
  readonly hidden?: unknown;
}

/** The stored form of a job, apart from its run time and its claim count. */
export interface JobRecord extends StoredOptions {
  readonly name: string;
  /** Who enqueued it, if that was a token that sees only its own jobs. */
  readonly by?: string;
  readonly payload?: unknown;
  /** With encryption: the dedupe key that the payload is bound to. A newer job may replace it, under its id. */
  readonly debounce?: string;
  /** Since when drains have claimed it that lack its key. ms since 1970 */
  readonly lockedSince?: number;
  readonly enqueuedAt: number;
  /** How many claims used no attempt, or came before a retry of the dead job; modulo `CLAIM_CYCLE`. */
  readonly returned?: number;
  /** Set if it was released because its job type is paused: until when, and when it was due. ms since 1970 */
  readonly held?: { readonly until: number; readonly dueAt: number };
  /** Whether an attempt was snoozed: the job has started, although that attempt does not count. */
  readonly snoozed?: true;
  /** The last failures, oldest first. */
  readonly errors?: readonly AttemptError[];
  /** When it was last retried as a dead job: earlier failures no longer count. ms since 1970 */
  readonly revivedAt?: number;
  /** The same: when a step of it was stored last. */
  readonly advancedAt?: number;
  readonly progress?: unknown;
  /** The attempt that stored progress or log lines last, and when it began. ms since 1970 */
  readonly begun?: { readonly attempt: number; readonly at: number };
  /** The last lines that its attempts have logged, oldest first. */
  readonly logs?: readonly LogEntry[];
  /** Whether it failed with other jobs in one call of `performBatch`: it is retried alone. */
  readonly alone?: true;
  /** The schedule and the occurrence that created the job. */
  readonly occurrence?: { readonly key: string; readonly at: number };
  readonly trace?: JobTrace;
  /** If it has children: what became of them, once it waits for them no more. */
  readonly children?: ChildCounts;
  /** What it remembers of its steps, sleeps and waits, in the order in which they ended. */
  readonly steps?: readonly StoredStep[];
  /** What it waits for, or has waited for, and the signal that has come: see core/store/signals.ts. */
  readonly waits?: string;
  readonly signal?: { readonly id: string; readonly event: string; readonly data: unknown };
  /** How it ended. Only on completed and dead jobs. */
  readonly end?: JobEnd;
}

export interface JobEnd {
  readonly at: number;
  readonly startedAt: number;
  readonly attempts: number;
  readonly result?: unknown;
  /** When a completed record counts as gone, even if the store still has it. */
  readonly expiresAt?: number;
  /** Only on dead jobs: why, and the claim count from which a retry continues. */
  readonly error?: AttemptError;
  readonly claims?: number;
}

/** How many failures a record keeps, and how much of each. */
const KEPT_ERRORS = 5;
const KEPT_MESSAGE = 1_000;
const KEPT_STACK = 4_000;

/** Replaces a record that cannot be read, until its job is released. */
export const unreadable: JobRecord = { name: "unreadable", enqueuedAt: 0 };

/** @param from the text from which the record was decoded, if it may have encrypted fields. They are still in it. */
export function encodeRecord(record: JobRecord, from = ""): string {
  const text = encode(record);
  return lockOf(from) === undefined ? text : sealedAs(text);
}

export const decodeRecord = (text: string): JobRecord | undefined => decode<JobRecord>(text);

/** Reads the record of a job. @throws {TidegateError} `conflict` if it is damaged or of a newer version. */
export function readRecord({ id, record }: { readonly id: string; readonly record: string }): JobRecord {
  const read = decodeRecord(record);
  if (!read) throw conflict(whyUnreadable(`Job ${quote(id)}`, record));
  return read;
}

/** Refuses to replace the payload of a job that this queue cannot decrypt. @throws {TidegateError} `conflict` */
export function mustBeOpen({ id, record }: { readonly id: string; readonly record: string }): void {
  const lock = lockOf(record);
  if (lock !== undefined) throw conflict(whyLocked(`Job ${quote(id)}`, lock));
}

/** The record of a job that has ended. The end is appended, so that a large payload is not encoded again. */
export function withEnd(recordText: string, end: JobEnd): string {
  return `${recordText.slice(0, -1)},"end":${JSON.stringify(end)}}`;
}

/** What the end of the record says to stores stays there: see `withReturnedClaim`. */
export function withLockedSince(recordText: string, since: number): string {
  return recordText.replace(/(,"returned":\d+)?(,"children":\{[^{}]*\})?\}$/, `,"lockedSince":${since}$&`);
}

/** The number of the attempt that a claim makes: 1 is the first. */
export function attemptOf(record: JobRecord, claims: number): number {
  return (claims - (record.returned ?? 0) + CLAIM_CYCLE) % CLAIM_CYCLE;
}

/** The name of an error that no attempt has thrown: its invocation ended without an outcome. */
export const LEASE_EXPIRED = "LeaseExpired";

/** The last attempt with such an entry in `errors`, since a retry of the dead job and its last step; 0 if none. */
export function lastAttemptIn(
  { errors = [], revivedAt = 0, advancedAt = 0 }: JobRecord,
  isCounted: (error: AttemptError) => boolean = () => true,
): number {
  const last = errors.findLast(isCounted);
  // The attempt that has stored a step may have failed in the same millisecond.
  return last && last.at > revivedAt && last.at >= advancedAt ? last.attempt : 0;
}

/** Whether it has begun. @param attempts how many count. */
function hasBegun({ snoozed, revivedAt }: JobRecord, attempts: number): boolean {
  return attempts > 0 || snoozed === true || revivedAt !== undefined;
}

/** The record after a claim that started nothing. If none ever did, its end says so to stores: see store/returns.ts. */
export function withReturnedClaim(record: JobRecord): JobRecord {
  const returned = ((record.returned ?? 0) + 1) % CLAIM_CYCLE;
  if (hasBegun(record, 0)) return { ...record, returned };
  const { returned: _before, held, children, ...rest } = record;
  return { ...rest, ...(held && { held }), returned, ...(children && { children }) };
}

export function withHold(record: JobRecord, held: NonNullable<JobRecord["held"]>): JobRecord {
  return withReturnedClaim({ ...record, held });
}

/** When a job was due. While its type is paused, its run time moves; once somebody has moved it, that time counts. */
export const dueAtOf = ({ held }: Pick<JobRecord, "held">, runAt: number): number =>
  held?.until === runAt ? held.dueAt : runAt;

/**
 * When a job expires that has not begun; undefined if it has begun, or never expires.
 *
 * @param expires what its definition says. The record may say something else.
 */
export function expiryOf(
  record: JobRecord,
  expires: Duration | undefined,
  runAt: number,
  attempts: number,
): number | undefined {
  const after = record.expiresMs ?? expires;
  if (after === undefined || hasBegun(record, attempts)) return undefined;
  return runAt + durationMs(after, "expires");
}

/** The record with another payload. What the job waits for stays at the end. */
export function withPayload(record: JobRecord, payload: unknown): JobRecord {
  const { waits, signal, ...rest } = record;
  return { ...rest, payload, ...(waits !== undefined && { waits }), ...(signal && { signal }) };
}

export function withSnooze(record: JobRecord): JobRecord {
  return { ...withReturnedClaim(record), snoozed: true };
}

/** How the records of all jobs of a name, or of one sender, begin after the digit of their version. */
export const recordBeginning = ({ name, by }: Pick<JobRecord, "name" | "by">): string =>
  `${encode({ name, by }).slice(1, -1)},`;

export function withError(record: JobRecord, error: AttemptError): JobRecord {
  return { ...record, errors: [...(record.errors ?? []), error].slice(-KEPT_ERRORS) };
}

export function attemptError(thrown: unknown, attempt: number, at: number, startedAt?: number): AttemptError {
  return { ...describeError(thrown), attempt, ...(startedAt !== undefined && { startedAt }), at };
}

/** Describes a thrown value, cut to a bounded size. Never throws. */
export function describeError(thrown: unknown): Pick<AttemptError, "name" | "message" | "stack"> {
  const indescribable = { name: "Error", message: "What was thrown cannot be described: it throws when it is read." };
  return orUndefined(() => described(thrown)) ?? indescribable;
}

function described(thrown: unknown): Pick<AttemptError, "name" | "message" | "stack"> {
  if (!(thrown instanceof Error)) {
    const value = typeof thrown === "object" && thrown !== null ? "an object" : String(thrown);
    return { name: "Error", message: cut(`A value that is no Error was thrown: ${value}`, KEPT_MESSAGE) };
  }
  const stack = typeof thrown.stack === "string" ? { stack: cut(thrown.stack, KEPT_STACK) } : {};
  return { name: cut(String(thrown.name), 100), message: cut(String(thrown.message), KEPT_MESSAGE), ...stack };
}

export function cut(text: string, longest: number): string {
  return (text.length > longest ? `${text.slice(0, longest)} ...` : text).toWellFormed();
}

/** Whether a record, and so many bytes beside it, are more than a store accepts. JSON takes at most twice its bytes. */
export function isTooLarge(record: string, beside = 0): boolean {
  const room = LARGEST_RECORD - beside;
  return isLarger(record, room / 2) && isLarger(JSON.stringify(record), room);
}
