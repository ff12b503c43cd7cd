import type { DocumentEdit, Documents } from "../shared/documents.ts";
import type { Message } from "./message.ts";
import { type MessageTags, tagsOf } from "./message-view.ts";

export type EventState = "CREATED" | "ERROR" | "DELIVERED" | "FAILED" | "CANCELED";

/** A state of a message, without its body and headers. Its times are ms since 1970. */
export interface MessageEvent extends MessageTags {
  readonly time: number;
  readonly state: EventState;
  readonly messageId: string;
  readonly url: string;
  readonly error?: string;
  readonly responseStatus?: number;
  readonly nextDeliveryTime?: number;
}

/** The kind of the documents of events. Their names sort by time. */
const EVENTS = "qstash/event";

const READ_AT_ONCE = 1_000;
/** With filters, a page may be short although more follow. */
const MOST_READS = 10;

/** Reads a page, newest first: up to `count` matching events of ten thousand. A thousand cost three commands. */
export async function readEvents(
  documents: Documents,
  matches: (event: MessageEvent) => boolean,
  count: number,
  cursor: string | undefined,
) {
  const options = { count, cursor, limit: READ_AT_ONCE, mostReads: MOST_READS };
  const { values: events, ...page } = await documents.findLast(EVENTS, matches, options);
  return { events, ...page };
}

/** The order of states within a millisecond. */
const order: Readonly<Record<EventState, number>> = { CREATED: 0, ERROR: 1, DELIVERED: 2, FAILED: 2, CANCELED: 2 };

/** Keeps states of messages for a while. Ignores a failure, since no message depends on the log. */
export async function keepEvents(
  documents: Documents,
  events: readonly MessageEvent[],
  ttl: number | undefined,
): Promise<void> {
  if (ttl === undefined || events.length === 0) return;
  const edits = events.map((value): DocumentEdit => {
    const name = `${String(value.time).padStart(15, "0")}-${order[value.state]}-${crypto.randomUUID()}`;
    return { kind: EVENTS, name, value, ttl };
  });
  await documents.change(edits).catch(() => {});
}

export function eventOf(
  state: EventState,
  messageId: string,
  time: number,
  message: Message,
  more: Partial<MessageEvent> = {},
): MessageEvent {
  return { time, state, messageId, url: message.url, ...tagsOf(message), ...more };
}
