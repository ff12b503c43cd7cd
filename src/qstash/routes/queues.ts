import { changeFlow } from "../../core/flow/flow-keys.ts";
import { HIGHEST_LIMIT } from "../../core/job/flow-control.ts";
import { internalsOf } from "../../core/queue/internals.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { invalidRequest, notFound } from "../../core/shared/errors.ts";
import { checkFlag, wholeNumber } from "../../core/shared/validate.ts";
import { type QStashCall, readJsonBody, route } from "../api/call.ts";
import { queueKeyOf, queueLimits, setLimits } from "../messages/flow-control.ts";

/** The stored part of a queue. Its flow control key holds the rest: its messages, and whether it is paused. */
interface QueueRecord {
  readonly parallelism: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

const KIND = "qstash/queue";
const LARGEST_REQUEST = 64 * 1024;
const MOST_KNOWN = 1_000;

export const queueRoutes = [
  route("POST queues", upsert),
  route("GET queues", async ({ queue, documents }) => {
    const views = [];
    for (const { name, value } of await documents.all<QueueRecord>(KIND)) views.push(await viewOf(queue, name, value));
    return views;
  }),
  route("GET queues/:name", async (call) => viewOf(call.queue, call.target, await find(call))),
  route("DELETE queues/:name", remove),
  route("POST queues/:name/pause", async (call) => {
    const key = queueKeyOf(call.target);
    await noteQueue(call, call.target);
    await call.queue.flowControl.pause(key);
  }),
  route("POST queues/:name/resume", async ({ queue, target, drainSoon }) => {
    await queue.flowControl.resume(queueKeyOf(target));
    drainSoon();
  }),
];

async function upsert(call: QStashCall): Promise<void> {
  const { request, queue, drainSoon } = call;
  const { queueName, parallelism, paused } = Object(await readJsonBody(request, LARGEST_REQUEST));
  if (typeof queueName !== "string") throw invalidRequest("queueName must be a string.");
  const key = queueKeyOf(queueName);
  if (parallelism !== undefined) wholeNumber(parallelism, "parallelism", 1, HIGHEST_LIMIT);
  if (paused !== undefined) checkFlag(paused, "paused");
  await setLimits(queue, key, queueLimits(await putQueue(call, queueName, parallelism)));
  if (paused === true) await queue.flowControl.pause(key);
  if (paused === false) await queue.flowControl.resume(key);
  drainSoon();
}

/** Removes a queue. Its waiting messages are still delivered, one at a time. */
async function remove(call: QStashCall): Promise<void> {
  const { queue, target: name, documents, settings } = call;
  await find(call);
  const key = queueKeyOf(name);
  await setLimits(queue, key, queueLimits(1));
  await changeFlow(internalsOf(queue), key, { to: "unset" });
  await queue.flowControl.resume(key);
  await documents.change([{ kind: KIND, name, value: undefined }]);
  settings.knownQueues.delete(name);
  call.drainSoon();
}

/** Creates a queue that a message is enqueued to, unless it exists. It delivers one message at a time. */
export async function noteQueue(call: QStashCall, name: string): Promise<void> {
  const { knownQueues } = call.settings;
  if (knownQueues.has(name)) return;
  if (!(await call.documents.get(KIND, name))) await putQueue(call, name);
  if (knownQueues.size >= MOST_KNOWN) knownQueues.clear();
  knownQueues.add(name);
}

async function putQueue({ documents, now }: QStashCall, name: string, parallelism?: number): Promise<number> {
  let stored = 1;
  await documents.update<QueueRecord>(KIND, name, (before) => {
    stored = parallelism ?? before?.parallelism ?? 1;
    return { value: { parallelism: stored, createdAt: before?.createdAt ?? now, updatedAt: now } };
  });
  return stored;
}

async function find({ documents, target }: QStashCall): Promise<QueueRecord> {
  queueKeyOf(target);
  const found = await documents.get<QueueRecord>(KIND, target);
  if (!found) throw notFound("No queue has this name.");
  return found.value;
}

async function viewOf(queue: Queue, name: string, record: QueueRecord) {
  const state = await queue.flowControl.get(queueKeyOf(name));
  const lag = (state?.waiting ?? 0) + (state?.running ?? 0);
  return { name, ...record, lag, paused: state?.paused ?? false };
}
