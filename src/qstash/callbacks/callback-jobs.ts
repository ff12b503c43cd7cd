import type { AttemptHost, JobEnding } from "../../core/job/inner-options.ts";
import type { JobRecord } from "../../core/job/record.ts";
import { isReservedId, reserved } from "../../core/job/reserved.ts";
import { toBase64, utf8 } from "../../core/shared/bytes.ts";
import { isTidegateError } from "../../core/shared/errors.ts";
import { bytesOf, LARGEST_RECORD } from "../../core/shared/limits.ts";
import type { FollowUpJob } from "../../core/store/store.ts";
import { bytesOfBody, storedBody } from "../messages/body.ts";
import type { Callback, Message } from "../messages/message.ts";
import { DEFAULT_RETRIES, messageJob, storedJob } from "../messages/message-job.ts";
import { type HiddenParts, type Redaction, redactionOfCallbacks } from "../messages/redaction.ts";
import { type KeptResponse, MOST_SHOWN_BYTES } from "../messages/response.ts";

export function callbacksFor(
  { callback, failureCallback }: Message,
  isDelivered: boolean,
): readonly (readonly [string, Callback])[] {
  return [
    ...(callback ? [["callback", callback] as const] : []),
    ...(failureCallback && !isDelivered ? [["failure-callback", failureCallback] as const] : []),
  ];
}

/** Makes the callbacks of a message that has ended. They are stored with its outcome, so each is made exactly once. */
export async function callbackJobs(
  message: Message,
  ending: JobEnding,
  host: AttemptHost,
  response: KeptResponse,
  { source = {}, redaction, ...report }: CallbackParts = {},
): Promise<readonly FollowUpJob[]> {
  const due = callbacksFor({ ...message, ...report }, ending.failure === undefined);
  if (due.length === 0) return [];
  const { clock } = host.needs;
  const { payload, hidden } = host.job.record;
  const ownRedaction = redactionOfCallbacks(payload as Message, hidden as HiddenParts | undefined);
  const content = { ...callbackBody(message, ending, host, response), ...source };
  const make = (sourceBody: string) =>
    Promise.all(
      due.map(async ([name, callback]): Promise<FollowUpJob> => {
        const { retries = DEFAULT_RETRIES, delayMs: delay = 0, ...delivery } = callback;
        const body = utf8(JSON.stringify({ ...content, sourceBody }));
        const options = {
          ...{ id: callbackId(name, ending.id, host), retries, delay },
          redaction: redaction ? { ...redaction, body: true } : ownRedaction,
        };
        const job = await messageJob({ ...delivery, ...storedBody(body) }, options);
        const { id, runAt, record } = await storedJob(job, clock());
        return { id, runAt, record };
      }),
    );
  const { sourceBody = toBase64(bytesOfBody(message)) } = source;
  // One request stores them and the record of the message.
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

/** The largest response that callbacks report, in bytes. It becomes base64 in the body of a message. */
const LARGEST_REPORTED = 2_000_000;
const ROOM_OF_REST = 128 * 1024;

/** How many bytes of a response are read. With callbacks, as many as fit with the job and all callbacks. */
export function mostOfResponse(message: Message, { job }: AttemptHost) {
  const callbacks = callbacksFor(message, false).length;
  if (callbacks === 0) return { bytes: MOST_SHOWN_BYTES, isNeeded: false };
  // The job of a run's message stores the response too.
  const copies = callbacks + (message.workflow ? 1 : 0);
  const room = (LARGEST_RECORD - roomOf(job.record)) / copies - ROOM_OF_REST;
  return { bytes: Math.floor(Math.min(LARGEST_REPORTED, Math.max(0, room) * 0.75)), isNeeded: true };
}

/** The size of a record in a request, as a text within JSON. */
function roomOf(value: JobRecord | FollowUpJob): number {
  return bytesOf(JSON.stringify("record" in value ? value.record : JSON.stringify(value)));
}

export interface CallbackParts {
  readonly source?: { readonly sourceBody?: string; readonly [field: string]: unknown };
  /** Default: that of the message. */
  readonly failureCallback?: Callback;
  /** Which headers they hide. Then they also hide their bodies. */
  readonly redaction?: Redaction;
}

/** Distinguishes the ends of a message that was retried from the dead-letter queue. */
export function lifeOf({ job }: AttemptHost): number {
  return job.record.revivedAt ?? 0;
}

/** The id of a callback. It is predictable, so it is reserved. */
export function callbackId(name: string, messageId: string, host: AttemptHost): string {
  const life = lifeOf(host) === 0 ? "" : `:${lifeOf(host)}`;
  return `${isReservedId(`${messageId}:`) ? "" : reserved.id}${messageId}:${name}${life}`;
}

function callbackBody(
  message: Message,
  { id, attempts, maxRetries, failure }: JobEnding,
  { job }: AttemptHost,
  { status, header, body }: KeptResponse,
) {
  const { enqueuedAt, occurrence } = job.record;
  const { url, method, topicName, endpointName, scheduleId, notBefore = enqueuedAt } = message;
  return {
    ...{ status, header, body: toBase64(body) },
    ...{ retried: attempts - 1, maxRetries },
    dlqId: failure === undefined ? undefined : id,
    sourceMessageId: id,
    ...{ url, method, sourceHeader: message.header },
    ...{ notBefore: String(notBefore), createdAt: String(enqueuedAt) },
    ...{ topicName, endpointName, scheduleId: occurrence?.key ?? scheduleId },
  };
}
