import type { DeadJob } from "../../core/manage/job-info.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { invalidRequest, notFound } from "../../core/shared/errors.ts";
import { json } from "../answers.ts";
import { DELIVERY } from "../delivery.ts";
import { readFilter } from "../filters.ts";
import { isDelivery, type MessageView, messageView } from "../message-view.ts";
import type { QStashCall } from "../request.ts";

/** `GET /v2/dlq` */
export async function listDead({ host, query }: QStashCall): Promise<Response> {
  const { messages, cursor } = await select(host.queue, query);
  return json({ messages, ...(cursor && { cursor }) });
}

/** `GET /v2/dlq/{id}` */
export async function getDead({ host, parameters }: QStashCall): Promise<Response> {
  return json(await findDead(host.queue, parameters["id"] ?? ""));
}

/** `DELETE /v2/dlq/{id}` */
export async function removeDead({ host, parameters }: QStashCall): Promise<Response> {
  const { messageId } = await findDead(host.queue, parameters["id"] ?? "");
  await host.queue.removeFromDeadLetter(messageId);
  return json({});
}

/** `DELETE /v2/dlq` */
export async function removeManyDead({ host, query }: QStashCall): Promise<Response> {
  const { messages, cursor } = await select(host.queue, query);
  const { removed } = await host.queue.removeFromDeadLetter({ ids: idsOf(messages) });
  return json({ deleted: removed, ...(cursor && { cursor }) });
}

/** `POST /v2/dlq/retry`: each message keeps its id, and has all of its retries again. */
export async function retryManyDead({ host, query, request }: QStashCall): Promise<Response> {
  refuseChanges(request.headers);
  const { messages, cursor } = await select(host.queue, query);
  await host.queue.retryFromDeadLetter({ ids: idsOf(messages) });
  host.drainSoon();
  return json({ responses: messages.map(({ messageId }) => ({ messageId })), ...(cursor && { cursor }) }, 201);
}

/** `POST /v2/dlq/retry/{id}` */
export async function retryDead({ host, parameters, request }: QStashCall): Promise<Response> {
  refuseChanges(request.headers);
  const { messageId } = await findDead(host.queue, parameters["id"] ?? "");
  await host.queue.retryFromDeadLetter(messageId);
  host.drainSoon();
  return json({ messageId }, 201);
}

/** QStash takes the headers of a publish here. */
function refuseChanges(headers: Headers): void {
  const change = [...headers.keys()].find(
    (name) => name.startsWith("upstash-") && !name.startsWith("upstash-telemetry-"),
  );
  if (change !== undefined)
    throw invalidRequest("A retry cannot change the message. Change its payload in the dashboard, or publish it anew.");
}

const idsOf = (messages: readonly MessageView[]) => messages.map(({ messageId }) => messageId);

async function findDead(queue: Queue, id: string): Promise<MessageView> {
  const job = await queue.getJob(id);
  if (job?.state !== "dead" || !isDelivery(job)) throw notFound("No dead message has this id.");
  return messageView(job);
}

interface Selection {
  readonly messages: readonly MessageView[];
  readonly cursor?: string;
}

const MOST_SELECTED = 100;

/** The dead messages that a query means: those with the given ids, or a page of those that the filters let through. */
async function select(queue: Queue, query: URLSearchParams): Promise<Selection> {
  if (query.has("dlqIds")) return { messages: await withIds(queue, query.getAll("dlqIds")) };
  const order = query.get("order") ?? "latestFirst";
  if (order !== "latestFirst") throw invalidRequest('order must be "latestFirst".');
  // The SDK still sends the filter api, which QStash ignores.
  const filter = readFilter(query, ["count", "cursor", "order", "api"]);
  const count = readCount(query.get("count"));
  const messages: MessageView[] = [];
  let cursor = query.get("cursor") || undefined;
  do {
    // With room for every job of the page, the cursor after it is the cursor after the last message.
    const page = await queue.listDeadLetter({ name: DELIVERY, limit: count - messages.length, cursor });
    messages.push(
      ...page.jobs.filter((job) => isDelivery(job) && filter(messageView(job), diedAt(job))).map(messageView),
    );
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined && messages.length < count);
  return { messages, ...(cursor !== undefined && { cursor }) };
}

async function withIds(queue: Queue, ids: readonly string[]): Promise<readonly MessageView[]> {
  if (ids.length > MOST_SELECTED) throw invalidRequest(`dlqIds may be ${MOST_SELECTED} at most.`);
  const jobs = await Promise.all([...new Set(ids)].map((id) => queue.getJob(id)));
  return jobs.flatMap((job) => (job?.state === "dead" && isDelivery(job) ? messageView(job) : []));
}

function diedAt({ failedAt }: DeadJob): number {
  return failedAt.getTime();
}

function readCount(text: string | null): number {
  if (text === null) return MOST_SELECTED;
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0) throw invalidRequest("count must be a whole number above 0.");
  return Math.min(Number(text), MOST_SELECTED);
}
