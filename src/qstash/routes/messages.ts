import type { JobInfo } from "../../core/manage/job-info.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { isTidegateError, notFound } from "../../core/shared/errors.ts";
import { pagesOf } from "../../core/shared/pages.ts";
import { type QStashCall, unknownMessage } from "../api/call.ts";
import { eventOf, type MessageEvent, readEvents } from "../messages/event-log.ts";
import { DELIVERY, type Message } from "../messages/message.ts";
import { readCount, readFilter } from "../messages/message-filter.ts";
import { isDelivery, messageView } from "../messages/message-view.ts";
import { route } from "./route.ts";

export const messageRoutes = [
  route("GET messages/:id", async (call) => messageView(await findPending(call))),
  route("DELETE messages/:id", async (call) => ({ cancelled: await cancel(call, (await findPending(call)).id) })),
  route("DELETE messages", cancelMessages, { isBulk: true }),
  route("GET events", listEvents),
  route("GET logs", listEvents),
];

/** Cancels messages with the given ids, or up to `count` that match the filters. */
async function cancelMessages(call: QStashCall) {
  const { queue, query } = call;
  const { ids, most } = query.has("messageIds")
    ? { ids: await deliveriesAmong(queue, query.getAll("messageIds")), most: Number.POSITIVE_INFINITY }
    : { ids: await filtered(queue, query), most: mostCancelled(query) };
  let cancelled = 0;
  for (const id of ids) {
    if (cancelled >= most) break;
    cancelled += await cancel(call, id);
  }
  return { cancelled };
}

async function findPending({ queue, target }: QStashCall): Promise<JobInfo> {
  const job = await queue.getJob(target);
  if (!job || !isPending(job)) throw unknownMessage();
  return job;
}

function isPending(job: JobInfo): boolean {
  return isDelivery(job) && job.state !== "completed" && job.state !== "dead";
}

/** Cancels a waiting message. @returns 0 if it is being delivered or has ended */
async function cancel({ queue, documents, now, settings: { events } }: QStashCall, id: string): Promise<number> {
  try {
    const job = events && (await queue.getJob(id));
    await queue.cancel(id);
    if (job) await events.note(documents, [eventOf("CANCELED", id, now, job.payload as Message)]);
    return 1;
  } catch (error) {
    if (isTidegateError(error) && (error.code === "conflict" || error.code === "not_found")) return 0;
    throw error;
  }
}

async function deliveriesAmong(queue: Queue, ids: readonly string[]): Promise<readonly string[]> {
  const jobs = await Promise.all([...new Set(ids)].map((id) => queue.getJob(id)));
  return jobs.flatMap((job) => (job && isPending(job) ? job.id : []));
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

/** Lists events, newest first. */
async function listEvents({ documents, settings, query }: QStashCall) {
  if (!settings.events) throw notFound("Events are not kept. Set events in createQStash.");
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
