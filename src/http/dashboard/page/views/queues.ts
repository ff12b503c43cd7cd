import { isGrowing, type QueuePace } from "../../../../core/manage/pace.ts";
import type { QueueBrief } from "../../../../core/manage/stats.ts";
import type { JobState } from "../../../../core/store/store.ts";
import type { Json, Snapshot } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import type { Route } from "../state/route.ts";
import { countOf } from "../state/state.ts";
import { attention } from "./attention.ts";
import { spark } from "./charts.ts";
import { number, span } from "./format.ts";
import { badge, button, figure, heading, hrefTo, opens } from "./parts.ts";

type Brief = Json<QueueBrief>;

export function queues(snapshot: Json<Snapshot>): Html {
  const { briefs, total: all, mayChange } = snapshot;
  return html`${heading("All queues")}${attention(snapshot)}${
    briefs &&
    html`<div class="card table"><table><thead><tr><th>Queue</th>
<th class="figure">Ready</th><th class="figure wide">Running</th><th class="figure wide roomy">Scheduled</th><th class="figure">Dead</th>
<th class="figure wide roomy" title="Without jobs that flow control holds back">Oldest ready</th><th class="figure wide" title="Jobs that fell due, and jobs that left">In / out a minute</th><th class="figure wide roomy">Last hour</th><td></td></tr></thead>
<tbody>${briefs.map((brief) => line(brief, mayChange))}</tbody>${all && html`<tfoot>${total(all)}</tfoot>`}</table></div>`
  }`;
}

function counts(stats: Brief["stats"], of: Pick<Route, "queue" | "scope">): Html {
  const count = (kind: JobState, style = "") =>
    figure(countOf(stats, kind), kind === "dead" ? kind : "", style, undefined, { ...of, view: "jobs", state: kind });
  return html`${count("ready")}${count("running", "wide")}${count("scheduled", "wide roomy")}${count("dead")}`;
}

const total = ({ stats, ended }: Brief): Html =>
  html`<tr><th scope="row">Total</th>${counts(stats, { queue: undefined, scope: "all" })}<td class="wide roomy"></td>${rates(stats.pace)}<td class="wide roomy">${spark(ended)}</td><td></td></tr>`;

function line(brief: Brief, mayChange: boolean): Html {
  const { queue, stats, ended } = brief;
  const age = stats.oldestReadyAgeMs;
  const action = stats.paused ? "Resume" : "Pause";
  return html`<tr data-key="${queue}" data-queue="${queue}" data-click="${opens}">
<td class="job"><a href="${hrefTo({ view: "overview", queue })}">${queue}</a> ${stats.paused && badge("retried", "paused")}</td>
${counts(stats, { queue })}
<td class="figure wide roomy muted">${age !== null ? span(age) : stats.readyCount > 0 && "held back"}</td>${rates(stats.pace)}<td class="wide roomy">${spark(ended)}</td>
<td class="figure">${mayChange && button(stats.paused ? action : `${action}...`, stats.paused ? "resume" : "pause", queue, "", `${action} ${queue}`)}</td></tr>`;
}

const rates = (pace: QueuePace): Html =>
  html`<td class="figure wide ${isGrowing(pace) && "retried error"}">${number(pace.arrivals)} / ${number(pace.departures)}</td>`;
