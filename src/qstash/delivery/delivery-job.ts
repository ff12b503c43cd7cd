import { AttemptContext } from "../../core/attempt/context.ts";
import { defineJob, type JobContext, type JobDefinition, type Snooze } from "../../core/job/define.ts";
import { PermanentError, permanent, RetryAfterError, withoutStack } from "../../core/job/errors.ts";
import { type AttemptHost, type FollowUps, type JobEnding, withInner } from "../../core/job/inner-options.ts";
import { withoutUndefined } from "../../core/shared/validate.ts";
import { isStoreFailure } from "../../core/store/meter.ts";
import type { FollowUpJob } from "../../core/store/store.ts";
import type { Settings } from "../api/call.ts";
import { type CallbackParts, callbackJobs, callbacksFor, lifeOf } from "../callbacks/callback-jobs.ts";
import { bytesOfBody } from "../messages/body.ts";
import { type EventState, eventOf, keepEvents, type MessageEvent } from "../messages/event-log.ts";
import { DELIVERY, goesToWorkflow, type Message, messageSchema } from "../messages/message.ts";
import { attemptTimeoutMs } from "../messages/message-job.ts";
import { type HiddenParts, unredacted } from "../messages/redaction.ts";
import { type KeptResponse, noResponse, responseOf, type ShownResponse, shownResponse } from "../messages/response.ts";
import { retryDelayMs } from "../messages/retry-delay-expression.ts";
import { Documents } from "../shared/documents.ts";
import { retryAfterMs } from "../shared/durations.ts";
import { afterMessage, prepareDelivery } from "../workflow/step-delivery.ts";
import { type CallResult, callDestination } from "./http-call.ts";

/** The status of a message that was not sent, because its run has ended or continues without it. */
const NOT_SENT = 204;

/** How long a job waits if the budget of the drain has no room for its work, or the store does not respond. */
const POSTPONED_MS = 1_000;

/** Defines the job that delivers a message. Each attempt checks the payload, and with it the target. */
export function defineDelivery(settings: Settings): JobDefinition<Message> {
  const definition = {
    name: DELIVERY,
    schema: messageSchema(settings.targets),
    timeout: attemptTimeoutMs(settings.timeoutMs),
    backoff: defaultBackoffMs,
    perform: (message: Message, job: JobContext) => deliver(message, job, settings),
  };
  const followUps: FollowUps = (ending, host) => afterEnd(ending, host, settings);
  return defineJob(withInner(definition, { isOwn: true, correction: refusedCorrection, followUps }));
}

/** Others may correct a message, unless it belongs to a run: such messages bring the results of steps. */
function refusedCorrection(before: unknown, after: unknown): string | undefined {
  const isOfRun = [before, after].some((message) => {
    const { workflow, callback, failureCallback } = Object(message) as Partial<Message>;
    return [workflow, callback?.workflow, failureCallback?.workflow].some((note) => note !== undefined);
  });
  return isOfRun ? "A message of a workflow run cannot be changed. Resume or restart the run instead." : undefined;
}

async function deliver(shown: Message, job: JobContext, settings: Settings): Promise<{ status: number } | Snooze> {
  const host = AttemptContext.hostOf(job);
  const message = unredacted(shown, host.job.record.hidden as HiddenParts | undefined);
  const stored = endOf(host);
  if (stored) return reportEnd(message, job, host, stored);
  const { clock } = host.needs;
  const { workflow } = message;
  const notBefore = job.enqueuedAt.getTime() + (message.delayMs ?? 0);
  if (clock() < notBefore) return job.snooze(new Date(notBefore));
  const sent = workflow
    ? await ifPossible(() => prepareDelivery(message, workflow, job, host))
    : { header: message.header, body: bytesOfBody(message) };
  if (sent === "not now") return job.snooze(POSTPONED_MS);
  if (!sent) return { status: NOT_SENT };
  const { current } = await settings.keys.recent(new Documents(host.needs), job.queue, clock());
  const result = await callDestination(message, sent, job, settings, host, current);
  const { kept } = result;
  const isDelivered = result.failure === undefined && kept.status >= 200 && kept.status < 300;
  const failure = isDelivered ? undefined : failureOf(message, job, result, clock());
  const isEnd = isDelivered || failure instanceof PermanentError || job.attempt > job.maxRetries;
  const endsRun = !isDelivered && workflow !== undefined && goesToWorkflow[workflow.role];
  if (workflow && isEnd && (endsRun || callbacksFor(message, isDelivered).length > 0)) {
    const end = withoutUndefined({ life: lifeOf(host), failure: failure?.message });
    host.keepProgress({ ...shownResponse(kept, true), end } satisfies Progress);
    return job.snooze(0);
  }
  responses.set(host, kept);
  if (!failure) return { status: kept.status };
  host.keepProgress(shownResponse(kept));
  if (!isEnd) {
    const wait = failure instanceof RetryAfterError ? Number(failure.when) : 0;
    const more = { error: failure.message, responseStatus: kept.status, nextDeliveryTime: clock() + wait };
    await note(settings, "ERROR", message, job, host, more);
  }
  throw failure;
}

/** The responses that callbacks report, by attempt. */
const responses = new WeakMap<AttemptHost, KeptResponse>();

type Progress = ShownResponse & { readonly end?: { readonly life: number; readonly failure?: string } };

/** How a run's message ended. It is stored before the run changes and callbacks go out, so nothing is sent twice. */
function endOf(host: AttemptHost) {
  const progress = Object(host.job.record.progress) as Progress;
  if (progress.end?.life !== lifeOf(host)) return undefined;
  return withoutUndefined({ response: responseOf(progress), failure: progress.end.failure });
}

type StoredEnd = NonNullable<ReturnType<typeof endOf>>;

async function note(
  { eventsKeptMs }: Settings,
  state: EventState,
  message: Message,
  { id }: { readonly id: string },
  { needs, job }: AttemptHost,
  more: Partial<MessageEvent>,
): Promise<void> {
  const { occurrence } = job.record;
  const ofSchedule = occurrence ? { ...message, scheduleId: occurrence.key } : message;
  await keepEvents(new Documents(needs), [eventOf(state, id, needs.clock(), ofSchedule, more)], eventsKeptMs);
}

/** What the run says of the end that a job has stored, by the attempt that has reported it. */
const reported = new WeakMap<AttemptHost, CallbackParts | "of no account">();

/** Reports the stored end of a run's message to the run, and then ends its job, with the callbacks. */
async function reportEnd(message: Message, job: JobContext, host: AttemptHost, end: StoredEnd) {
  const { workflow } = message;
  const { id, attempt: attempts, maxRetries } = job;
  const ending = withoutUndefined({ id, attempts, maxRetries, failure: end.failure });
  const report = async () => (workflow ? afterMessage(workflow, ending, host, end.response) : {});
  const after = await ifPossible(report);
  if (after === "not now") return job.snooze(POSTPONED_MS);
  reported.set(host, after);
  // A failed call is a result like any other.
  const isDead = end.failure !== undefined && after !== "of no account" && workflow?.role !== "call";
  if (isDead) throw permanent(end.failure);
  return { status: end.response.status };
}

async function afterEnd(ending: JobEnding, host: AttemptHost, settings: Settings): Promise<readonly FollowUpJob[]> {
  const stored = host.job.record.payload as Message;
  const message = unredacted(stored, host.job.record.hidden as HiddenParts | undefined);
  const { workflow } = message;
  const end = endOf(host);
  const response = end?.response ?? responses.get(host) ?? noResponse;
  const more = withoutUndefined({ responseStatus: response.status, error: ending.failure });
  await note(settings, ending.failure === undefined ? "DELIVERED" : "FAILED", message, ending, host, more);
  if (!workflow) return callbackJobs(message, ending, host, response);
  const known = end ? withoutUndefined({ ...ending, failure: end.failure }) : ending;
  // An attempt may store the end, and the next one be killed before it can report it.
  const after = reported.get(host) ?? (await afterMessage(workflow, known, host, response));
  return after === "of no account" ? [] : callbackJobs(message, known, host, response, after);
}

/** Does work of a run, unless the budget has no room for it or the store does not respond. Neither costs a retry. */
async function ifPossible<Result>(work: () => Promise<Result>): Promise<Result | "not now"> {
  try {
    return await work();
  } catch (error) {
    if (isStoreFailure(error)) return "not now";
    throw error;
  }
}

const DAY_MS = 86_400_000;

/** QStash's wait before retry n, from 1. */
function defaultBackoffMs(retry: number): number {
  return Math.min(DAY_MS, Math.round(Math.exp(2.5 * retry) * 1_000));
}

/** The error that a failed delivery throws. It decides whether and when the message is retried. */
function failureOf(
  { retryDelay }: Message,
  job: JobContext,
  { kept, headers, failure, isFinal }: CallResult,
  now: number,
): Error {
  const text = failure ?? `The destination responded with ${kept.status}.`;
  if (isFinal) return permanent(text);
  if (kept.status === 489 && headers.get("upstash-nonretryable-error") === "true")
    return permanent(`${text} It asked for no retry.`);
  const retried = job.attempt - 1;
  const wait = retryAfterMs(headers, now, DAY_MS) ?? expressionMs(retryDelay, retried) ?? defaultBackoffMs(retried + 1);
  return withoutStack(new RetryAfterError(text, wait));
}

function expressionMs(expression: string | undefined, retried: number): number | undefined {
  if (expression === undefined) return undefined;
  const ms = retryDelayMs(expression, retried, "retryDelay");
  return ms >= 0 ? Math.min(Math.round(ms), DAY_MS) : undefined;
}
