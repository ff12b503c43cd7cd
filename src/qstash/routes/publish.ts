import type { EnqueueResult } from "../../core/enqueue/new-job.ts";
import { withHidden } from "../../core/job/hidden.ts";
import type { BulkJob } from "../../core/queue/send.ts";
import { invalidRequest, isTidegateError, notFound } from "../../core/shared/errors.ts";
import { MEBIBYTE, MOST_AT_ONCE } from "../../core/shared/limits.ts";
import { json } from "../answers.ts";
import { toBase64Url } from "../base64.ts";
import { storedBody } from "../body.ts";
import { attemptTimeoutMs, DELIVERY } from "../delivery.ts";
import { isUrl, readDestination } from "../destination.ts";
import type { Message } from "../message.ts";
import { type PublishOptions, readPublishOptions } from "../publish-options.ts";
import { redact } from "../redaction.ts";
import { LARGEST_BODY, type QStashCall, readBody, readJsonBody } from "../request.ts";

/** How long a message keeps others with the same deduplication id out. */
const DEDUPLICATION_WINDOW = "10m";

const encoder = new TextEncoder();

/** `POST /v2/publish/{destination}` */
export async function publish(call: QStashCall): Promise<Response> {
  const { request, parameters } = call;
  const draft = {
    destination: readDestination(request, parameters["*"] ?? ""),
    headers: request.headers,
    body: await readBody(request),
  };
  const job = await messageJob(call, draft);
  const [result] = await call.host.enqueue([job]);
  const answer = result && publishAnswer(result, job);
  return json(answer, answer?.deduplicated ? 202 : 201);
}

/** A batch holds the body of at least one of the largest messages, escaped, and its headers. */
const LARGEST_BATCH = 5 * MEBIBYTE;

/** `POST /v2/batch`: stores all of its messages or, if one is refused, none. */
export async function batch(call: QStashCall): Promise<Response> {
  const entries = await readJsonBody(call.request, LARGEST_BATCH);
  if (!Array.isArray(entries) || entries.length > MOST_AT_ONCE)
    throw invalidRequest(`The body must be an array of up to ${MOST_AT_ONCE} messages.`);
  const jobs = await Promise.all(
    entries.map(async (entry: unknown, index) => {
      try {
        return await messageJob(call, readEntry(entry));
      } catch (error) {
        if (isTidegateError(error)) error.message = `Message ${index}: ${error.message}`;
        throw error;
      }
    }),
  );
  const results = await call.host.enqueue(jobs);
  return json(results.map((result, index) => publishAnswer(result, jobs[index])));
}

/** What is to be published. */
interface Draft {
  readonly destination: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

type MessageJob = BulkJob & { readonly payload: Message };

function readEntry(entry: unknown): Draft {
  const { destination, headers = {}, body = "", queue } = Object(entry) as Readonly<Record<string, unknown>>;
  if (typeof destination !== "string") throw invalidRequest("destination must be a text.");
  if (typeof body !== "string") throw invalidRequest("body must be a text.");
  if (queue !== undefined) throw invalidRequest("queue is not supported.");
  const bytes = encoder.encode(body);
  if (bytes.length > LARGEST_BODY) throw invalidRequest(`body must have at most ${LARGEST_BODY} bytes.`);
  return { destination, headers: readEntryHeaders(headers), body: bytes };
}

function readEntryHeaders(headers: unknown): Headers {
  try {
    return new Headers(headers as Record<string, string>);
  } catch {
    throw invalidRequest("headers must hold header values by name.");
  }
}

async function messageJob({ settings, host }: QStashCall, { destination, headers, body }: Draft): Promise<MessageJob> {
  const now = host.queue.clock();
  const { retries, deduplication, redaction, ...options } = readPublishOptions(headers, settings.targets, now);
  if (!isUrl(destination)) {
    throw notFound(
      "The destination must begin with https:// or http://. URL groups and api/ destinations are not supported.",
    );
  }
  const url = settings.targets.read(destination, "destination");
  const { notBefore = now, timeoutMs } = options;
  const { payload, hidden } = await redact({ url, ...options, ...storedBody(body) }, redaction);
  const job: MessageJob = {
    job: DELIVERY,
    payload,
    ...(notBefore > now && { runAt: notBefore }),
    ...(retries !== undefined && { maxRetries: retries }),
    ...(timeoutMs !== undefined && { timeout: attemptTimeoutMs(timeoutMs) }),
    ...(deduplication && {
      dedupe: { key: await deduplicationKey(deduplication, url, options, body), ttl: DEDUPLICATION_WINDOW },
    }),
  };
  return withHidden(job, hidden);
}

/** A hash, since a queue's own keys are shorter than the ids of QStash may be. */
async function deduplicationKey(
  deduplication: NonNullable<PublishOptions["deduplication"]>,
  url: string,
  { header }: Pick<PublishOptions, "header">,
  body: Uint8Array,
): Promise<string> {
  if (deduplication !== "content") return `qstash:id:${await hashOf(encoder.encode(deduplication.id))}`;
  const sorted = Object.entries(header).sort(([a], [b]) => (a < b ? -1 : 1));
  const head = encoder.encode(`${JSON.stringify([url, sorted])}\n`);
  const content = new Uint8Array(head.length + body.length);
  content.set(head);
  content.set(body, head.length);
  return `qstash:content:${await hashOf(content)}`;
}

async function hashOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return toBase64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

function publishAnswer({ id, status }: EnqueueResult, job: MessageJob | undefined) {
  return { messageId: id, url: job?.payload.url, ...(status !== "enqueued" && { deduplicated: true }) };
}
