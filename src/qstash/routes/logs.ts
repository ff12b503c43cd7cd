import { notFound } from "../../core/shared/errors.ts";
import type { QStashCall } from "../api/call.ts";
import { type MessageEvent, readEvents } from "../messages/event-log.ts";
import { readCount, readFilter } from "../messages/message-filter.ts";
import { route } from "./route.ts";

const DEFAULT_COUNT = 100;
const MOST_EVENTS = 1_000;

export const logRoutes = [route("GET events", listEvents), route("GET logs", listEvents)];

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
