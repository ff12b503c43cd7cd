import { internalsOf } from "../../core/queue/internals.ts";
import type { MessageRecords } from "../../http/qstash-port.ts";
import { type EventLog, type MessageEvent, readEvents } from "../messages/event-log.ts";
import { allGroups } from "../publish/url-groups.ts";
import { runPage, runView } from "./run-view.ts";

const MOST_SHOWN = 100;

export function messageRecords(events: EventLog | undefined): MessageRecords {
  return {
    async events(queue, { messageId, cursor }) {
      if (!events) return undefined;
      const matches = (event: MessageEvent) => messageId === undefined || event.messageId === messageId;
      return readEvents(internalsOf(queue).documents, matches, MOST_SHOWN, 1, cursor);
    },
    runs: runPage,
    run: runView,
    groups: (queue) => allGroups(internalsOf(queue).documents),
  };
}
