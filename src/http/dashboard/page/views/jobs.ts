import { isShared } from "../../../../core/manage/job-text.ts";
import { shortId } from "../../../../core/shared/id.ts";
import { type JobState, jobStates } from "../../../../core/store/store.ts";
import type { JobRow } from "../../shown-job.ts";
import type { Json, Snapshot } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import type { Route } from "../state/route.ts";
import { isUnfinished, listedCount } from "../state/search.ts";
import { type ActionName, countOf, queueNow, state } from "../state/state.ts";
import { pauseButton, pauseOf, type Stats, since } from "./attention.ts";
import { spark } from "./charts.ts";
import { number, plural, span } from "./format.ts";
import {
  attempts,
  badge,
  button,
  card,
  empty,
  facts,
  heading,
  inQueue,
  isSelected,
  isWaiting,
  keyOf,
  link,
  maySelect,
  opens,
  progressBar,
  queueTag,
  searchForm,
  when,
} from "./parts.ts";
import { type Column, sortable, sortedBy } from "./sort.ts";

type Row = Json<JobRow>;
type Jobs = NonNullable<Json<Snapshot>["jobs"]>;

const searched = [
  ["", "Anywhere"],
  ["name", "Whole name"],
  ["error", "Error"],
  ["payload", "Payload, or field=text"],
  ["key", "Flow control key"],
  ["retried", "Retried since, as in 10m"],
] as const;

export function jobs(snapshot: Json<Snapshot>): Html {
  const { route } = state;
  const { search, by, group } = route;
  if (group) return ofGroup(group, snapshot);
  return html`${heading(by === "retried" ? "Retried jobs" : route.state === "dead" ? "Dead jobs" : "Jobs", snapshot.mayChange && !route.scope && button("Enqueue...", "enqueue", "", "primary"))}
${searchForm(
  "Search jobs",
  html`<select name="by" aria-label="Search in" data-change="${"search-in" satisfies ActionName}">${searched.map(([value, text]) => html`<option value="${value}" selected="${by === value}">${text}</option>`)}</select>`,
)}
<nav class="row tabs" aria-label="States">${[undefined, ...jobStates].map((each) =>
    link(
      { view: "jobs", state: each, search, by },
      html`${each ?? "all"}${each && counted(each, snapshot)}`,
      each === route.state,
    ),
  )}</nav>${snapshot.jobs && html`${by === "retried" && causes(snapshot.jobs.rows)}${ofType(snapshot)}${inOneField(snapshot.jobs.rows)}${list(snapshot.jobs, snapshot)}`}`;
}

/** Of what jobs have died, the most frequent first. */
function causes(rows: readonly Row[]): readonly Html[] {
  const died = new Map<string, number>();
  for (const { state: kind, error } of rows) {
    const cause = `${error?.name}: ${error?.message}`;
    if (kind === "dead") died.set(cause, (died.get(cause) ?? 0) + 1);
  }
  const mostFirst = [...died].sort(([, one], [, other]) => other - one);
  return mostFirst
    .slice(0, 3)
    .map(([cause, count]) => html`<p class="dead error">${number(count)} died of ${cause}</p>`);
}

/** Leads from a search for a job type to its page, and pauses it. */
function ofType(snapshot: Json<Snapshot>): Html | false {
  const { queue, name } = snapshot.jobs?.rows.find((row) => row.name === state.route.search) ?? {};
  return (
    !!name &&
    html`<p class="row muted" data-queue="${queue}">Job type: ${link({ ...inQueue(queue), view: "type", id: name, range: "day" }, name)} ${snapshot.mayChange && pauseButton(name, queue, snapshot)}</p>`
  );
}

/** Leads to searches for the same in one field of payloads: those of the rows that have it as their value. */
function inOneField(rows: readonly Row[]): Html | false {
  const { search, by = "any" } = state.route;
  const fields = rows.flatMap(({ preview }) => [...preview.matchAll(/"([\w-]+)":"?([^",{}[\]]+)/g)]);
  const names = new Set(fields.flatMap(([, name, value]) => (value === search ? [name] : [])));
  if (names.size === 0 || (by !== "any" && by !== "payload")) return false;
  const to = (text: string) => link({ ...state.route, search: text, cursor: undefined }, text);
  return html`<p class="muted">In one field of payloads: ${[...names].map((name) => html`${to(`${name}=${search}`)} `)}</p>`;
}

/** How many jobs of a state there are: of a search, how many it has found so far. */
function counted(of: JobState, { activity, jobs }: Json<Snapshot>): Html | false {
  const { search, state: shown } = state.route;
  if (!search) return html`<span class="count">${number(countOf(activity.stats, of))}</span>`;
  if (!jobs || (shown && shown !== of)) return false;
  const found = jobs.rows.filter((row) => row.state === of).length;
  const more = isUnfinished(jobs) ? "+" : "";
  return html`<span class="count">${number(found)}${more}</span>`;
}

function ofGroup(group: string, snapshot: Json<Snapshot>): Html {
  const { jobs, failure: found, mayChange } = snapshot;
  const { search, ...all } = state.route;
  const actions =
    !!found &&
    !search &&
    mayChange &&
    html`${button("Retry all...", "retry-group", group, "primary")}${button("Edit newest...", "edit-newest", group)}${button("Remove all...", "remove-group", group, "dead")}${pauseButton(found.name, undefined, snapshot, " type")}`;
  const title = found ? `${found.name}: ${found.error.name}` : "One group of failures";
  const some = `${number(jobs?.rows.length ?? 0)}${jobs && isUnfinished(jobs) ? "+" : ""}`;
  return html`${heading(title, actions)}
${found && html`<p class="dead error">${found.error.message}</p><p class="muted">${plural(found.count, "dead job")} ${since(found.firstAt)}; the newest died ${when(found.lastAt)}.</p>${search ? html`<p><b>${some}</b> of them with <b>${search}</b>. ${link(all, "See all")}</p>` : details(found, jobs?.rows.length ?? 0)}`}
${jobs && list(jobs, snapshot)}`;
}

/** The last hour of a group, and the values that its latest jobs share. @param read how many of them were read */
function details({ byMinute, affected, count: all }: NonNullable<Json<Snapshot>["failure"]>, read: number): Html {
  const dead = byMinute.reduce<number>((sum, deaths) => sum + (deaths ?? 0), 0);
  const shared = affected.filter(isShared);
  return html`<div class="columns even">${card(
    "Who is affected",
    html`${all > read && html`<p class="muted">Of the ${state.route.cursor ? "next" : "newest"} ${number(read)} of ${plural(all, "dead job")}.</p>`}${!shared[0] && html`<p class="muted">No payload field is shared by these jobs.</p>`}${facts(
      shared.map(({ field, values, of }) => [
        field || "payload",
        html`${values.map(({ value, count }, index) => html`${index > 0 && ", "}${link({ ...state.route, search: field ? `${field}=${value}` : `${value}`, cursor: undefined }, `${value}`)} (${number(count)} of ${number(of)})`)}${others(values, of)}${of < read && `; not given ${number(read - of)}`}`,
      ]),
    )}`,
  )}${card("Last hour", html`<p class="row">${spark(byMinute, "dead")} <span class="muted">${plural(dead, "dead job")}, by the minute</span></p>`)}</div>`;
}

/** How many of the jobs have values that are less frequent than those shown. */
function others(values: readonly { readonly count: number }[], of: number): string | false {
  const rest = values.reduce((left, { count }) => left - count, of);
  return rest > 0 && `, and ${rest} more`;
}

export function list(found: Jobs, snapshot: Json<Snapshot>): Html {
  const { rows, cursor, examined, isCut } = found;
  const { route } = state;
  const { stats } = snapshot.activity;
  const isMore = !!(cursor ?? route.cursor);
  const isPartial = isUnfinished(found);
  const isLatest = route.view === "jobs" && !route.state && !route.search && rows.length < listedCount(stats);
  const note = isCut
    ? "These are the first of each queue. Choose a queue to see the rest."
    : isLatest && "These are the first of each state. Choose a state to see the rest.";
  const more = html`${note ? html`<p class="muted">${note}</p>` : examined !== undefined && !isPartial && html`<p class="muted">Searched all ${plural(examined, "job")}.</p>`}${route.view === "jobs" && elsewhere(snapshot)}${pages(cursor)}`;
  const part = examined !== undefined && isPartial && partial(found, stats);
  if (rows.length === 0) return html`${part}${!isPartial && nothing()}${more}`;
  const selectable = snapshot.mayChange ? rows.filter(maySelect) : [];
  return html`${part}${selectable[0] && selection(selectable, isMore, stats)}${table(rows, selectable, snapshot)}${more}`;
}

/** Leads from a search that leaves something out to one of everything: all queues, states and fields. */
export function elsewhere({ queues, jobs }: Json<Snapshot>) {
  const { search, by = "any", scope, state: kind } = state.route;
  const where = by === "retried" ? by : "any";
  // What has this text as its id was found without a search.
  const isById = jobs?.examined === undefined;
  const leavesOut = search && (isById || by !== where || kind || (!scope && queues[1]));
  const to: Route = { view: "jobs", search, by: where, queue: undefined, ...(queues[1] && { scope: "all" }) };
  return leavesOut && html`<p>${link(to, isById ? `All jobs that contain ${search}` : "Search everywhere")}</p>`;
}

/** How far a search has come: with a bar while it goes on, else what is left, and how long that would take. */
function partial(found: Jobs, stats: Stats): Html {
  const { rows, examined: searched = 0 } = found;
  const left = Math.max(0, listedCount(stats) - searched);
  const { searching, stopped, tookMs = 0 } = state;
  const refusal = stopped?.at === found && stopped.message;
  const seconds = Math.ceil((left / searched) * (tookMs / 1_000));
  return html`<p class="row ${refusal && "dead banner"}"><b>${number(rows.length)} so far: ${plural(left, "job")} not searched yet.</b>${refusal && html` <span role="alert">Reads fail: ${refusal}</span>`}${
    searching === found
      ? html`<progress value="${searched / (left + searched)}" max="1" aria-label="Progress"></progress>${button("Stop", "leave")}`
      : button(`Search them, for about ${seconds} s`, "search-all")
  }</p>`;
}

/** The time of the next or the last thing that happens to a job. */
const at = ({ runAt, completedAt, failedAt, startedAt, enqueuedAt }: Row): string =>
  runAt ?? completedAt ?? failedAt ?? startedAt ?? enqueuedAt;

/** How long the last attempt took, or has run so far, in ms. -1 if there is none. */
export function tookMs({ state: of, startedAt, completedAt, failedAt }: Row): number {
  const end = completedAt ?? failedAt;
  if (!startedAt || !(end || of === "running")) return -1;
  return Math.max(0, (end ? Date.parse(end) : queueNow()) - Date.parse(startedAt));
}

const took = (row: Row): string =>
  tookMs(row) < 0 ? "" : `${span(tookMs(row))}${row.state === "running" ? " so far" : ""}`;

const columns: readonly Column<Row>[] = [
  ["name", "Job", ({ name }) => name],
  ["state", "State", (row) => row.state],
  ["attempts", "Attempts", (row) => row.attempts],
  ["took", "Duration", tookMs],
  ["at", "When", at],
];

/** The order of a list until the user chooses one. Others have that of the queue. */
const orders: { readonly [State in JobState]?: string } = { running: "-took", completed: "-at", dead: "-at" };

function table(rows: readonly Row[], selectable: readonly Row[], snapshot: Json<Snapshot>): Html {
  const { state: kind, scope, search } = state.route;
  const order = kind && !search ? orders[kind] : undefined;
  // How long a job has run so far says when it started.
  const isRunning = kind === "running";
  const hidden = [kind && "state", isRunning && "at"];
  const shown = columns.filter(([name]) => !hidden.includes(name));
  const tookStyle = isRunning ? "figure" : "figure wide";
  const styles: Readonly<Record<string, string>> = { attempts: "figure wide", took: tookStyle, at: "figure" };
  const check = (label: string, action: ActionName, isOn: boolean, id = "", isPossible = true) =>
    selectable[0] &&
    html`<td class="check">${isPossible && html`<input type="checkbox" aria-label="${label}" data-change="${action}" data-with="${id}" checked="${isOn}"/>`}</td>`;
  return html`<div class="card table"><table><thead><tr>${check(
    "Select all on this page",
    "select-page",
    selectable.every(isSelected),
    "",
    !scope || state.selected.size > 0,
  )}${shown.map(([name, text]) => sortable(name, text, styles[name], order))}</tr></thead>
<tbody>${sortedBy(rows, columns, order).map(
    (
      row,
    ) => html`<tr data-key="${keyOf(row.queue, row.id)}" data-queue="${row.queue}" data-click="${opens}" class="${selectable.includes(row) && isSelected(row) && "selected"}">
${check(`Select ${row.id}`, "select", isSelected(row), row.id, selectable.includes(row))}
<td class="job">${queueTag(row.queue)}${link({ ...inQueue(row.queue), view: "job", id: row.id }, row.name)} <code class="muted" title="${row.id}">${shortId(row.id)}</code> ${row.state === "dead" && row.retriedAt && badge("dead", "died again")}
${row.error && html`<div class="dead error">${row.error.name}: ${row.error.message}</div>`}<div class="muted">${row.preview}</div>${row.share !== undefined && progressBar(row.share)}${row.heldBack && heldBack(row.heldBack, row.queue)}${isWaiting(row) && !row.waitingFor && pauseOf(row.name, row.queue, snapshot) && html`<div>${badge("retried", "waits until its type is resumed")}</div>`}</td>
${!kind && html`<td>${badge(row.state)}</td>`}
<td class="figure wide muted">${attempts(row)}</td><td class="${tookStyle}">${took(row)}</td>${!isRunning && html`<td class="figure muted">${isWaiting(row) && row.runAt === null ? "after its children" : when(at(row))}<div class="narrow">${took(row)}</div>${row.waitingFor ? html`<div>waits for a signal</div>` : row.isAsleep && html`<div>sleeps</div>`}</td>`}</tr>`,
  )}</tbody></table></div>`;
}

const heldBack = ({ key, reason }: NonNullable<Row["heldBack"]>, queue: string): Html =>
  html`<div>${badge("retried", html`held back by ${link({ ...inQueue(queue), view: "flow", search: key }, html`${key}`)} (${reason})`)}</div>`;

/** The actions for selected jobs. The row is always there, so that nothing moves when the user selects one. */
function selection(rows: readonly Row[], isMore: boolean, stats: Stats): Html {
  const { selected, selectedIn, isAllSelected, route } = state;
  const { search, by, group, state: kind } = route;
  const every = group
    ? "all of this failure"
    : search
      ? `all named ${search}`
      : `all ${kind && number(countOf(stats, kind))}`;
  const isForAll = kind === "dead" || kind === "scheduled" || kind === "ready";
  const mayAll = isForAll && isMore && !isAllSelected && rows.every(isSelected) && (!search || by === "name");
  const kinds = new Set(rows.filter(isSelected).map((row) => row.state));
  const isDead = kind === "dead" || (kinds.size === 1 && kinds.has("dead"));
  const isWaiting = !kinds.has("dead");
  return html`<div class="row bulk" data-queue="${inQueue(selectedIn).queue}"><span role="status">${selected.size === 0 ? html`<span class="muted">Select some to act on them.</span>` : `${isAllSelected ? every : number(selected.size)} selected${route.scope ? ` in ${selectedIn}` : ""}.`}</span>
${mayAll && button(`Select ${every}`, "select-all", "", "link")}
<span class="row end">${selected.size > 0 && isDead && html`${button("Retry...", "retry")}${button("Remove...", "remove", "", "dead")}`}
${selected.size > 0 && isWaiting && html`${button("Run now...", "run-selected")}${button("Reschedule...", "reschedule")}${button("Cancel...", "cancel", "", "dead")}`}
${selected.size > 0 && !isDead && !isWaiting && html`<small>Select jobs that are all dead, or all waiting.</small>`}</span></div>`;
}

function pages(cursor: string | null): Html {
  const { route } = state;
  return html`<nav class="row" aria-label="Pages">${route.cursor && link({ ...route, cursor: undefined }, "First page")}
${cursor && !route.search && link({ ...route, cursor }, "Next page")}</nav>`;
}

function nothing(): Html {
  const { snapshot, route } = state;
  const { search, state: kind = "", view, children: ofParent = "dead" } = route;
  if (ofParent === "dead" && snapshot?.job?.children?.dead)
    return empty("None of its children is dead any more", "Retried or removed.");
  if (view === "job")
    return empty("None on this page", "Dropped children are gone. Completed jobs are kept for a limited time.");
  if (search)
    return empty(
      "No matches",
      `No ${kind} job matches ${search}. In payloads, name one field, as in customer=5. Completed jobs are kept for a limited time.`,
    );
  if (kind === "dead") return empty("No dead jobs", "Jobs that use up their retries appear here.");
  return empty(`No ${kind} jobs right now`, "They appear here as soon as there are some.");
}
