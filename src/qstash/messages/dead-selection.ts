import type { Queue } from "../../core/queue/queue.ts";
import { invalidRequest } from "../../core/shared/errors.ts";
import { DELIVERY } from "./message.ts";
import { readCount, readFilter } from "./message-filter.ts";
import { deliveriesAmong, isDelivery, type MessageView, messageView } from "./message-view.ts";

const MOST_SELECTED = 100;

/** The dead messages that a query selects: by ids, or a page of those that match its filters. */
export async function selectDead(
  queue: Queue,
  query: URLSearchParams,
  matches: (message: MessageView) => boolean = () => true,
) {
  if (query.has("dlqIds")) return { messages: (await withIds(queue, query.getAll("dlqIds"))).filter(matches) };
  const order = query.get("order") ?? "latestFirst";
  if (order !== "latestFirst") throw invalidRequest('order must be "latestFirst".');
  // The SDK still sends the filter api, which QStash ignores.
  const filter = readFilter(query, ["count", "cursor", "order", "api"]);
  const count = readCount(query, MOST_SELECTED);
  const messages: MessageView[] = [];
  let cursor = query.get("cursor") || undefined;
  do {
    // Every job of the page fits, so its cursor is also the cursor after the last message.
    const page = await queue.listDeadLetter({ name: DELIVERY, limit: count - messages.length, cursor });
    const found = page.jobs.filter((job) => isDelivery(job) && filter(messageView(job), job.failedAt.getTime()));
    messages.push(...found.map(messageView).filter(matches));
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined && messages.length < count);
  return { messages, ...(cursor !== undefined && { cursor }) };
}

async function withIds(queue: Queue, ids: readonly string[]): Promise<readonly MessageView[]> {
  if (ids.length > MOST_SELECTED) throw invalidRequest(`dlqIds may be ${MOST_SELECTED} at most.`);
  return (await deliveriesAmong(queue, ids)).filter(({ state }) => state === "dead").map(messageView);
}
