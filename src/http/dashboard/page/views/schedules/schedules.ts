import { isReservedName } from "../../../../../core/job/reserved.ts";
import type { Placed } from "../../../contents.ts";
import { isFailing } from "../../../failing-schedule.ts";
import type { ScheduleRow, ScheduleRun } from "../../../read-schedules.ts";
import type { Json, Snapshot } from "../../../snapshot.ts";
import { type Html, html } from "../../dom/html.ts";
import { queueNow } from "../../state/state.ts";
import { moment, plural, span } from "../format.ts";
import { badge, button, empty, heading, hrefTo, inQueue, keyOf, link, queueTag, when } from "../parts.ts";
import { describeCron, describeEvery } from "./describe-cron.ts";

type Row = Json<ScheduleRow & Placed>;
type Run = Json<ScheduleRun>;

const missedTexts = { once: "one job for all", skip: "skipped", all: "one job each" };

/** More rows would keep a browser busy for seconds. */
const MOST_ROWS = 200;

export function schedules({ schedules: all, mayChange }: Json<Snapshot>): Html {
  const failing = all?.filter(({ runs }) => isFailing(runs)) ?? [];
  return html`${heading("Schedules", mayChange && button("Create...", "schedule", "", "primary"))}
${all?.length === 0 && empty("No schedules", html`Create one here, or give a job one in code, as in <code>schedule: { cron: "0 9 * * *", timeZone: "Europe/Paris" }</code>.`)}
${failing[0] && html`<p class="dead banner">${plural(failing.length, "schedule")} failed at ${failing[1] ? "their" : "its"} last occurrence.</p>`}
${
  all?.[0] &&
  html`<div class="card table"><table><thead><tr><th>Schedule</th><th class="wide">Last occurrences</th><th class="figure">Next and last</th>${mayChange && html`<td class="wide"></td>`}</tr></thead>
<tbody>${[...failing, ...all.filter((row) => !failing.includes(row))].slice(0, MOST_ROWS).map((row) => line(row, mayChange))}</tbody></table></div>`
}${all?.[MOST_ROWS] && html`<p class="muted">These are the first ${MOST_ROWS} of ${plural(all.length, "schedule")}. See all with <code>npx tidegate queue:schedules</code>.</p>`}`;
}

function line(row: Row, mayChange: boolean): Html {
  const {
    key,
    name,
    cron,
    every,
    timeZone,
    paused,
    declared,
    nextRunAt,
    lastRunAt,
    occurrences,
    missed,
    overlap,
    queue,
  } = row;
  const actions = mayChange && actionsOn(row);
  return html`<tr data-key="${keyOf(queue, key)}"><td class="job">${queueTag(queue)}<b title="${key}">${key}</b> ${paused && badge("retried", "paused")}${declared && badge("scheduled", "in code")}
<div>${cron ? describeCron(cron) : describeEvery(every ?? "")} <code class="cron">${cron}</code> <small>${cron && timeZone}</small></div>
<div class="muted">Enqueues ${link({ ...inQueue(queue), view: "jobs", search: name, by: "name" }, name)}</div>
<div class="narrow row">${outcomes(row)}</div><details><summary>Next five occurrences</summary><ol>${occurrences.map((at) => html`<li>${moment(at, timeZone)} <small>${when(at)}</small></li>`)}</ol>
<small>Missed occurrences: ${missedTexts[missed]}. Overlapping ones: ${overlap === "skip" ? "skipped" : "allowed"}.</small></details><span class="narrow">${actions}</span></td>
<td class="wide outcomes">${outcomes(row)}</td>
<td class="figure muted">${nextRunAt ? html`${Date.parse(nextRunAt) > queueNow() ? "next" : "due"} ${when(nextRunAt)}` : "next never"}<div>last ${lastRunAt ? when(lastRunAt) : "never"}</div></td>${actions && html`<td class="wide">${actions}</td>`}</tr>`;
}

function actionsOn({ key, name, paused, declared }: Row): Html {
  const action = (text: string) =>
    button(text, "post", `schedules/${encodeURIComponent(key)}/${text.toLowerCase()}`, "", `${text} ${key}`);
  return html`<div class="row actions">${action("Run")}${action(paused ? "Resume" : "Pause")}
${!declared && html`${!isReservedName(name) && button("Change...", "schedule", key, "", `Change ${key}`)}${button("Remove...", "unschedule", key, "dead", `Remove ${key}`)}`}</div>`;
}

/** The outcome of each of the last occurrences, as a mark, and the last one in words. */
function outcomes({ runs, queue }: Row): Html {
  const last = runs.at(-1);
  if (!last) return html`<span class="muted">none stored</span>`;
  return html`<div class="row marks">${runs.map((run) => html`<a class="${kindOf(run)}" href="${hrefTo({ ...inQueue(queue), view: "job", id: run.id })}" title="${`${moment(run.at)}: ${textOf(run)}`}" aria-label="${`${moment(run.at)}: ${textOf(run)}`}"></a>`)}</div>
<div class="${last.error ? "dead error" : "muted"}">${textOf(last)}</div>`;
}

const kindOf = ({ state, error }: Run): string => (error && state !== "dead" ? "retried" : state);

function textOf({ state, error, tookMs }: Run): string {
  const took = tookMs === undefined ? "" : ` after ${span(tookMs)}`;
  return `${state === "scheduled" && error ? "will be retried" : state}${took}${error ? `: ${error}` : ""}`;
}
