import { type FlowControlKey, heldBackTexts, holdReason, limitsText } from "../../../../core/flow/flow-key.ts";
import { isReservedKey } from "../../../../core/job/reserved.ts";
import { shortId } from "../../../../core/shared/id.ts";
import type { Placed } from "../../contents.ts";
import type { Json, Snapshot } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import { state } from "../state/state.ts";
import { changedBy, pausedText } from "./attention.ts";
import { number, plural } from "./format.ts";
import { badge, button, empty, heading, inQueue, keyOf, link, queueTag, searchForm, when } from "./parts.ts";

type Row = Json<FlowControlKey & Placed>;

export function flow(snapshot: Json<Snapshot>): Html {
  const { keys, mayChange } = snapshot;
  const { search } = state.route;
  return html`${heading("Flow control", mayChange && !state.route.scope && button("Set limits...", "limits", "", "primary"))}${searchForm("Key")}${keys?.length === 0 && nothing(search)}
${keys?.[0] && table(keys, snapshot)}`;
}

const nothing = (search: string | undefined): Html =>
  search
    ? empty(
        "No such key",
        html`Nothing waits or runs under the key "${search}", and it is neither paused nor pinned. ${link({ view: "jobs", search }, "Search jobs for it")}`,
      )
    : empty(
        "No keys are in use",
        html`Give a job one in code, as in <code>flowControl: { key: "mail", rate: 100, period: "1m" }</code>.`,
      );

const table = (keys: readonly Row[], snapshot: Json<Snapshot>): Html =>
  html`<div class="card table"><table><thead><tr><th>Key, most jobs first</th><th class="figure">Running</th><th class="figure">Waiting</th></tr></thead>
<tbody>${keys.map((row) => line(row, snapshot))}</tbody></table></div>`;

export const limitsOf = (row: Row): string => {
  const limits = limitsText(row);
  return limits === "none" ? "No limits" : `Limits: ${limits}`;
};

const MOST_NAMED = 3;

function holders({ key, running, concurrency, queue }: Row, { jobs }: Json<Snapshot>): Html | false {
  if (running === 0) return false;
  const held = jobs?.rows.filter((job) => job.flowKey === key && (!queue || job.queue === queue)) ?? [];
  const links = held
    .slice(0, MOST_NAMED)
    .map(
      ({ id, name, startedAt }, index) =>
        html`${index > 0 && ", "}${link({ ...inQueue(queue), view: "job", id }, `${name} ${shortId(id)}`)}${startedAt && html` (started ${when(startedAt)})`}`,
    );
  const all = link({ ...inQueue(queue), view: "jobs", state: "running", search: key, by: "key" }, `all ${running}`);
  return html`<p>${concurrency && links[0] ? "Slots held by" : "Running:"} ${links} ${links.length < running && all}</p>`;
}

/** Why the jobs of a key wait. Some of them may not be due. */
function waits(row: Row, { activity }: Json<Snapshot>): string {
  const reason = holdReason(row);
  if (reason) return `Held back: ${heldBackTexts[reason]}`;
  return `Not held back: they start when due, in turn with ${plural(activity.stats.readyCount, "ready job")}`;
}

function line(row: Row, snapshot: Json<Snapshot>): Html {
  const { mayChange } = snapshot;
  const { key, running, waiting, paused, pinned, windowEndsAt, startedInWindow, rate, queue } = row;
  const pause = paused ? "Resume" : "Pause";
  const actions =
    mayChange &&
    html`<div class="row actions">${button(paused ? pause : `${pause}...`, paused ? "resumeFlowControlKey" : "pause-key", key, "", `${pause} ${key}`)}${!isReservedKey(key) && button("Limits...", "limits", key, "", `Change the limits of ${key}`)}
${pinned && !isReservedKey(key) && button("Unpin...", "unpin", key, "", `Unpin ${key}`)}</div>`;
  return html`<tr data-key="${keyOf(queue, key)}" data-queue="${queue}"><td class="job">${queueTag(queue)}${link({ ...inQueue(queue), view: "jobs", state: "ready", search: key, by: "key" }, key)} ${paused && html`${badge("retried", "paused")}${pausedText(row.pausedBy, row.pausedAt, row.pausedReason)} `}${pinned && badge("scheduled", "pinned")}
<div class="muted">${limitsOf(row)}${windowEndsAt && html`; ${number(startedInWindow)} of ${number(rate ?? 0)} started, window closes ${when(windowEndsAt)}`}</div>${waiting > 0 && !paused && html`<div>${waits(row, snapshot)}</div>`}${holders(row, snapshot)}${changedBy(/^(un)?set/, row, snapshot)}${actions}</td>
<td class="figure ${running === 0 && "muted"}">${number(running)}</td><td class="figure ${waiting === 0 && "muted"}">${number(waiting)}</td></tr>`;
}
