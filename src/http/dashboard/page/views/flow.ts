import type { FlowControlKey } from "../../../../core/flow/flow-keys.ts";
import { limitsText } from "../../../../core/flow/texts.ts";
import type { Json, Snapshot } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import { state } from "../state/state.ts";
import { number } from "./format.ts";
import { badge, button, heading, searchForm, when } from "./parts.ts";

type Row = Json<FlowControlKey>;

export function flow({ keys, mayChange }: Json<Snapshot>): Html {
  const { search } = state.route;
  return html`${heading("Flow control")}${searchForm("Key")}${keys?.length === 0 && empty(search)}
${keys?.[0] && table(keys, mayChange)}`;
}

const empty = (search: string | undefined): Html =>
  html`<p class="card">${search ? `Nothing waits or runs under the key "${search}", and it is neither paused nor pinned.` : "No keys are in use. Jobs get one in code, as in"}
${!search && html`<code>flowControl: { key: "mail", rate: 100, period: "1m" }</code>.`}</p>`;

const table = (keys: readonly Row[], mayChange: boolean): Html =>
  html`<div class="card"><table><thead><tr><th>Key, the busiest first</th><th class="figure">Jobs</th>
${mayChange && html`<td></td>`}</tr></thead><tbody>${keys.map((row) => line(row, mayChange))}</tbody></table></div>`;

function line(row: Row, mayChange: boolean): Html {
  const { key, running, waiting, paused, pinned, windowEndsAt, startedInWindow } = row;
  const action = paused ? "Resume" : "Pause";
  const path = `flow-control/${encodeURIComponent(key)}/${action.toLowerCase()}`;
  return html`<tr data-key="${key}"><td>${key} ${paused && badge("retried", "paused")}${pinned && badge("scheduled", "pinned")}
<div class="muted">Limits: ${limitsText(row)}${windowEndsAt && html`; ${number(startedInWindow)} started, window closes ${when(windowEndsAt)}`}</div></td>
<td class="figure">${number(running)} running<br>${number(waiting)} waiting</td>
${mayChange && html`<td class="figure">${button(action, "post", path, "", `${action} ${key}`)}</td>`}</tr>`;
}
