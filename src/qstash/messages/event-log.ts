import type { DocumentEdit, Documents } from "../../core/manage/documents.ts";
import type { MessageEvent as ShownEvent } from "../../http/qstash-port.ts";
import type { Message } from "./message.ts";
import { type MessageTags, tagsOf } from "./message-tags.ts";

/** What happened to a message. */
export type EventState = ShownEvent["state"];

/** One state of a message: never its body nor its headers. */
export interface MessageEvent extends MessageTags, ShownEvent {}

/** The kind under which events are kept, for lists. Their names sort by time. */
const EVENTS = "qstash/event";

const READ_AT_ONCE = 1_000;

/** A page of the log, newest first. It may be short, or empty, with more to come. */
export interface EventPage {
  readonly events: readonly MessageEvent[];
  /** Where the next page begins; undefined on the last one. */
  readonly cursor?: string;
}

/**
 * Reads up to `count` events that are meant, among the next `pages` thousands. Each costs three commands.
 *
 * @param cursor that of the page before.
 */
export async function readEvents(
  documents: Documents,
  isMeant: (event: MessageEvent) => boolean,
  count: number,
  pages: number,
  cursor: string | undefined,
): Promise<EventPage> {
  const events: MessageEvent[] = [];
  let next = cursor;
  for (let read = 0; read < pages; read++) {
    const page = await documents.list(EVENTS, { cursor: next, limit: READ_AT_ONCE, isReversed: true });
    for (const { name, text } of page.items) {
      const event = JSON.parse(text) as MessageEvent;
      if (isMeant(event)) events.push(event);
      if (events.length === count) return { events, cursor: name };
    }
    next = page.cursor;
    if (next === undefined) break;
  }
  return { events, ...(next !== undefined && { cursor: next }) };
}

/** The order of states in one millisecond. */
const places: Readonly<Record<EventState, number>> = { CREATED: 0, ERROR: 1, DELIVERED: 2, FAILED: 2, CANCELED: 2 };

/** Keeps the states of messages for a while. */
export class EventLog {
  readonly #retentionMs: number;

  constructor(retentionMs: number) {
    this.#retentionMs = retentionMs;
  }

  /** Keeps events. One that cannot be kept is left out: no message waits for the log. */
  async note(documents: Documents, events: readonly MessageEvent[]): Promise<void> {
    const edits = events.map((event): DocumentEdit => {
      const name = `${String(event.time).padStart(15, "0")}-${places[event.state]}-${crypto.randomUUID()}`;
      return { kind: EVENTS, name, text: JSON.stringify(event), ttl: this.#retentionMs };
    });
    if (edits.length > 0) await documents.change(edits).catch(() => {});
  }
}

/** An event of a message, as its job stores it. */
export function eventOf(
  state: EventState,
  messageId: string,
  time: number,
  message: Message,
  more: Partial<MessageEvent> = {},
): MessageEvent {
  return { time, state, messageId, url: message.url, ...tagsOf(message), ...more };
}
