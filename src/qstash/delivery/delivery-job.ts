import { AttemptContext, type AttemptHost } from "../../core/attempt/context.ts";
import { type JobEnding, withFollowUps } from "../../core/attempt/follow-ups.ts";
import { defineJob, type JobContext, type JobDefinition, type Snooze } from "../../core/job/define.ts";
import { PermanentError, RetryAfterError, withoutStack } from "../../core/job/errors.ts";
import { definedByInterface } from "../../core/job/of-interface.ts";
import { isTidegateError } from "../../core/shared/errors.ts";
import { OutOfBudgetError } from "../../core/store/meter.ts";
import type { FollowUpJob } from "../../core/store/store.ts";
import { DELIVERY } from "../../http/qstash-port.ts";
import { callbackJobs, callbacksFor, enqueueCallbacks } from "../callbacks/callback-jobs.ts";
import { endOf, noteResponse, progressWithEnd, responseTo, type StoredEnd } from "../callbacks/message-end.ts";
import { bytesOfBody } from "../messages/body.ts";
import { type EventLog, eventOf } from "../messages/event-log.ts";
import { type Message, messageSchema } from "../messages/message.ts";
import { attemptTimeoutMs } from "../messages/message-job.ts";
import { type HiddenParts, unredacted } from "../messages/redaction.ts";
import { shownResponse } from "../messages/response.ts";
import type { KeyRing } from "../security/signing-keys.ts";
import type { Targets } from "../security/targets.ts";
import { documentsOf } from "../shared/attempt-documents.ts";
import { afterMessage, carriesRun } from "../workflow/run-end.ts";
import { prepareDelivery, type Sent } from "../workflow/step-delivery.ts";
import { type Answer, type CallParts, callDestination } from "./http-call.ts";
import { defaultBackoffMs, failureOf } from "./retry-wait.ts";

/** The status of a message that was not sent, for its run has ended or goes on without it. */
const NOT_SENT = 204;

/** When work is done that the budget of a drain had no room for, or to which the store did not answer. */
const POSTPONED_MS = 1_000;

/** What a delivery needs. */
export interface DeliveryParts extends CallParts {
  readonly targets: Targets;
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
  const reporting = withFollowUps(definition, (ending, host) => afterEnd(ending, host, parts.events));
  return defineJob(definedByInterface(reporting, refusedCorrection));
}

/** Others may correct a message, but not what a run holds: its messages bring it the results of its steps. */
function refusedCorrection(before: unknown, after: unknown): string | undefined {
  const isOfRun = [before, after].some((message) => {
    const { workflow, callback, failureCallback } = Object(message) as Partial<Message>;
    return [workflow, callback?.workflow, failureCallback?.workflow].some((note) => note !== undefined);
  });
  return isOfRun ? "A message of a workflow run cannot be changed. Resume or restart the run instead." : undefined;
}

async function deliver(shown: Message, job: JobContext, parts: DeliveryParts): Promise<{ status: number } | Snooze> {
  const host = AttemptContext.hostOf(job);
  const message = unredacted(shown, host.job.record.hidden as HiddenParts | undefined);
  const stored = endOf(host);
  if (stored) return reportEnd(message, job, host, stored);
  const { clock } = host.needs;
  const { workflow } = message;
  const notBefore = job.enqueuedAt.getTime() + (message.delayMs ?? 0);
  if (clock() < notBefore) return job.snooze(new Date(notBefore));
  const sent = workflow ? await ifPossible(() => prepareDelivery(message, workflow, job, host)) : ownDelivery(message);
  if (sent === "not now") return job.snooze(POSTPONED_MS);
  if (!sent) return { status: NOT_SENT };
  const { current } = await parts.keys.recent(documentsOf(host), job.queue, clock());
  const answer = await callDestination(message, sent, job, parts, host, current);
  const isDelivered = answer.failure === undefined && answer.kept.status >= 200 && answer.kept.status < 300;
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
  const now = host.needs.clock();
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
    const event = eventOf(state, ending.id, host.needs.clock(), ofSchedule(message, host), more);
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

/**
 * Does work of a run that the budget of a drain may have no room for, or the store no answer. Neither costs the message
 * a retry.
 */
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
