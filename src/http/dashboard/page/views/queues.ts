import { isGrowing } from "../../../../core/manage/pace.ts";
import type { QueueBrief } from "../../../../core/manage/stats.ts";
import type { JobState } from "../../../../core/store/store.ts";
import type { Json, Snapshot } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import type { Route } from "../state/route.ts";
import { countOf } from "../state/state.ts";
import { attention } from "./attention.ts";
import { spark } from "./charts.ts";
import { number } from "./format.ts";
import { readyText } from "./overview.ts";
import { badge, button, figure, heading, hrefTo, link, opens } from "./parts.ts";

type Brief = Json<QueueBrief>;
/** One queue, or all of them. */
type Place = Pick<Route, "queue" | "scope">;
const everywhere: Place = { queue: undefined, scope: "all" };

export function queues(snapshot: Json<Snapshot>): Html {
  const { briefs, total: all } = snapshot;
  return html`${heading("All queues")}${
    briefs &&
    html`${attention(snapshot)}<div class="card table"><table><thead><tr><th>Queue</th>
<th class="figure">Ready</th><th class="figure wide">Running</th><th class="figure wide">Scheduled</th><th class="figure">Dead</th><th class="figure wide roomy">Last hour</th><td></td></tr></thead>
<tbody>${briefs.map((brief) => line(brief, snapshot))}</tbody>${all && html`<tfoot><tr><th scope="row">Total${narrow(all, everywhere)}</th>${counts(all, everywhere)}<td></td></tr></tfoot>`}</table></div>`
  }`;
}

/** The counts that have no column on a narrow screen. */
function narrow({ stats }: Brief, of: Place): Html {
  const count = (kind: JobState) => {
    const text = `${number(countOf(stats, kind))} ${kind}`;
    return countOf(stats, kind) > 0 ? link({ ...of, view: "jobs", state: kind }, text) : text;
  };
  return html`<p class="narrow muted">${count("running")}, ${count("scheduled")}</p>`;
}

function counts({ stats, ended }: Brief, of: Place): Html {
  const count = (kind: JobState, style = "") =>
    figure(countOf(stats, kind), kind === "dead" ? kind : "", style, undefined, { ...of, view: "jobs", state: kind });
  return html`${count("ready")}${count("running", "wide")}${count("scheduled", "wide")}${count("dead")}<td class="wide roomy">${spark(ended)}</td>`;
}

function line(brief: Brief, snapshot: Json<Snapshot>): Html {
  const { queue, stats } = brief;
  const action = stats.paused ? "Resume" : "Pause";
  const isHolding = !!snapshot.keys?.some((key) => key.queue === queue);
  return html`<tr data-key="${queue}" data-queue="${queue}" data-click="${opens}">
<td class="job"><a href="${hrefTo({ view: "overview", queue })}">${queue}</a> ${stats.paused && badge("retried", "paused")}<p class="${isGrowing(stats) ? "retried error" : "muted"}">${readyText(stats, isHolding)}</p>${narrow(brief, { queue })}</td>
${counts(brief, { queue })}
<td class="figure">${snapshot.mayChange && button(stats.paused ? action : `${action}...`, stats.paused ? "resume" : "pause", queue, "", `${action} ${queue}`)}</td></tr>`;
}
