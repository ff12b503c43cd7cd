import { jobStates } from "../../../../core/store/store.ts";
import type { JobRow, Json, Snapshot } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import { state } from "../state/state.ts";
import { number } from "./format.ts";
import { attempts, badge, button, heading, link, searchForm, when } from "./parts.ts";

type Row = Json<JobRow>;

export function jobs(snapshot: Json<Snapshot>): Html {
  const { route } = state;
  const { search } = route;
  return html`${heading(route.state === "dead" ? "Dead letter" : "Jobs")}
${searchForm("Id or name")}
<nav class="row tabs" aria-label="States">${[undefined, ...jobStates].map((each) =>
    link({ view: "jobs", state: each, search }, each ?? "all", each === route.state),
  )}</nav>${snapshot.jobs && list(snapshot.jobs.rows, snapshot.jobs.cursor, snapshot)}`;
}

function list(rows: readonly Row[], cursor: string | null, { mayChange, activity }: Json<Snapshot>): Html {
  const { route } = state;
  const maySelect = mayChange && route.state === "dead";
  const isWhole = rows.every(isSelected);
  const check = (label: string, action: string, isOn: boolean, id = "") =>
    maySelect &&
    html`<td><input type="checkbox" aria-label="${label}" data-change="${action}" data-with="${id}" ${isOn && html`checked`}></td>`;
  const line = (row: Row) => html`<tr data-key="${row.id}" class="${maySelect && isSelected(row) && "selected"}">
${check(`Select ${row.id}`, "select", isSelected(row), row.id)}
<td class="job">${link({ view: "job", id: row.id }, row.name)} <code class="muted wide">${row.id}</code>
<div class="muted">${row.error ? `${row.error.name}: ${row.error.message}` : row.preview}</div></td>
${!route.state && html`<td>${badge(row.state)}</td>`}
<td class="figure wide">${attempts(row)}</td><td class="figure">${when(row.runAt ?? row.completedAt ?? row.failedAt ?? row.enqueuedAt)}</td></tr>`;
  if (rows.length === 0) return html`<p class="card">${nothing(cursor !== null)}</p>${pages(cursor)}`;
  return html`${maySelect && selection(isWhole && !!(cursor ?? route.cursor), activity.stats.deadLetterCount)}
<div class="card"><table><thead><tr>${check("Select all on this page", "select-page", isWhole)}<th>Job</th>
${!route.state && html`<th>State</th>`}<th class="figure wide">Attempts</th><th class="figure">When</th></tr></thead>
<tbody>${rows.map(line)}</tbody></table></div>${pages(cursor)}`;
}

const isSelected = ({ id }: Row): boolean => state.isAllSelected || state.selected.has(id);

/** The actions for selected jobs. The row is always there, so that nothing moves when you select one. */
function selection(isMore: boolean, all: number): Html {
  const { selected, isAllSelected, route } = state;
  const every = route.search ? `all named ${route.search}` : `all ${number(all)}`;
  return html`<div class="row"><span role="status">${selected.size === 0 ? "Select jobs to retry or remove." : `${isAllSelected ? every : number(selected.size)} selected.`}</span>
${isMore && !isAllSelected && button(`Select ${every}`, "select-all", "", "link")}
<span class="row end">${selected.size > 0 && html`${button("Retry...", "retry")}${button("Remove...", "remove", "", "dead")}`}</span></div>`;
}

const pages = (cursor: string | null): Html =>
  html`<nav class="row" aria-label="Pages">${state.route.cursor && link({ ...state.route, cursor: undefined }, "First page")}
${cursor && link({ ...state.route, cursor }, "Next page")}</nav>`;

function nothing(isMore: boolean): string {
  const { search, state: kind = "" } = state.route;
  if (isMore) return "No matches on this page.";
  if (search) return `No ${kind} job has the id or name "${search}". Completed jobs are kept for a limited time.`;
  if (kind === "dead") return "No dead jobs. Jobs that use up their retries appear here.";
  return `No ${kind} jobs right now.`;
}
