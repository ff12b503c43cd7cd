import type { AttemptHost } from "../core/attempt/context.ts";
import { draftJob, finishJob } from "../core/enqueue/new-job.ts";
import type { JobContext } from "../core/job/define.ts";
import { withHidden } from "../core/job/hidden.ts";
import { isTidegateError } from "../core/shared/errors.ts";
import { toBase64 } from "./base64.ts";
import { bytesOfBody, storedBody } from "./body.ts";
import { attemptTimeoutMs, DELIVERY } from "./delivery.ts";
import type { Callback, Message } from "./message.ts";
import { type Redaction, redact } from "./redaction.ts";
import { type KeptResponse, responseOf, type ShownResponse, shownResponse } from "./response.ts";

/**
 * How a message ended. It is stored with its job in the step that ends the delivery, and the callbacks are enqueued from there. So
 * none is lost, and no message is delivered again for a callback that could not be enqueued.
 */
export interface StoredEnd {
  readonly response: KeptResponse;
  /** Why the message is dead. Default: it was delivered. */
  readonly failure?: string;
}

type Progress = ShownResponse & { readonly end?: { readonly life: number; readonly failure?: string } };

/** Tells the ends of a message apart that was retried from the dead letter. */
function lifeOf({ job }: AttemptHost): number {
  return job.record.revivedAt ?? 0;
}

/** The progress of a job whose message has ended. */
export function progressWithEnd(response: KeptResponse, failure: string | undefined, host: AttemptHost): Progress {
  return { ...shownResponse(response), end: { life: lifeOf(host), ...(failure !== undefined && { failure }) } };
}

/** How the message ended, if it has. */
export function endOf(host: AttemptHost): StoredEnd | undefined {
  const progress = Object(host.job.record.progress) as Progress;
  if (progress.end?.life !== lifeOf(host)) return undefined;
  const { failure } = progress.end;
  return { response: responseOf(progress), ...(failure !== undefined && { failure }) };
}

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

/** Enqueues the callbacks of an end. Their ids come from the end, so that one that is enqueued twice is there once. */
export async function enqueueCallbacks(
  message: Message,
  job: JobContext,
  host: AttemptHost,
  end: StoredEnd,
  source: CallbackSource = {},
): Promise<void> {
  const { clock, store } = host.runtime;
  const now = clock();
  const life = lifeOf(host) === 0 ? "" : `:${lifeOf(host)}`;
  // What the message hides, its callbacks have in their bodies.
  const redaction: Redaction | undefined = host.job.record.hidden ? { body: true, header: new Set() } : undefined;
  const jobs = callbacksFor(message, end.failure === undefined).map(async ([name, callback]) => {
    const { url, method, header, timeoutMs, retryDelay, retries = job.maxRetries, delayMs = 0 } = callback;
    const { failureCallback, workflow } = callback;
    const options = {
      id: `${job.id}:${name}${life}`,
      maxRetries: retries,
      delay: delayMs,
      ...(timeoutMs !== undefined && { timeout: attemptTimeoutMs(timeoutMs) }),
    };
    const delivery = {
      ...{ url, method, header, ...(timeoutMs && { timeoutMs }), ...(retryDelay && { retryDelay }) },
      ...(failureCallback && { failureCallback }),
      ...(workflow && { workflow }),
    };
    const draft = async (withSource: boolean) => {
      const body = encoder.encode(JSON.stringify({ ...callbackBody(message, job, host, end, withSource), ...source }));
      const { payload, hidden } = await redact({ ...delivery, ...storedBody(body) }, redaction);
      return draftJob(DELIVERY, undefined, payload, withHidden(options, hidden), now, () => "");
    };
    return finishJob(await orSmaller(draft));
  });
  await store.enqueue(await Promise.all(jobs), now);
}

/** What a callback says of the source of its message beyond what the message itself does. */
export interface CallbackSource {
  readonly sourceBody?: string;
  readonly maxRetries?: number;
  readonly workflowRunId?: string;
  readonly workflowCreatedAt?: number;
  readonly workflowUrl?: string;
}

const encoder = new TextEncoder();

/** What is too large with the source of the message is made without it. */
async function orSmaller<Made>(make: (withSource: boolean) => Promise<Made>): Promise<Made> {
  try {
    return await make(true);
  } catch (error) {
    if (isTidegateError(error) && error.code === "payload_too_large") return make(false);
    throw error;
  }
}

function callbackBody(
  message: Message,
  job: JobContext,
  { job: stored }: AttemptHost,
  end: StoredEnd,
  withSource: boolean,
) {
  const createdAt = job.enqueuedAt.getTime();
  const { slot } = stored.record;
  return {
    status: end.response.status,
    header: end.response.header,
    body: toBase64(end.response.body),
    retried: job.attempt - 1,
    maxRetries: job.maxRetries,
    ...(end.failure !== undefined && { dlqId: job.id }),
    sourceMessageId: job.id,
    url: message.url,
    method: message.method,
    sourceHeader: message.header,
    sourceBody: withSource ? toBase64(bytesOfBody(message) ?? new Uint8Array()) : "",
    notBefore: String(message.notBefore ?? createdAt),
    createdAt: String(createdAt),
    ...(slot && { scheduleId: slot.key }),
  };
}
