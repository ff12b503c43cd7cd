import type { EnqueueResult } from "../../core/enqueue/new-job.ts";
import { withHidden } from "../../core/job/hidden.ts";
import { invalidRequest, isTidegateError, notFound } from "../../core/shared/errors.ts";
import { MEBIBYTE, MOST_AT_ONCE } from "../../core/shared/limits.ts";
import { json } from "../answers.ts";
import { toBase64Url } from "../base64.ts";
import { storedBody } from "../body.ts";
import { attemptTimeoutMs, DELIVERY } from "../delivery.ts";
import { isUrl, readDestination } from "../destination.ts";
import type { Draft, MessageJob } from "../message-job.ts";
import { type PublishOptions, readPublishOptions } from "../publish-options.ts";
import { redact } from "../redaction.ts";
import { LARGEST_BODY, type QStashCall, readBody, readJsonBody } from "../request.ts";
import { isOfRun, type Prepared, type PublishAnswer, prepareOfRuns } from "../workflow/submit.ts";

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
  const [answer] = await publishAll(call, [draft], () => "");
  return json(answer, answer?.deduplicated ? 202 : 201);
}

/** A batch holds the body of at least one of the largest messages, escaped, and its headers. */
const LARGEST_BATCH = 5 * MEBIBYTE;

/** `POST /v2/batch`: stores all of its messages or, if one is refused, none. */
export async function batch(call: QStashCall): Promise<Response> {
  const entries = await readJsonBody(call.request, LARGEST_BATCH);
  if (!Array.isArray(entries) || entries.length > MOST_AT_ONCE)
    throw invalidRequest(`The body must be an array of up to ${MOST_AT_ONCE} messages.`);
  const which = (index: number) => `Message ${index}: `;
  const drafts = await Promise.all(entries.map((entry, index) => named(which(index), () => readEntry(entry))));
  return json(await publishAll(call, drafts, which));
}

/** @param which names a message in errors. */
async function publishAll(call: QStashCall, drafts: readonly Draft[], which: (index: number) => string) {
  const plain = await Promise.all(
    drafts.map((draft, index) => (isOfRun(draft) ? undefined : named(which(index), () => prepare(call, draft)))),
  );
  const ofRuns = await prepareOfRuns(call, drafts.filter(isOfRun));
  const waiting = [...ofRuns];
  const prepared = plain.map((each) => each ?? (waiting.shift() as Prepared));
  const jobs = prepared.flatMap(({ job }) => job ?? []);
  const results = [...(jobs.length > 0 ? await call.host.enqueue(jobs) : [])];
  return Promise.all(prepared.map(({ job, answer }) => answer(job && results.shift())));
}

/** Begins the message of an error with what it is about. */
async function named<Result>(what: string, work: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (isTidegateError(error)) error.message = `${what}${error.message}`;
    throw error;
  }
}

async function prepare(call: QStashCall, draft: Draft): Promise<Prepared> {
  const job = await messageJob(call, draft);
  return { job, answer: (result) => publishAnswer(result, job) };
}

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

function publishAnswer(result: EnqueueResult | undefined, { payload }: MessageJob): PublishAnswer {
  return {
    messageId: result?.id ?? "",
    url: payload.url,
    ...(result?.status !== "enqueued" && { deduplicated: true }),
  };
}
