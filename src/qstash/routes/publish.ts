import { naming } from "../../core/enqueue/bulk.ts";
import type { EnqueueResult } from "../../core/job/enqueue.ts";
import { reserved } from "../../core/job/reserved.ts";
import { sha256, toBase64Url, utf8 } from "../../core/shared/bytes.ts";
import { invalidRequest, notFound, tooLarge } from "../../core/shared/errors.ts";
import { MEBIBYTE, MOST_AT_ONCE } from "../../core/shared/limits.ts";
import { json, LARGEST_BODY, type QStashCall, readBody, readJsonBody, route, StepRefusedError } from "../api/call.ts";
import { storedBody } from "../messages/body.ts";
import { eventOf, keepEvents } from "../messages/event-log.ts";
import { type MessageJob, messageJob } from "../messages/message-job.ts";
import type { Draft, PublishOptions } from "../publish/publish-options.ts";
import { isUrl, MOST_HEADER_BYTES, readDestination, readPublishOptions } from "../publish/publish-options.ts";
import type { Prepared, PublishResult } from "../publish/submit.ts";
import { deduplicatedIf, isOfRun, prepareOfRuns, RUN_ID, refusingAsStep, triggerHeaders } from "../publish/submit.ts";
import { partsOf, type TopicPart, unknownGroup } from "../publish/url-groups.ts";
import { noteQueue } from "./queues.ts";

const DEDUPLICATION_WINDOW = "10m";

export const publishRoutes = [
  route("POST publish/*", publish),
  route("POST enqueue/:queue/*", publish),
  route("POST trigger/*", async (call) => {
    const { request, rest } = call;
    // It goes into headers, which hold only what a URL has once it is escaped.
    const destination = call.settings.targets.read(readDestination(request, rest), "destination");
    const headers = triggerHeaders(request.headers, destination);
    const body = await readBody(request);
    return refusingAsStep(() => publishOne(call, { destination, headers, body }));
  }),
  // Stores all messages or, if one is refused, none.
  route("POST batch", async (call) => {
    const entries = await readJsonBody(call.request, LARGEST_BATCH, tooLargeOfRun);
    const store = () => storeBatch(call, entries);
    // After a 400 the SDK would leave its run unfinished.
    return Array.isArray(entries) && entries.some(isEntryOfRun) ? refusingAsStep(store) : store();
  }),
];

async function publish(call: QStashCall): Promise<Response> {
  const { request, rest, parts } = call;
  const { headers } = request;
  const work = async () => {
    const body = await readBody(request);
    return publishOne(call, { destination: readDestination(request, rest), headers, body, queue: parts[0] });
  };
  return headers.has(RUN_ID) ? refusingAsStep(work) : work();
}

async function publishOne(call: QStashCall, draft: Draft): Promise<Response> {
  const [result] = await publishAll(call, [draft], false);
  return json(result, [result].flat().every((each) => each?.deduplicated) ? 202 : 201);
}

/** Enough for one message with the largest body, escaped, and its headers. */
const LARGEST_BATCH = 5 * MEBIBYTE;

/** The header names of an entry come before its body, and only they are unescaped. */
const runHeaderPattern = new RegExp(`[{,]\\s*"${RUN_ID}"\\s*:`, "i");

/** The error for a batch of a run that is too large. Any other error would repeat its step. */
function tooLargeOfRun(beginning: Uint8Array): Error | undefined {
  const isOfRun = runHeaderPattern.test(new TextDecoder().decode(beginning.subarray(0, MOST_HEADER_BYTES)));
  if (!isOfRun) return undefined;
  return new StepRefusedError("payload_too_large", `A run may send at most ${LARGEST_BATCH} bytes at once.`);
}

async function storeBatch(call: QStashCall, entries: unknown) {
  if (!Array.isArray(entries) || entries.length > MOST_AT_ONCE)
    throw invalidRequest(`The body must be an array of up to ${MOST_AT_ONCE} messages.`);
  const drafts = entries.map((entry, index) => naming(index, () => readEntry(entry), "Message"));
  return publishAll(call, drafts, true);
}

function isEntryOfRun(entry: unknown): boolean {
  const { headers } = Object(entry) as { readonly headers?: unknown };
  return Object.keys(Object(headers)).some((name) => name.toLowerCase() === RUN_ID);
}

async function publishAll(call: QStashCall, drafts: readonly Draft[], isBatch: boolean) {
  const plain = await Promise.all(
    drafts.map((draft, index) =>
      isOfRun(draft) ? undefined : naming(isBatch ? index : undefined, () => prepare(call, draft), "Message"),
    ),
  );
  const ofRuns = await prepareOfRuns(call, drafts.filter(isOfRun));
  const waiting = [...ofRuns];
  const prepared = plain.map((each) => each ?? (waiting.shift() as Prepared));
  const jobs = prepared.flatMap((each) => each.jobs);
  if (jobs.length > MOST_AT_ONCE) throw invalidRequest(`One request stores at most ${MOST_AT_ONCE} messages.`);
  const results = jobs.length > 0 ? [...(await call.enqueue(jobs))] : [];
  await noteCreated(call, jobs, results);
  return prepared.map((each) => each.respond(results.splice(0, each.jobs.length)));
}

async function noteCreated(
  { settings, now, documents }: QStashCall,
  jobs: readonly MessageJob[],
  results: readonly EnqueueResult[],
): Promise<void> {
  const created = results.flatMap(({ id, status }, index) => {
    const { payload } = jobs[index] ?? {};
    return payload && status === "enqueued" ? eventOf("CREATED", id, now, payload) : [];
  });
  await keepEvents(documents, created, settings.eventsKeptMs);
}

async function prepare(call: QStashCall, draft: Draft): Promise<Prepared> {
  const { settings, documents, now } = call;
  const { destination, headers, queue, body } = draft;
  if (headers.has("upstash-cron"))
    throw invalidRequest("Upstash-Cron makes a schedule: send it to POST /v2/schedules/{destination}.");
  const options = readPublishOptions(headers, settings.targets, now, queue);
  const { limits, deduplication } = options;
  if (limits && deduplication)
    throw invalidRequest(
      "A message with a queue or a flow control key takes no deduplication: the two cannot be combined.",
    );
  if (destination.startsWith("api/")) throw notFound(NO_MODEL);
  const what = isUrl(destination) ? "destination" : "endpoint of the URL group";
  const parts = await partsOf(documents, destination);
  if (!parts) throw unknownGroup();
  const jobs = await Promise.all(
    parts.map((part) => jobFor({ ...part, url: settings.targets.read(part.url, what) }, options, body, now)),
  );
  if (limits?.queueName !== undefined) await noteQueue(call, limits.queueName);
  return {
    jobs,
    respond(stored) {
      const results = jobs.map(({ payload: { url } }, index): PublishResult => {
        const { id = "", status } = stored[index] ?? {};
        return { messageId: id, url, ...deduplicatedIf(status !== "enqueued") };
      });
      return isUrl(destination) ? results[0] : results;
    },
  };
}

const NO_MODEL = "Destinations below api/ are not supported. Publish to the URL of the provider.";

function readEntry(entry: unknown): Draft {
  const { destination, headers = {}, body = "", queue } = Object(entry) as Readonly<Record<string, unknown>>;
  if (typeof destination !== "string") throw invalidRequest("destination must be a string.");
  if (typeof body !== "string") throw invalidRequest("body must be a string.");
  if (queue !== undefined && typeof queue !== "string") throw invalidRequest("queue must be a string.");
  const bytes = utf8(body);
  if (bytes.length > LARGEST_BODY) throw tooLarge(`body must have at most ${LARGEST_BODY} bytes.`);
  return { destination, headers: readEntryHeaders(headers), body: bytes, queue };
}

function readEntryHeaders(headers: unknown): Headers {
  try {
    return new Headers(headers as Record<string, string>);
  } catch {
    throw invalidRequest("headers must hold header values by name.");
  }
}

async function jobFor(
  to: TopicPart,
  { retries, deduplication, redaction, ...options }: PublishOptions,
  body: Uint8Array,
  now: number,
): Promise<MessageJob> {
  const { notBefore = now } = options;
  const key = deduplication && (await deduplicationKey(deduplication, to, options, body));
  return messageJob(
    { ...to, ...options, ...storedBody(body) },
    {
      runAt: notBefore > now ? notBefore : undefined,
      ...{ retries, redaction },
      dedupe: key === undefined ? undefined : { key, ttl: DEDUPLICATION_WINDOW },
    },
  );
}

/** A hash, since QStash's deduplication ids may be longer than a key of the queue. */
async function deduplicationKey(
  deduplication: NonNullable<PublishOptions["deduplication"]>,
  { url, topicName }: TopicPart,
  { header }: Pick<PublishOptions, "header">,
  body: Uint8Array,
): Promise<string> {
  if (deduplication !== "content") {
    // Each endpoint of a group gets its own message.
    const id = topicName === undefined ? deduplication.id : `${deduplication.id} ${url}`;
    return `${reserved.key}id:${toBase64Url(await sha256(id))}`;
  }
  const sorted = Object.entries(header).sort(([a], [b]) => (a < b ? -1 : 1));
  const head = utf8(`${JSON.stringify([url, sorted])}\n`);
  const content = new Uint8Array(head.length + body.length);
  content.set(head);
  content.set(body, head.length);
  return `${reserved.key}content:${toBase64Url(await sha256(content))}`;
}
