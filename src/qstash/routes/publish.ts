import type { EnqueueResult } from "../../core/job/enqueue-result.ts";
import { withHidden } from "../../core/job/hidden.ts";
import { reserved } from "../../core/job/reserved.ts";
import { internalsOf } from "../../core/queue/internals.ts";
import { invalidRequest, isTidegateError, notFound, TidegateError } from "../../core/shared/errors.ts";
import { MEBIBYTE, MOST_AT_ONCE } from "../../core/shared/limits.ts";
import { DELIVERY } from "../../http/qstash-port.ts";
import { json, StepRefusedError } from "../api/answers.ts";
import { LARGEST_BODY, type QStashCall, readBody, readJsonBody } from "../api/call.ts";
import { storedBody } from "../messages/body.ts";
import { eventOf } from "../messages/event-log.ts";
import { type Limited, readLimits, withoutLimits } from "../messages/flow-control.ts";
import { attemptTimeoutMs, type MessageJob } from "../messages/message-job.ts";
import { redact } from "../messages/redaction.ts";
import { isUrl, readDestination } from "../publish/destination.ts";
import type { Draft } from "../publish/draft.ts";
import { type TopicPart, topicPart } from "../publish/fan-out.ts";
import { MOST_HEADER_BYTES, type PublishOptions, readPublishOptions } from "../publish/publish-options.ts";
import { findGroup } from "../publish/url-groups.ts";
import { toBase64Url } from "../shared/base64.ts";
import {
  isOfRun,
  type Prepared,
  type PublishAnswer,
  prepareOfRuns,
  RUN_ID,
  refusingAsStep,
  triggerHeaders,
} from "../workflow/submit.ts";
import { noteQueue } from "./queues.ts";

/** How long a message keeps others with the same deduplication id out. */
const DEDUPLICATION_WINDOW = "10m";

const encoder = new TextEncoder();

/** `POST /v2/publish/{destination}`, and `POST /v2/enqueue/{queue}/{destination}` */
export async function publish(call: QStashCall): Promise<Response> {
  const { request, parameters } = call;
  const { headers } = request;
  const read = () => readBody(request);
  return publishOne(call, {
    destination: readDestination(request, parameters["*"] ?? ""),
    headers,
    body: await (headers.has(RUN_ID) ? refusingAsStep(read) : read()),
    queue: parameters["queue"],
  });
}

/** `POST /v2/trigger/{url}`: starts a run of a workflow. */
export async function trigger(call: QStashCall): Promise<Response> {
  const { request, parameters } = call;
  const destination = readDestination(request, parameters["*"] ?? "");
  return publishOne(call, {
    destination,
    headers: triggerHeaders(request.headers, destination),
    body: await readBody(request),
  });
}

async function publishOne(call: QStashCall, draft: Draft): Promise<Response> {
  const [answer] = await publishAll(call, [draft], () => "");
  return json(answer, [answer].flat().every((each) => each?.deduplicated) ? 202 : 201);
}

/** A batch holds the body of at least one of the largest messages, escaped, and its headers. */
const LARGEST_BATCH = 5 * MEBIBYTE;

/** `POST /v2/batch`: stores all of its messages or, if one is refused, none. */
export async function batch(call: QStashCall): Promise<Response> {
  const entries = await readJsonBody(call.request, LARGEST_BATCH, tooLargeOfRun);
  const store = () => storeBatch(call, entries);
  // What a run sends is refused as its step: the SDK takes 400 for the end of the run, and would leave it where it
  // stands.
  const isOfRuns = Array.isArray(entries) && entries.some(isEntryOfRun);
  return json(await (isOfRuns ? refusingAsStep(store) : store()));
}

/** The name of a header stands unescaped in front of the body of its message, and there alone. */
const runHeaderPattern = new RegExp(`[{,]\\s*"${RUN_ID}"\\s*:`, "i");

/** The error for a batch that is too large, if a run sends it: else its step would be performed again. */
function tooLargeOfRun(beginning: Uint8Array): Error | undefined {
  const isOfRun = runHeaderPattern.test(new TextDecoder().decode(beginning.subarray(0, MOST_HEADER_BYTES)));
  if (!isOfRun) return undefined;
  return new StepRefusedError("payload_too_large", `What a run sends at once may have at most ${LARGEST_BATCH} bytes.`);
}

async function storeBatch(call: QStashCall, entries: unknown) {
  if (!Array.isArray(entries) || entries.length > MOST_AT_ONCE)
    throw invalidRequest(`The body must be an array of up to ${MOST_AT_ONCE} messages.`);
  const which = (index: number) => `Message ${index}: `;
  const drafts = await Promise.all(entries.map((entry, index) => named(which(index), () => readEntry(entry))));
  return publishAll(call, drafts, which);
}

function isEntryOfRun(entry: unknown): boolean {
  const { headers } = Object(entry) as { readonly headers?: unknown };
  return Object.keys(Object(headers)).some((name) => name.toLowerCase() === RUN_ID);
}

/** @param which names a message in errors. */
async function publishAll(call: QStashCall, drafts: readonly Draft[], which: (index: number) => string) {
  const plain = await Promise.all(
    drafts.map((draft, index) => (isOfRun(draft) ? undefined : named(which(index), () => prepare(call, draft)))),
  );
  const ofRuns = await prepareOfRuns(call, drafts.filter(isOfRun));
  const waiting = [...ofRuns];
  const prepared = plain.map((each) => each ?? single(waiting.shift() as Prepared));
  const jobs = prepared.flatMap((each) => each.jobs);
  if (jobs.length > MOST_AT_ONCE) throw invalidRequest(`One request stores at most ${MOST_AT_ONCE} messages.`);
  const store = async () => (jobs.length > 0 ? call.host.enqueue(jobs) : []);
  const results = [...(await (ofRuns.length > 0 ? refusingAsStep(store) : store()))];
  await noteCreated(call, jobs, results);
  return Promise.all(prepared.map((each) => each.answer(results.splice(0, each.jobs.length))));
}

async function noteCreated(
  { settings, host }: QStashCall,
  jobs: readonly MessageJob[],
  results: readonly EnqueueResult[],
): Promise<void> {
  const now = host.queue.clock();
  const created = results.flatMap(({ id, status }, index) => {
    const { payload } = jobs[index] ?? {};
    return payload && status === "enqueued" ? eventOf("CREATED", id, now, payload) : [];
  });
  await settings.events?.note(internalsOf(host.queue).documents, created);
}

/** The messages that are to be stored for a draft, and what its publisher is told then. */
interface PreparedDraft {
  readonly jobs: readonly MessageJob[];
  answer(results: readonly EnqueueResult[]): Answer | Promise<Answer>;
}

/** One for each endpoint of a URL group. */
type Answer = PublishAnswer | readonly PublishAnswer[];

function single({ job, answer }: Prepared): PreparedDraft {
  return { jobs: job ? [job] : [], answer: ([result]) => answer(result) };
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

async function prepare(call: QStashCall, draft: Draft): Promise<PreparedDraft> {
  const { destination, headers } = draft;
  if (headers.has("upstash-cron"))
    throw invalidRequest("Upstash-Cron makes a schedule: send it to POST /v2/schedules/{destination}.");
  const limited = readLimits(headers, draft.queue);
  const queueName = limited?.limits.queueName;
  if (isUrl(destination)) {
    const url = call.settings.targets.read(destination, "destination");
    const job = await messageJob(call, draft, { url }, limited);
    if (queueName !== undefined) await noteQueue(call, queueName);
    return { jobs: [job], answer: ([result]) => publishAnswer(result, job) };
  }
  if (destination.startsWith("api/")) throw notFound(NO_MODEL);
  const { endpoints } = await findGroup(internalsOf(call.host.queue).documents, destination);
  const parts = endpoints.map((endpoint) => topicPart(destination, endpoint));
  for (const { url } of parts) call.settings.targets.read(url, "endpoint of the URL group");
  const jobs = await Promise.all(parts.map((part) => messageJob(call, draft, part, limited)));
  if (queueName !== undefined) await noteQueue(call, queueName);
  return {
    jobs,
    answer: (results) => results.map((result, index) => publishAnswer(result, jobs[index] as MessageJob)),
  };
}

const NO_MODEL = "There is no model behind api/ destinations. Publish to the URL of the provider.";

function readEntry(entry: unknown): Draft {
  const { destination, headers = {}, body = "", queue } = Object(entry) as Readonly<Record<string, unknown>>;
  if (typeof destination !== "string") throw invalidRequest("destination must be a text.");
  if (typeof body !== "string") throw invalidRequest("body must be a text.");
  if (queue !== undefined && typeof queue !== "string") throw invalidRequest("queue must be a text.");
  const bytes = encoder.encode(body);
  if (bytes.length > LARGEST_BODY)
    throw new TidegateError("payload_too_large", `body must have at most ${LARGEST_BODY} bytes.`);
  return { destination, headers: readEntryHeaders(headers), body: bytes, queue };
}

function readEntryHeaders(headers: unknown): Headers {
  try {
    return new Headers(headers as Record<string, string>);
  } catch {
    throw invalidRequest("headers must hold header values by name.");
  }
}

async function messageJob(
  { settings, host }: QStashCall,
  { headers, body }: Draft,
  to: TopicPart,
  limited: Limited | undefined,
): Promise<MessageJob> {
  const now = host.queue.clock();
  const read = readPublishOptions(withoutLimits(headers), settings.targets, now);
  const { retries, deduplication, redaction, ...options } = read;
  if (limited && deduplication)
    throw invalidRequest(
      "A message with a queue or a flow control key takes no deduplication: the queue could not keep both together.",
    );
  const { notBefore = now, timeoutMs } = options;
  const { payload, hidden } = await redact(
    { ...to, ...options, ...(limited && { limits: limited.limits }), ...storedBody(body) },
    redaction,
  );
  const job: MessageJob = {
    job: DELIVERY,
    payload,
    ...(notBefore > now && { runAt: notBefore }),
    ...(retries !== undefined && { maxRetries: retries }),
    ...(timeoutMs !== undefined && { timeout: attemptTimeoutMs(timeoutMs) }),
    ...(limited && { flowControl: limited.flowControl }),
    ...(deduplication && {
      dedupe: { key: await deduplicationKey(deduplication, to, options, body), ttl: DEDUPLICATION_WINDOW },
    }),
  };
  return withHidden(job, hidden);
}

/** A hash, since a queue's own keys are shorter than the ids of QStash may be. */
async function deduplicationKey(
  deduplication: NonNullable<PublishOptions["deduplication"]>,
  { url, topicName }: TopicPart,
  { header }: Pick<PublishOptions, "header">,
  body: Uint8Array,
): Promise<string> {
  if (deduplication !== "content") {
    // Each endpoint of a group gets its own message.
    const id = topicName === undefined ? deduplication.id : `${deduplication.id} ${url}`;
    return `${reserved.key}id:${await hashOf(encoder.encode(id))}`;
  }
  const sorted = Object.entries(header).sort(([a], [b]) => (a < b ? -1 : 1));
  const head = encoder.encode(`${JSON.stringify([url, sorted])}\n`);
  const content = new Uint8Array(head.length + body.length);
  content.set(head);
  content.set(body, head.length);
  return `${reserved.key}content:${await hashOf(content)}`;
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
