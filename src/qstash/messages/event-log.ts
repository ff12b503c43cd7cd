import type { DocumentEdit, Documents } from "../../core/manage/documents.ts";
import type { Message } from "./message.ts";
import { type MessageTags, tagsOf } from "./message-tags.ts";

/** What happened to a message. */
export type EventState = "CREATED" | "ERROR" | "DELIVERED" | "FAILED" | "CANCELED";

/** One state of a message: never its body nor its headers. */
export interface MessageEvent extends MessageTags {
  /** ms since 1970 */
  readonly time: number;
  readonly state: EventState;
  readonly messageId: string;
  readonly url: string;
  readonly error?: string;
  readonly responseStatus?: number;
  /** When it is tried again, in ms since 1970. */
  readonly nextDeliveryTime?: number;
}

/** The kind under which events are kept, for lists. Their names sort by time. */
export const EVENTS = "qstash/event";

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
