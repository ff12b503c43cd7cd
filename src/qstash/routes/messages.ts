import type { JobInfo } from "../../core/manage/job-info.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { isTidegateError, notFound } from "../../core/shared/errors.ts";
import { pagesOf } from "../../core/shared/pages.ts";
import { type QStashCall, route } from "../api/call.ts";
import { eventOf, keepEvents, type MessageEvent, readEvents } from "../messages/event-log.ts";
import { DELIVERY, type Message } from "../messages/message.ts";
import { readCount, readFilter } from "../messages/message-filter.ts";
import { deliveriesAmong, isDelivery, messageView } from "../messages/message-view.ts";

export const messageRoutes = [
  route("GET messages/:id", async (call) => messageView(await findPending(call))),
  route("DELETE messages/:id", async (call) => ({ cancelled: await cancel(call, (await findPending(call)).id) })),
  route("DELETE messages", cancelMessages, { isBulk: true }),
  route("GET events", listEvents),
  route("GET logs", listEvents),
];

async function cancelMessages(call: QStashCall) {
  const { queue, query } = call;
  const hasIds = query.has("messageIds");
  const ids = hasIds
    ? (await pendingAmong(queue, query.getAll("messageIds"))).map(({ id }) => id)
    : await filtered(queue, query);
  const most = hasIds ? ids.length : mostCancelled(query);
  let cancelled = 0;
  for (const id of ids) {
    if (cancelled >= most) break;
    cancelled += await cancel(call, id);
  }
  return { cancelled };
}

async function findPending({ queue, target }: QStashCall): Promise<JobInfo> {
  const [job] = await pendingAmong(queue, [target]);
  if (!job) throw notFound("No message has this id. A message is known until it is delivered.");
  return job;
}

async function pendingAmong(queue: Queue, ids: readonly string[]): Promise<readonly JobInfo[]> {
  const messages = await deliveriesAmong(queue, ids);
  return messages.filter(({ state }) => state !== "completed" && state !== "dead");
}

/** Cancels a waiting message. @returns 0 if it is being delivered or has ended */
async function cancel({ queue, documents, now, settings }: QStashCall, id: string): Promise<number> {
  try {
    const job = settings.eventsKeptMs && (await queue.getJob(id));
    await queue.cancel(id);
    const events = job ? [eventOf("CANCELED", id, now, job.payload as Message)] : [];
    await keepEvents(documents, events, settings.eventsKeptMs);
    return 1;
  } catch (error) {
    if (isTidegateError(error) && (error.code === "conflict" || error.code === "not_found")) return 0;
    throw error;
  }
}

/** The `count` that the SDK sends if its caller gives none. It means all. */
const COUNT_FOR_ALL = 100;

function mostCancelled(query: URLSearchParams): number {
  const count = readCount(query, COUNT_FOR_ALL, Number.POSITIVE_INFINITY);
  return count === COUNT_FOR_ALL ? Number.POSITIVE_INFINITY : count;
}

const LISTED_AT_ONCE = 1_000;

async function filtered(queue: Queue, query: URLSearchParams): Promise<readonly string[]> {
  const filter = readFilter(query, ["count", "cursor"]);
  const ids: string[] = [];
  for (const state of ["scheduled", "ready"] as const) {
    const read = (cursor?: string) => queue.listJobs({ state, name: DELIVERY, limit: LISTED_AT_ONCE, cursor });
    for await (const { jobs } of pagesOf(read)) {
      const views = jobs.filter(isDelivery).map(messageView);
      ids.push(...views.filter((view) => filter(view, view.createdAt)).map(({ messageId }) => messageId));
    }
  }
  return [...new Set(ids)];
}

const DEFAULT_COUNT = 100;
const MOST_EVENTS = 1_000;

async function listEvents({ documents, settings, query }: QStashCall) {
  if (!settings.eventsKeptMs) throw notFound("Events are not kept. Set events in createQStash.");
  const matches = readEventFilter(query);
  const count = readCount(query, DEFAULT_COUNT, MOST_EVENTS);
  return readEvents(documents, matches, count, query.get("cursor") || undefined);
}

function readEventFilter(query: URLSearchParams): (event: MessageEvent) => boolean {
  const filter = readFilter(query, ["count", "cursor", "order", "state", "messageIds", "api"]);
  const ids = query.getAll("messageIds");
  const states = query.getAll("state");
  return (event) =>
    filter({ ...event, createdAt: event.time }, event.time) &&
    (ids.length === 0 || ids.includes(event.messageId)) &&
    (states.length === 0 || states.includes(event.state));
}
