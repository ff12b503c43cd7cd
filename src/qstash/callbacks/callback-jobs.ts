import type { AttemptHost } from "../../core/attempt/context.ts";
import type { JobEnding } from "../../core/attempt/follow-ups.ts";
import { draftJob, finishJob } from "../../core/enqueue/new-job.ts";
import { withHidden } from "../../core/job/hidden.ts";
import type { JobRecord } from "../../core/job/record.ts";
import { isReservedId, reserved } from "../../core/job/reserved.ts";
import { isTidegateError } from "../../core/shared/errors.ts";
import { bytesOf, LARGEST_RECORD } from "../../core/shared/limits.ts";
import type { FollowUpJob } from "../../core/store/store.ts";
import { DELIVERY } from "../../http/qstash-port.ts";
import { bytesOfBody, storedBody } from "../messages/body.ts";
import type { Callback, Message } from "../messages/message.ts";
import { attemptTimeoutMs, DEFAULT_RETRIES } from "../messages/message-job.ts";
import { type HiddenParts, type Redaction, redact, redactionOf } from "../messages/redaction.ts";
import { type KeptResponse, MOST_SHOWN_BYTES } from "../messages/response.ts";
import { toBase64 } from "../shared/base64.ts";
import { lifeOf } from "./message-end.ts";

/** The callbacks of an end: the name of each, and how it is delivered. */
export function callbacksFor(
  { callback, failureCallback }: Message,
  isDelivered: boolean,
): readonly (readonly [string, Callback])[] {
  return [
    ...(callback ? [["callback", callback] as const] : []),
    ...(failureCallback && !isDelivered ? [["failure-callback", failureCallback] as const] : []),
  ];
}

/**
 * Makes the callbacks of a message that has ended. They are stored in the step that settles its end, so none is lost,
 * and none comes twice for one end.
 */
export async function callbackJobs(
  message: Message,
  ending: JobEnding,
  host: AttemptHost,
  response: KeptResponse,
  { source = {}, redaction, ...report }: CallbackParts = {},
): Promise<readonly FollowUpJob[]> {
  const due = callbacksFor({ ...message, ...report }, ending.failure === undefined);
  if (due.length === 0) return [];
  const make = (sourceBody: string) =>
    Promise.all(
      due.map(([name, callback]) => {
        const body = { ...callbackBody(message, ending, host, response), ...source, sourceBody };
        return callbackJob(name, callback, body, ending, host, redaction);
      }),
    );
  const { sourceBody = toBase64(bytesOfBody(message) ?? new Uint8Array()) } = source;
  // They travel with the record of the message.
  const hasRoom = (jobs: readonly FollowUpJob[]) =>
    [host.job.record, ...jobs].reduce((sum, each) => sum + roomOf(each), 0) <= LARGEST_RECORD;
  try {
    const jobs = await make(sourceBody);
    if (hasRoom(jobs)) return jobs;
  } catch (error) {
    if (!isTidegateError(error) || error.code !== "payload_too_large") throw error;
  }
  return make("");
}

/**
 * Enqueues the callbacks of an end apart from it. Their ids come from the end, so that one that is enqueued twice is
 * there once.
 */
export async function enqueueCallbacks(
  message: Message,
  ending: JobEnding,
  host: AttemptHost,
  response: KeptResponse,
  parts: CallbackParts,
): Promise<void> {
  const { clock, store } = host.needs;
  const jobs = await callbackJobs(message, ending, host, response, parts);
  await store.enqueue(
    jobs.map((job) => ({ ...job, isFreshId: false })),
    clock(),
  );
}

/** The largest response that callbacks report, in bytes: it becomes base64 in the body of a message. */
const LARGEST_REPORTED = 2_000_000;
/** What callbacks hold beside it. */
const ROOM_OF_REST = 128 * 1024;

/** How many bytes of a response are read: for callbacks all that fits, together with the job and with each other. */
export function mostOfResponse(
  message: Message,
  { job }: AttemptHost,
): { readonly bytes: number; readonly isNeeded: boolean } {
  const callbacks = callbacksFor(message, false).length;
  if (callbacks === 0) return { bytes: MOST_SHOWN_BYTES, isNeeded: false };
  // The job of a message of a run stores it as well.
  const copies = callbacks + (message.workflow ? 1 : 0);
  const room = (LARGEST_RECORD - roomOf(job.record)) / copies - ROOM_OF_REST;
  return { bytes: Math.floor(Math.min(LARGEST_REPORTED, Math.max(0, room) * 0.75)), isNeeded: true };
}

/** How many bytes something takes in a request, as a text within JSON. */
function roomOf(value: JobRecord | FollowUpJob): number {
  return bytesOf(JSON.stringify("record" in value ? value.record : JSON.stringify(value)));
}

/** What a callback says of the source of its message beyond what the message itself does. */
export interface CallbackSource {
  readonly sourceBody?: string;
  readonly maxRetries?: number;
  readonly workflowRunId?: string;
  readonly workflowCreatedAt?: number;
  readonly workflowUrl?: string;
}

/** What the callbacks of a message have from elsewhere. */
export interface CallbackParts {
  readonly source?: CallbackSource;
  /** Default: that of the message, if it has one. */
  readonly failureCallback?: Callback;
  /** What of their headers nobody is shown. Their bodies are hidden then. */
  readonly redaction?: Redaction;
}

const encoder = new TextEncoder();

async function callbackJob(
  name: string,
  callback: Callback,
  content: object,
  ending: JobEnding,
  host: AttemptHost,
  redaction: Redaction | undefined,
): Promise<FollowUpJob> {
  const { clock } = host.needs;
  const { url, method, header, timeoutMs, retryDelay, retries = DEFAULT_RETRIES, delayMs = 0 } = callback;
  const { workflow } = callback;
  const options = {
    id: callbackId(name, ending.id, host),
    maxRetries: retries,
    delay: delayMs,
    ...(timeoutMs !== undefined && { timeout: attemptTimeoutMs(timeoutMs) }),
  };
  const delivery = {
    ...{ url, method, header, ...(timeoutMs && { timeoutMs }), ...(retryDelay && { retryDelay }) },
    ...(workflow && { workflow }),
  };
  const body = encoder.encode(JSON.stringify(content));
  // What the message hides, its callbacks have in their bodies.
  const hides = redaction ?? redactionOf(host.job.record.hidden as HiddenParts | undefined);
  const { payload, hidden } = await redact({ ...delivery, ...storedBody(body) }, hides && { ...hides, body: true });
  const { id, runAt, record } = await finishJob(
    draftJob(DELIVERY, undefined, payload, withHidden(options, hidden), clock(), () => ""),
  );
  return { id, runAt, record };
}

/**
 * The id of a callback: that of the end which it reports, reserved as it can be foretold. It lies in the partition of
 * the message.
 */
export function callbackId(name: string, messageId: string, host: AttemptHost): string {
  const life = lifeOf(host) === 0 ? "" : `:${lifeOf(host)}`;
  const base = `${isReservedId(`${messageId}:`) ? "" : reserved.id}${messageId}:${name}${life}`;
  let made = 0;
  return host.needs.store.local.idBeside(messageId, () => (made++ === 0 ? base : `${base}.${made}`));
}

function callbackBody(
  message: Message,
  { id, attempts, maxRetries, failure }: JobEnding,
  { job }: AttemptHost,
  { status, header, body }: KeptResponse,
) {
  const { enqueuedAt, slot } = job.record;
  return {
    ...{ status, header, body: toBase64(body) },
    ...{ retried: attempts - 1, maxRetries },
    ...(failure !== undefined && { dlqId: id }),
    sourceMessageId: id,
    url: message.url,
    method: message.method,
    sourceHeader: message.header,
    notBefore: String(message.notBefore ?? enqueuedAt),
    createdAt: String(enqueuedAt),
    ...(message.topicName !== undefined && { topicName: message.topicName }),
    ...(message.endpointName !== undefined && { endpointName: message.endpointName }),
    ...((slot || message.scheduleId) && { scheduleId: slot?.key ?? message.scheduleId }),
  };
}
