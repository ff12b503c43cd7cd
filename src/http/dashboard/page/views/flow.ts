import type { FlowControlKey } from "../../../../core/flow/flow-keys.ts";
import { limitsText } from "../../../../core/flow/texts.ts";
import type { Json, Snapshot } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import { state } from "../state/state.ts";
import { number } from "./format.ts";
import { badge, button, empty, heading, searchForm, when } from "./parts.ts";

type Row = Json<FlowControlKey>;

export function flow({ keys, mayChange }: Json<Snapshot>): Html {
  const { search } = state.route;
  return html`${heading("Flow control")}${searchForm("Key")}${keys?.length === 0 && nothing(search)}
${keys?.[0] && table(keys, mayChange)}`;
}

const nothing = (search: string | undefined): Html =>
  search
    ? empty("No such key", `Nothing waits or runs under the key "${search}", and it is neither paused nor pinned.`)
    : empty(
        "No keys are in use",
        html`Jobs get one in code, as in <code>flowControl: { key: "mail", rate: 100, period: "1m" }</code>.`,
      );

const table = (keys: readonly Row[], mayChange: boolean): Html =>
  html`<div class="card table"><table><thead><tr><th>Key, the busiest first</th><th class="figure">Jobs</th>
${mayChange && html`<td></td>`}</tr></thead><tbody>${keys.map((row) => line(row, mayChange))}</tbody></table></div>`;

function line(row: Row, mayChange: boolean): Html {
  const { key, running, waiting, paused, pinned, windowEndsAt, startedInWindow } = row;
  const action = paused ? "Resume" : "Pause";
  const path = `flow-control/${encodeURIComponent(key)}/${action.toLowerCase()}`;
  return html`<tr data-key="${key}"><td class="job">${key} ${paused && badge("retried", "paused")}${pinned && badge("scheduled", "pinned")}
<div class="muted">Limits: ${limitsText(row)}${windowEndsAt && html`; ${number(startedInWindow)} started, window closes ${when(windowEndsAt)}`}</div></td>
<td class="figure">${number(running)} running<br/>${number(waiting)} waiting</td>
${mayChange && html`<td class="figure">${button(action, "post", path, "", `${action} ${key}`)}</td>`}</tr>`;
}
