import { type FlowControlKey, heldBackTexts, holdReason, limitsText } from "../../../../core/flow/flow-key.ts";
import { isReservedKey } from "../../../../core/job/reserved.ts";
import type { Placed } from "../../contents.ts";
import type { Json, Snapshot } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import { state } from "../state/state.ts";
import { capital, number, plural } from "./format.ts";
import { badge, button, empty, heading, inQueue, keyOf, link, opens, queueTag, searchForm, when } from "./parts.ts";

const MOST_HOLDING_SHOWN = 3;

type Row = Json<FlowControlKey & Placed>;

export function flow({ keys, mayChange }: Json<Snapshot>): Html {
  const { search } = state.route;
  return html`${heading("Flow control", mayChange && button("Set limits...", "limits", "", "primary"))}${searchForm("Key")}${keys?.length === 0 && nothing(search)}
${keys?.[0] && table(keys, mayChange)}`;
}

const nothing = (search: string | undefined): Html =>
  search
    ? empty("No such key", `Nothing waits or runs under the key "${search}", and it is neither paused nor pinned.`)
    : empty(
        "No keys are in use",
        html`Give a job one in code, as in <code>flowControl: { key: "mail", rate: 100, period: "1m" }</code>.`,
      );

const table = (keys: readonly Row[], mayChange: boolean): Html =>
  html`<div class="card table"><table><thead><tr><th>Key, the busiest first</th><th class="figure">Running</th><th class="figure">Waiting</th>${mayChange && html`<td class="wide"></td>`}</tr></thead>
<tbody>${keys.map((row) => line(row, mayChange))}</tbody></table></div>`;

/** The keys that hold jobs back, for the overview. Jobs that are not due yet count too: hence "up to". */
export function holding(keys: readonly Row[]): Html {
  const waiting = keys.reduce((sum, key) => sum + key.waiting, 0);
  const shown = keys.slice(0, MOST_HOLDING_SHOWN).map((row) => {
    const { key } = row;
    const reason = holdReason(row);
    return html`<tr data-key="${key}" data-click="${opens}"><td class="job">${link({ view: "jobs", state: "ready", search: key, by: "key" }, key)} <div class="muted">${limitsOf(row)}. ${reason && capital(heldBackTexts[reason])}.</div></td><td class="figure total">${number(row.waiting)}</td></tr>`;
  });
  return html`<section data-key="holding"><div class="row"><h2>Held back by flow control</h2><span class="muted">${plural(keys.length, "key")}, up to ${plural(waiting, "job")}</span><span class="end">${link({ view: "flow" }, "All keys")}</span></div>
<div class="card table"><table><thead><tr><th>Key</th><th class="figure">Waiting</th></tr></thead><tbody>${shown}</tbody></table></div></section>`;
}

export const limitsOf = (row: Row): string => {
  const limits = limitsText(row);
  return limits === "none" ? "No limits" : `Limits: ${limits}`;
};

function line(row: Row, mayChange: boolean): Html {
  const { key, running, waiting, paused, pinned, windowEndsAt, startedInWindow, rate, queue } = row;
  const pause = paused ? "Resume" : "Pause";
  const actions =
    mayChange &&
    html`<div class="row actions">${button(pause, paused ? "resumeFlowControlKey" : "pauseFlowControlKey", key, "", `${pause} ${key}`)}${!isReservedKey(key) && button("Limits...", "limits", key, "", `Change the limits of ${key}`)}
${pinned && !isReservedKey(key) && button("Unpin...", "unpin", key, "", `Unpin ${key}`)}</div>`;
  return html`<tr data-key="${keyOf(queue, key)}"><td class="job">${queueTag(queue)}${link({ ...inQueue(queue), view: "jobs", state: "ready", search: key, by: "key" }, key)} ${paused && badge("retried", "paused")}${pinned && badge("scheduled", "pinned")}
<div class="muted">${limitsOf(row)}${windowEndsAt && html`; ${number(startedInWindow)} of ${number(rate ?? 0)} started, window closes ${when(windowEndsAt)}`}</div>
<span class="narrow">${actions}</span></td>
<td class="figure ${running === 0 && "muted"}">${number(running)}</td><td class="figure ${waiting === 0 && "muted"}">${number(waiting)}</td>${actions && html`<td class="wide">${actions}</td>`}</tr>`;
}
