import type { UpcomingEvent, UpcomingMinute } from "../../../read-upcoming.ts";
import type { Json, Snapshot } from "../../../snapshot.ts";
import { type Html, html } from "../../dom/html.ts";
import { chart, type Series, sumOf } from "../charts/chart.ts";
import { clock, moment, number } from "../format.ts";
import { badge, empty, heading, inQueue, link, queueTag, when } from "../parts.ts";

type Minute = Json<UpcomingMinute>;
type Event = Json<UpcomingEvent>;

const series: readonly Series<Minute>[] = [
  { name: "scheduled jobs", one: "scheduled job", kind: "scheduled", value: ({ jobs }) => jobs },
  { name: "retries", one: "retry", kind: "retried", value: ({ retries }) => retries },
  { name: "occurrences", one: "occurrence", kind: "ready", value: ({ occurrences }) => occurrences },
];
const kinds = { job: "scheduled", retry: "retried", occurrence: "ready" };

/** What the next hour brings: scheduled jobs, retries and occurrences on one axis, and the next fifty by name. */
export function upcoming({ upcoming: hour }: Json<Snapshot>): Html {
  return html`${heading("Next hour")}${hour && (hour.next[0] ? shown(hour) : empty("Nothing in the next hour", "No job is scheduled for it, and no schedule fires."))}`;
}

const shown = ({ minutes, next, isCut }: NonNullable<Json<Snapshot>["upcoming"]>): Html =>
  html`${chart({
    ...{
      title: "Next hour",
      of: "upcoming",
      points: minutes,
      series,
      kind: "bars",
      unit: "minute",
    },
    time: ({ at }) => clock(at),
    text: number,
    sum: sumOf,
    end: "in an hour",
  })}${isCut && html`<p class="muted">More jobs are scheduled for this hour: only the next ones are counted.</p>`}
<div class="card table"><table><thead><tr><th>Next</th><th class="figure">When</th></tr></thead><tbody>${next.map(line)}</tbody></table></div>`;

function line({ at, kind, name, of, queue }: Event): Html {
  const what =
    kind === "occurrence"
      ? link({ ...inQueue(queue), view: "schedules" }, name)
      : link({ ...inQueue(queue), view: "job", id: of }, name);
  return html`<tr data-key="${`${at} ${of}`}" data-row="${true}" data-click="open"><td class="job">${queueTag(queue)}${what} <code class="muted">${of}</code><div>${badge(kinds[kind], kind)}</div></td><td class="figure muted"><span title="${moment(at)}">${when(at)}</span><div>${clock(at)}</div></td></tr>`;
}
