import { AttemptContext, type AttemptHost } from "../core/attempt/context.ts";
import { type JobEnding, withFollowUps } from "../core/attempt/follow-ups.ts";
import { defineJob, type JobContext, type JobDefinition, type Snooze } from "../core/job/define.ts";
import { PermanentError, RetryAfterError, withoutStack } from "../core/job/errors.ts";
import { alarm, type Clock } from "../core/shared/clock.ts";
import { isTidegateError } from "../core/shared/errors.ts";
import { OutOfBudgetError } from "../core/store/meter.ts";
import type { FollowUpJob } from "../core/store/store.ts";
import type { Targets } from "./allowed-targets.ts";
import { bytesOfBody } from "./body.ts";
import {
  callbackJobs,
  callbacksFor,
  endOf,
  enqueueCallbacks,
  mostOfResponse,
  noteResponse,
  progressWithEnd,
  responseTo,
  type StoredEnd,
} from "./callbacks.ts";
import { attemptTimeoutMs, DELIVERY } from "./delivery.ts";
import { documentsOf } from "./documents.ts";
import { retryAfterMs } from "./durations.ts";
import { type EventLog, eventOf } from "./event-log.ts";
import { headersOf, type Message, messageSchema } from "./message.ts";
import { type HiddenParts, unredacted } from "./redaction.ts";
import { type KeptResponse, keepResponse, noResponse, shownResponse } from "./response.ts";
import { readRetryDelay } from "./retry-delay.ts";
import { signatureOf } from "./signature.ts";
import type { KeyRing } from "./signing-keys.ts";
import { prepareDelivery, type Sent } from "./workflow/deliveries.ts";
import { afterMessage, carriesRun } from "./workflow/ends.ts";

const DAY_MS = 86_400_000;

/** The status of a message that was not sent, for its run has ended or goes on without it. */
const NOT_SENT = 204;

/** When work is done that the budget of a drain had no room for, or to which the store did not answer. */
const POSTPONED_MS = 1_000;

/** The wait before retry n, from 1, as QStash has it. */
export function defaultBackoffMs(retry: number): number {
  return Math.min(DAY_MS, Math.round(Math.exp(2.5 * retry) * 1_000));
}

/** What a delivery needs. */
export interface DeliveryParts {
  readonly targets: Targets;
  readonly timeoutMs: number;
  readonly fetch: typeof fetch;
  readonly keys: KeyRing;
  /** Default: nothing is noted. */
  readonly events: EventLog | undefined;
}

/** Defines the job that delivers a message. Its payload is checked again in each attempt, and with it the target. */
export function defineDelivery(parts: DeliveryParts): JobDefinition<Message> {
  const definition = {
    name: DELIVERY,
    schema: messageSchema(parts.targets),
    timeout: attemptTimeoutMs(parts.timeoutMs),
    backoff: defaultBackoffMs,
    perform: (message: Message, job: JobContext) => deliver(message, job, parts),
  };
  return defineJob(withFollowUps(definition, (ending, host) => afterEnd(ending, host, parts.events)));
}

async function deliver(shown: Message, job: JobContext, parts: DeliveryParts): Promise<{ status: number } | Snooze> {
  const host = AttemptContext.hostOf(job);
  const message = unredacted(shown, host.job.record.hidden as HiddenParts | undefined);
  const stored = endOf(host);
  if (stored) return reportEnd(message, job, host, stored);
  const { clock } = host.runtime;
  const { workflow } = message;
  const notBefore = job.enqueuedAt.getTime() + (message.delayMs ?? 0);
  if (clock() < notBefore) return job.snooze(new Date(notBefore));
  const sent = workflow ? await ifPossible(() => prepareDelivery(message, workflow, job, host)) : ownDelivery(message);
  if (sent === "not now") return job.snooze(POSTPONED_MS);
  if (!sent) return { status: NOT_SENT };
  const { current } = await parts.keys.recent(documentsOf(host), job.queue, clock());
  const answer = await send(message, sent, job, parts, host, current);
  const isDelivered = answer.kept.status >= 200 && answer.kept.status < 300;
  const failure = isDelivered ? undefined : failureOf(message, job, answer, clock());
  const isEnd = isDelivered || failure instanceof PermanentError || job.attempt > job.maxRetries;
  const endsRun = !isDelivered && workflow !== undefined && carriesRun(workflow);
  if (workflow && isEnd && (endsRun || callbacksFor(message, isDelivered).length > 0)) {
    host.keepProgress(progressWithEnd(answer.kept, failure?.message, host));
    return job.snooze(0);
  }
  noteResponse(host, answer.kept);
  if (!failure) return { status: answer.kept.status };
  host.keepProgress(shownResponse(answer.kept));
  if (!isEnd) await noteError(message, job, host, answer, failure, parts.events);
  throw failure;
}

/** Notes a failed delivery that is to be retried. */
async function noteError(
  message: Message,
  { id }: JobContext,
  host: AttemptHost,
  { kept }: Answer,
  failure: Error,
  events: EventLog | undefined,
): Promise<void> {
  const now = host.runtime.clock();
  const wait = failure instanceof RetryAfterError ? Number(failure.when) : 0;
  const more = { error: failure.message, responseStatus: kept.status, nextDeliveryTime: now + wait };
  await events?.note(documentsOf(host), [eventOf("ERROR", id, now, ofSchedule(message, host), more)]);
}

/** A message with the schedule that its job is of. */
function ofSchedule(message: Message, { job }: AttemptHost): Message {
  const { slot } = job.record;
  return slot ? { ...message, scheduleId: slot.key } : message;
}

/** The attempts that have reported the end which their job has stored. */
const reported = new WeakSet<AttemptHost>();

/** Enqueues the callbacks of a message of a run that has ended, and then ends its job: they may depend on the run. */
async function reportEnd(message: Message, job: JobContext, host: AttemptHost, end: StoredEnd) {
  const { workflow } = message;
  const report = async () => {
    const after = workflow ? await afterMessage(workflow, endingOf(job, end), host, end.response) : {};
    if (after !== "of no account") await enqueueCallbacks(message, endingOf(job, end), host, end.response, after);
    return after;
  };
  // The response is stored, so that the message is not delivered again.
  const after = await ifPossible(report);
  if (after === "not now") return job.snooze(POSTPONED_MS);
  reported.add(host);
  // A failed call is a result like any other.
  const isDead = end.failure !== undefined && after !== "of no account" && workflow?.role !== "call";
  if (isDead) throw withoutStack(new PermanentError(end.failure));
  return { status: end.response.status };
}

/** What follows the end of a message, whatever ended it. */
async function afterEnd(
  ending: JobEnding,
  host: AttemptHost,
  events: EventLog | undefined,
): Promise<readonly FollowUpJob[]> {
  const stored = host.job.record.payload as Message;
  const message = unredacted(stored, host.job.record.hidden as HiddenParts | undefined);
  const { workflow } = message;
  const end = endOf(host);
  const response = end?.response ?? responseTo(host);
  if (events) {
    const { failure } = ending;
    const more = { responseStatus: response.status, ...(failure !== undefined && { error: failure }) };
    const state = failure === undefined ? "DELIVERED" : "FAILED";
    const event = eventOf(state, ending.id, host.runtime.clock(), ofSchedule(message, host), more);
    await events.note(documentsOf(host), [event]);
  }
  if (!workflow) return callbackJobs(message, ending, host, response);
  if (reported.has(host)) return [];
  // An attempt has stored the end, and a later one was killed before it reported it.
  const { failure: _, ...made } = ending;
  const known = end ? { ...made, ...(end.failure !== undefined && { failure: end.failure }) } : ending;
  const after = await afterMessage(workflow, known, host, response);
  return after === "of no account" ? [] : callbackJobs(message, known, host, response, after);
}

function endingOf(job: JobContext, { failure }: StoredEnd): JobEnding {
  const { id, attempt: attempts, maxRetries } = job;
  return { id, attempts, maxRetries, ...(failure !== undefined && { failure }) };
}

/** Does work of a run that the budget of a drain may have no room for, or the store no answer. Neither costs the message a retry. */
async function ifPossible<Result>(work: () => Promise<Result>): Promise<Result | "not now"> {
  try {
    return await work();
  } catch (error) {
    const isOver = error instanceof OutOfBudgetError;
    if (isOver || (isTidegateError(error) && error.code === "store_unavailable")) return "not now";
    throw error;
  }
}

/** What is sent for a message that stands for itself. */
function ownDelivery(message: Message): Sent {
  return { header: message.header, body: bytesOfBody(message) ?? new Uint8Array() };
}

interface Answer {
  readonly kept: KeptResponse;
  readonly headers: Headers;
  /** Why it is none that can be used. */
  readonly failure?: string;
  /** Whether another attempt would end in the same way. */
  readonly isFinal?: boolean;
}

async function send(
  message: Message,
  sent: Sent,
  job: JobContext,
  parts: DeliveryParts,
  host: AttemptHost,
  signingKey: string,
): Promise<Answer> {
  const { url, method } = message;
  const { clock } = host.runtime;
  const scheduleId = host.job.record.slot?.key ?? message.scheduleId;
  const body = method === "GET" ? new Uint8Array() : sent.body;
  const headers = headersOf(sent.header);
  const own = {
    "User-Agent": "Upstash-QStash",
    "Upstash-Message-Id": job.id,
    "Upstash-Retried": String(job.attempt - 1),
    ...(scheduleId !== undefined && { "Upstash-Schedule-Id": scheduleId }),
    ...(message.topicName !== undefined && { "Upstash-Topic-Name": message.topicName }),
    "Upstash-Signature": await signatureOf({ url, body, now: clock() }, signingKey),
  };
  for (const [name, value] of Object.entries(own)) headers.set(name, value);
  const timeoutMs = message.timeoutMs ?? parts.timeoutMs;
  const { signal, release } = timedSignal(job.signal, timeoutMs, clock);
  try {
    // Following a redirect could lead out of the targets.
    const init: RequestInit = { method, headers, redirect: "manual", signal, ...(method !== "GET" && { body }) };
    const response = await parts.fetch(url, init);
    const most = mostOfResponse(message, host);
    const { kept, isWhole } = await keepResponse(response, most.bytes);
    if (isWhole || !most.isNeeded) return { kept, headers: response.headers };
    return tooLarge(response, most.bytes);
  } catch (error) {
    const failure = signal.aborted
      ? `The destination did not answer within ${timeoutMs} ms.`
      : `The destination could not be reached${codeOf(error)}.`;
    return { kept: noResponse, headers: new Headers(), failure };
  } finally {
    release();
  }
}

/** A response that a callback could report only in part, and so not at all. What has succeeded is not called again. */
function tooLarge({ headers, ok: isFinal }: Response, mostBytes: number): Answer {
  const failure = `The response is larger than the ${mostBytes} bytes that a callback of this message can report.`;
  return { kept: { ...noResponse, body: new TextEncoder().encode(failure) }, headers, failure, isFinal };
}

/** A signal that is aborted with the given one, and after a time. */
function timedSignal(outer: AbortSignal, ms: number, clock: Clock): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const cancelAlarm = alarm(clock, ms, abort);
  outer.addEventListener("abort", abort);
  if (outer.aborted) abort();
  const release = () => {
    cancelAlarm();
    outer.removeEventListener("abort", abort);
  };
  return { signal: controller.signal, release };
}

/** The code of a network error. Its message may hold anything. */
function codeOf(error: unknown): string {
  const { code } = Object((error as { readonly cause?: unknown } | undefined)?.cause) as { readonly code?: unknown };
  return typeof code === "string" && /^[A-Z][A-Z0-9_]{1,40}$/.test(code) ? ` (${code})` : "";
}

/** The error that a failed delivery ends with: it says whether, and when, the message is retried. */
function failureOf(
  { retryDelay }: Message,
  job: JobContext,
  { kept, headers, failure, isFinal }: Answer,
  now: number,
): Error {
  const text = failure ?? `The destination answered ${kept.status}.`;
  if (isFinal) return withoutStack(new PermanentError(text));
  if (kept.status === 489 && headers.get("upstash-nonretryable-error") === "true") {
    return withoutStack(new PermanentError(`${text} It asked for no retry.`));
  }
  const retried = job.attempt - 1;
  const wait = retryAfterMs(headers, now, DAY_MS) ?? expressionMs(retryDelay, retried) ?? defaultBackoffMs(retried + 1);
  return withoutStack(new RetryAfterError(text, wait));
}

function expressionMs(expression: string | undefined, retried: number): number | undefined {
  if (expression === undefined) return undefined;
  const ms = readRetryDelay(expression, "retryDelay")(retried);
  return ms >= 0 ? Math.min(Math.round(ms), DAY_MS) : undefined;
}
