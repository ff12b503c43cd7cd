import type { DocumentEdit, Documents } from "../../core/manage/documents.ts";
import type { MessageEvent as ShownEvent } from "../../http/qstash-port.ts";
import type { Message } from "./message.ts";
import { type MessageTags, tagsOf } from "./message-view.ts";

export type EventState = ShownEvent["state"];

/** A state of a message, without its body and headers. */
export interface MessageEvent extends MessageTags, ShownEvent {}

/** The kind of the documents of events. Their names sort by time. */
const EVENTS = "qstash/event";

const READ_AT_ONCE = 1_000;

/** Reads a page, newest first: up to `count` matching events of `pages` thousands, which cost three commands each. */
export async function readEvents(
  documents: Documents,
  matches: (event: MessageEvent) => boolean,
  count: number,
  pages: number,
  cursor: string | undefined,
) {
  const events: MessageEvent[] = [];
  let next = cursor;
  for (let read = 0; read < pages; read++) {
    const page = await documents.list(EVENTS, { cursor: next, limit: READ_AT_ONCE, isReversed: true });
    for (const { name, text } of page.items) {
      const event = JSON.parse(text) as MessageEvent;
      if (matches(event)) events.push(event);
      if (events.length === count) return { events, cursor: name };
    }
    next = page.cursor;
    if (next === undefined) break;
  }
  return { events, ...(next !== undefined && { cursor: next }) };
}

/** The order of states within a millisecond. */
const order: Readonly<Record<EventState, number>> = { CREATED: 0, ERROR: 1, DELIVERED: 2, FAILED: 2, CANCELED: 2 };

export type EventLog = ReturnType<typeof eventLog>;

/** Keeps the states of messages for a while. */
export const eventLog = (retentionMs: number) => ({
  /** Stores events. Ignores a failure, since no message depends on the log. */
  async note(documents: Documents, events: readonly MessageEvent[]): Promise<void> {
    const edits = events.map((event): DocumentEdit => {
      const name = `${String(event.time).padStart(15, "0")}-${order[event.state]}-${crypto.randomUUID()}`;
      return { kind: EVENTS, name, text: JSON.stringify(event), ttl: retentionMs };
    });
    if (edits.length > 0) await documents.change(edits).catch(() => {});
  },
});

export function eventOf(
  state: EventState,
  messageId: string,
  time: number,
  message: Message,
  more: Partial<MessageEvent> = {},
): MessageEvent {
  return { time, state, messageId, url: message.url, ...tagsOf(message), ...more };
}
