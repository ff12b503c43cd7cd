import { jobStates } from "../../../core/store/store.ts";
import type { JobRow, Json, Snapshot } from "../snapshot.ts";
import { number } from "./format.ts";
import { type Html, html } from "./html.ts";
import { attempts, badge, button, heading, link, when } from "./parts.ts";
import { state } from "./store.ts";

type Row = Json<JobRow>;

export function jobs(snapshot: Json<Snapshot>): Html {
  const { place } = state;
  const { search } = place;
  return html`${heading(place.state === "dead" ? "Dead letter" : "Jobs")}
<form class="row" role="search" data-submit="search" data-key="${search ?? ""}">
<input type="search" name="search" maxlength="256" value="${search}" aria-label="Id or name" placeholder="Id or name">
<button>Search</button></form>
<nav class="row tabs" aria-label="States">${[undefined, ...jobStates].map((each) =>
    link({ view: "jobs", state: each, search }, each ?? "all", each === place.state),
  )}</nav>${snapshot.jobs && list(snapshot.jobs.rows, snapshot.jobs.cursor, snapshot)}`;
}

function list(rows: readonly Row[], cursor: string | null, { mayChange, activity }: Json<Snapshot>): Html {
  const { place } = state;
  const maySelect = mayChange && place.state === "dead";
  const isWhole = rows.every(isSelected);
  const check = (label: string, deed: string, isOn: boolean, id = "") =>
    maySelect &&
    html`<td><input type="checkbox" aria-label="${label}" data-change="${deed}" data-with="${id}" ${isOn && html`checked`}></td>`;
  const line = (row: Row) => html`<tr data-key="${row.id}" class="${maySelect && isSelected(row) && "selected"}">
${check(`Select ${row.id}`, "select", isSelected(row), row.id)}
<td class="job">${link({ view: "job", id: row.id }, row.name)} <code class="muted wide">${row.id}</code>
<div class="muted">${row.error ? `${row.error.name}: ${row.error.message}` : row.preview}</div></td>
${!place.state && html`<td>${badge(row.state)}</td>`}
<td class="figure wide">${attempts(row)}</td><td class="figure">${when(row.runAt ?? row.completedAt ?? row.failedAt ?? row.enqueuedAt)}</td></tr>`;
  if (rows.length === 0) return html`<p class="card">${nothing(cursor !== null)}</p>${pages(cursor)}`;
  return html`${maySelect && selection(isWhole && !!(cursor ?? place.cursor), activity.stats.deadLetterCount)}
<div class="card"><table><thead><tr>${check("Select all on this page", "select-page", isWhole)}<th>Job</th>
${!place.state && html`<th>State</th>`}<th class="figure wide">Attempts</th><th class="figure">When</th></tr></thead>
<tbody>${rows.map(line)}</tbody></table></div>${pages(cursor)}`;
}

const isSelected = ({ id }: Row): boolean => state.isAllSelected || state.selected.has(id);

/** What can be done with the selected. It is there without them too, so that nothing moves once there are some. */
function selection(isMore: boolean, all: number): Html {
  const { selected, isAllSelected, place } = state;
  const every = place.search ? `all named ${place.search}` : `all ${number(all)}`;
  return html`<div class="row"><span role="status">${selected.size === 0 ? "Select jobs to retry or remove." : `${isAllSelected ? every : number(selected.size)} selected.`}</span>
${isMore && !isAllSelected && button(`Select ${every}`, "select-all", "", "link")}
<span class="row end">${selected.size > 0 && html`${button("Retry...", "retry")}${button("Remove...", "remove", "", "dead")}`}</span></div>`;
}

const pages = (cursor: string | null): Html =>
  html`<nav class="row" aria-label="Pages">${state.place.cursor && link({ ...state.place, cursor: undefined }, "First page")}
${cursor && link({ ...state.place, cursor }, "Next page")}</nav>`;

function nothing(isMore: boolean): string {
  const { search, state: kind = "" } = state.place;
  if (isMore) return "No matches on this page.";
  if (search) return `No ${kind} job has the id or name "${search}". Completed jobs are kept for a limited time.`;
  if (kind === "dead") return "No dead jobs. Jobs that use up their retries appear here.";
  return `No ${kind} jobs right now.`;
}
