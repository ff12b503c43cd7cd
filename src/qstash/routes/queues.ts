import { HIGHEST_LIMIT } from "../../core/job/flow-control.ts";
import { internalsOf } from "../../core/queue/internals.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { invalidRequest, notFound } from "../../core/shared/errors.ts";
import { pagesOf } from "../../core/shared/pages.ts";
import { wholeNumber } from "../../core/shared/validate.ts";
import { type QStashCall, readJsonBody } from "../api/call.ts";
import { json } from "../api/responses.ts";
import { queueKeyOf, queueLimits, setLimits } from "../messages/flow-control.ts";

/** The stored part of a queue. Its flow control key holds the rest: its messages, and whether it is paused. */
interface QueueRecord {
  readonly parallelism: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

const KIND = "qstash/queue";
const LARGEST_REQUEST = 64 * 1024;
/** How many queue names an isolate remembers. */
const MOST_KNOWN = 1_000;

/** `POST /v2/queues`: creates or changes a queue. */
export async function upsertQueue({ request, host }: QStashCall): Promise<Response> {
  const { queueName, parallelism, paused } = Object(await readJsonBody(request, LARGEST_REQUEST));
  if (typeof queueName !== "string") throw invalidRequest("queueName must be a text.");
  const key = queueKeyOf(queueName);
  if (parallelism !== undefined) wholeNumber(parallelism, "parallelism", 1, HIGHEST_LIMIT);
  if (paused !== undefined && typeof paused !== "boolean") throw invalidRequest("paused must be true or false.");
  const { flowControl } = host.queue;
  const record = await putQueue(host.queue, queueName, parallelism);
  await setLimits(host.queue, key, queueLimits(record.parallelism));
  if (paused === true) await flowControl.pause(key);
  if (paused === false) await flowControl.resume(key);
  host.drainSoon();
  return json({});
}

/** `GET /v2/queues` */
export async function listQueues({ host }: QStashCall): Promise<Response> {
  const { documents } = internalsOf(host.queue);
  const views = [];
  for await (const { items } of pagesOf((cursor) => documents.list(KIND, { cursor, limit: 1_000 })))
    for (const { name, text } of items) views.push(await viewOf(host.queue, name, text));
  return json(views);
}

/** `GET /v2/queues/{name}` */
export async function getQueue({ host, parameters }: QStashCall): Promise<Response> {
  const { name, text } = await findQueue(host.queue, parameters["name"] ?? "");
  return json(await viewOf(host.queue, name, text));
}

/** `DELETE /v2/queues/{name}`: its waiting messages are still delivered, one at a time. */
export async function removeQueue({ host, parameters, settings }: QStashCall): Promise<Response> {
  const { name } = await findQueue(host.queue, parameters["name"] ?? "");
  const key = queueKeyOf(name);
  await setLimits(host.queue, key, queueLimits(1));
  await internalsOf(host.queue).changeFlow(key, { to: "unset" });
  await host.queue.flowControl.resume(key);
  await internalsOf(host.queue).documents.change([{ kind: KIND, name, text: undefined }]);
  settings.knownQueues.delete(name);
  host.drainSoon();
  return json({});
}

/** `POST /v2/queues/{name}/pause` */
export async function pauseQueue(call: QStashCall): Promise<Response> {
  const { host, parameters } = call;
  const name = parameters["name"] ?? "";
  const key = queueKeyOf(name);
  await noteQueue(call, name);
  await host.queue.flowControl.pause(key);
  return json({});
}

/** `POST /v2/queues/{name}/resume` */
export async function resumeQueue({ host, parameters }: QStashCall): Promise<Response> {
  await host.queue.flowControl.resume(queueKeyOf(parameters["name"] ?? ""));
  host.drainSoon();
  return json({});
}

/** Creates a queue that a message is enqueued to, unless it exists. It delivers one message at a time. */
export async function noteQueue(
  { host, settings }: Pick<QStashCall, "host" | "settings">,
  name: string,
): Promise<void> {
  const { knownQueues } = settings;
  if (knownQueues.has(name)) return;
  if (!(await internalsOf(host.queue).documents.get(KIND, name))) await putQueue(host.queue, name, undefined);
  if (knownQueues.size >= MOST_KNOWN) knownQueues.clear();
  knownQueues.add(name);
}

async function putQueue(queue: Queue, name: string, parallelism: number | undefined): Promise<QueueRecord> {
  const now = queue.clock();
  const text = await internalsOf(queue).documents.update(KIND, name, (stored) => {
    const before = stored === undefined ? { parallelism: 1, createdAt: now } : readQueue(stored);
    return JSON.stringify({ ...before, parallelism: parallelism ?? before.parallelism, updatedAt: now });
  });
  return readQueue(text ?? "");
}

async function findQueue(queue: Queue, name: string) {
  queueKeyOf(name);
  const found = await internalsOf(queue).documents.get(KIND, name);
  if (!found) throw notFound("No queue has this name.");
  return found;
}

function readQueue(text: string): QueueRecord {
  return JSON.parse(text) as QueueRecord;
}

async function viewOf(queue: Queue, name: string, text: string) {
  const { parallelism, createdAt, updatedAt } = readQueue(text);
  const state = await queue.flowControl.get(queueKeyOf(name));
  const lag = (state?.waiting ?? 0) + (state?.running ?? 0);
  return { name, parallelism, createdAt, updatedAt, lag, paused: state?.paused ?? false };
}
