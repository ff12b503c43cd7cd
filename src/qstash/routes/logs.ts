import { internalsOf } from "../../core/queue/internals.ts";
import { invalidRequest, notFound } from "../../core/shared/errors.ts";
import { json } from "../api/answers.ts";
import type { QStashCall } from "../api/call.ts";
import { type MessageEvent, readEvents } from "../messages/event-log.ts";
import { readFilter } from "../messages/message-filter.ts";

const DEFAULT_COUNT = 100;
const MOST_EVENTS = 1_000;
/** How many pages one request reads: with filters, the answer may be short, with more to come. */
const MOST_PAGES = 10;

/** `GET /v2/events` and `GET /v2/logs`: newest first. */
export async function listEvents({ host, settings, query }: QStashCall): Promise<Response> {
  if (!settings.events) throw notFound("Events are not kept. Set events in createQStash.");
  const isMeant = readEventFilter(query);
  const count = readCount(query.get("count"));
  const { documents } = internalsOf(host.queue);
  return json(await readEvents(documents, isMeant, count, MOST_PAGES, query.get("cursor") || undefined));
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

function readCount(text: string | null): number {
  if (text === null) return DEFAULT_COUNT;
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0) throw invalidRequest("count must be a whole number above 0.");
  return Math.min(Number(text), MOST_EVENTS);
}
