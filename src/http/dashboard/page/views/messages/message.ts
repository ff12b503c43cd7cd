import type { MessageEvent } from "../../../../qstash-port.ts";
import type { MessageBrief } from "../../../shown-job.ts";
import type { Json, Snapshot } from "../../../snapshot.ts";
import { type Html, html } from "../../dom/html.ts";
import { moment, span } from "../format.ts";
import { badge, facts, link, when } from "../parts.ts";

type Event = Json<MessageEvent>;

const kinds: Readonly<Record<Event["state"], string>> = {
  CREATED: "ready",
  ERROR: "retried",
  DELIVERED: "completed",
  FAILED: "dead",
  CANCELED: "",
};

/** A table of events. @param isOfAll whether each names its message. */
export function eventTable(events: readonly Event[], isOfAll: boolean): Html {
  return html`<div class="card table"><table><thead><tr><th>Event</th><th class="figure">Response</th><th class="figure">Next delivery</th><th class="figure">When</th></tr></thead>
<tbody>${events.map(
    ({ time, state: what, messageId, url, error, responseStatus, nextDeliveryTime }) =>
      html`<tr data-key="${`${time} ${what} ${messageId}`}" data-row="${isOfAll}" data-click="${isOfAll && "open"}"><td class="job">${badge(kinds[what], what.toLowerCase())}${isOfAll && html`${link({ view: "job", id: messageId }, url)}`}
${error && html`<div class="dead error">${error}</div>`}</td>
<td class="figure ${responseStatus === undefined && "muted"}">${responseStatus ?? "-"}</td>
<td class="figure muted">${nextDeliveryTime !== undefined && when(new Date(nextDeliveryTime).toISOString())}</td><td class="figure muted"><span title="${moment(time)}">${when(new Date(time).toISOString())}</span></td></tr>`,
  )}</tbody></table></div>`;
}

export const aboutMessage = (message: MessageBrief, nextAt: string | null): Html =>
  facts([
    ["To", `${message.method} ${message.url}`],
    ["Next delivery", nextAt && when(nextAt)],
    ["Last response", message.status !== undefined && `status ${message.status}`],
    [
      "Flow control key",
      message.flowKey && link({ view: "flow", search: `qstash:key:${message.flowKey}` }, message.flowKey),
    ],
    [
      "Queue",
      message.queueName && link({ view: "flow", search: `qstash:queue:${message.queueName}` }, message.queueName),
    ],
    ["URL group", message.urlGroup],
    ["Labels", message.labels],
    ["Callback", message.callback],
    ["Failure callback", message.failureCallback],
    ["Retry delay", message.retryDelay && html`<code>${message.retryDelay}</code>`],
    ["Timeout", message.timeoutMs !== undefined && span(message.timeoutMs)],
  ]);

export const eventsOf = ({ events }: Json<Snapshot>): Html =>
  html`${events?.events[0] && html`<section data-key="events"><h2>Events</h2>${eventTable(events.events, false)}</section>`}`;

/** A message in one line of a list. */
export const messageNote = ({ status, labels, flowKey, queueName, urlGroup, callback }: MessageBrief): string =>
  [
    status !== undefined && `status ${status}`,
    labels && `label ${labels}`,
    flowKey && `flow key ${flowKey}`,
    queueName && `queue ${queueName}`,
    urlGroup && `URL group ${urlGroup}`,
    callback && `callback ${callback}`,
  ]
    .filter(Boolean)
    .join(", ");
