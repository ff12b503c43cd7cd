import { isReservedName } from "../../../../core/job/reserved.ts";
import type { ScheduleRow, ScheduleRun } from "../../../../core/queue/schedule-runs.ts";
import { shortId } from "../../../../core/shared/id.ts";
import type { Placed } from "../../contents.ts";
import type { Json, Snapshot } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import type { Route } from "../state/route.ts";
import { type ActionName, queueNow, state } from "../state/state.ts";
import { changedBy } from "./attention.ts";
import { chart, type Series } from "./charts.ts";
import { describeCron, describeEvery } from "./describe-cron.ts";
import { clock, hour, moment, number, plural, span } from "./format.ts";
import { badge, button, empty, heading, hrefTo, inQueue, keyOf, link, opens, queueTag, when } from "./parts.ts";

type Row = Json<ScheduleRow & Placed>;
type Run = Json<ScheduleRun>;

const missedTexts = { once: "one job for all", skip: "skipped", all: "one job each" };
const overlapTexts = { allow: "allowed", skip: "skipped" };

/** More rows would keep a browser busy for seconds. */
const MOST_ROWS = 200;

export function schedules(snapshot: Json<Snapshot>): Html {
  const { schedules: all, mayChange } = snapshot;
  const failing = all?.filter(({ failing }) => failing) ?? [];
  return html`${heading("Schedules", mayChange && !state.route.scope && button("Create...", "schedule", "", "primary"))}
${all?.length === 0 && empty("No schedules", html`Create one here, or give a job one in code, as in <code>schedule: { cron: "0 9 * * *", timeZone: "Europe/Paris" }</code>.`)}
${
  all?.[0] &&
  html`<div class="card table"><table><thead><tr><th>Schedule</th><th class="wide">Last occurrences</th><th class="figure">Next and last</th></tr></thead>
<tbody>${[...failing, ...all.filter((row) => !failing.includes(row))].slice(0, MOST_ROWS).map((row) => line(row, snapshot))}</tbody></table></div>`
}${all?.[MOST_ROWS] && html`<p class="muted">These are the first ${MOST_ROWS} of ${plural(all.length, "schedule")}. See all with <code>npx tidegate queue:schedules</code>.</p>`}`;
}

function line(row: Row, snapshot: Json<Snapshot>): Html {
  const { key, name, cron, every, timeZone, paused, declared, nextRunAt, lastRunAt, queue } = row;
  return html`<tr data-key="${keyOf(queue, key)}" data-queue="${queue}"><td class="job">${queueTag(queue)}<b title="${key}">${key}</b> ${paused && badge("retried", "paused")}${declared && badge("scheduled", "in code")}
<div>${cron ? describeCron(cron) : describeEvery(every ?? "")} <code>${cron}</code> <small>${cron && timeZone}</small></div>
<div class="muted">Enqueues ${link({ ...inQueue(queue), view: "jobs", search: name, by: "name" }, name)}</div>${changedBy(/^(put|pause|resume)Sch/, row, snapshot)}
<div class="narrow row">${outcomes(row)}</div><details><summary>Next five occurrences</summary><ol>${row.occurrences.map((at) => html`<li>${moment(at, timeZone)} <small>${when(at)}</small></li>`)}</ol>
<small>Missed occurrences: ${missedTexts[row.missed]}. Overlapping ones: ${overlapTexts[row.overlap]}.</small></details>${snapshot.mayChange && actionsOn(row)}</td>
<td class="wide outcomes">${outcomes(row)}</td>
<td class="figure muted">${nextRunAt ? dueText(nextRunAt, "next ") : "next never"}<div>last ${lastRunAt ? when(lastRunAt) : "never"}</div></td></tr>`;
}

function actionsOn({ key, name, paused, declared }: Row): Html {
  const action = (text: string, what: ActionName) => button(text, what, key, "", `${text} ${key}`);
  return html`<div class="row actions">${action("Run", "runSchedule")}${paused ? action("Resume", "resumeSchedule") : action("Pause", "pauseSchedule")}
${!declared && html`${!isReservedName(name) && button("Change...", "schedule", key, "", `Change ${key}`)}${button("Remove...", "unschedule", key, "dead", `Remove ${key}`)}`}</div>`;
}

/** How many of the last occurrences have failed, and since when: of those before the stored ones, nobody knows. */
function failedText(runs: readonly Run[]): string {
  const failed = runs.slice(runs.findLastIndex(({ state }) => state === "completed") + 1).filter(({ error }) => error);
  const [first, other] = failed;
  return `Failed at its last ${other ? `${failed.length} occurrences` : "occurrence"}, since ${first && hour(first.at)}${failed.length === runs.length ? " or before" : ""}`;
}

/** The outcome of each of the last occurrences, as a mark, and the last one in words. */
function outcomes({ name, runs, queue, failing }: Row): Html {
  const last = runs.at(-1);
  if (!last) return html`<span class="muted">none stored</span>`;
  return html`<div class="row marks">${runs.map((run) => html`<a class="${kindOf(run)}" href="${hrefTo({ ...inQueue(queue), view: "job", id: run.id })}" title="${`${moment(run.at)}: ${textOf(run)}`}" aria-label="${`${moment(run.at)}: ${textOf(run)}`}"></a>`)}</div>
<div class="${last.error ? "dead error" : "muted"}">${textOf(last)}</div>${failing && html`<p>${failedText(runs)}: ${link({ ...inQueue(queue), view: "type", id: name }, "see its failures")}</p>`}`;
}

const kindOf = ({ state, error }: Run): string => (error && state !== "dead" ? "retried" : state);

function textOf({ state, error, tookMs }: Run): string {
  const took = tookMs === undefined ? "" : ` after ${span(tookMs)}`;
  return `${state === "scheduled" && error ? "will be retried" : state}${took}${error ? `: ${error}` : ""}`;
}

type Hour = NonNullable<Json<Snapshot>["upcoming"]>;
type Event = Hour["next"][number];

const series: readonly Series<Hour["minutes"][number]>[] = [
  { name: "scheduled jobs", one: "scheduled job", kind: "scheduled", value: ({ jobs }) => jobs },
  { name: "retries", one: "retry", kind: "retried", value: ({ retries }) => retries },
  { name: "occurrences", one: "occurrence", kind: "ready", value: ({ occurrences }) => occurrences },
];
const kinds = { job: "scheduled", retry: "retried", occurrence: "ready" };

/** What the next hour brings: scheduled jobs, retries and occurrences on one axis, and jobs and schedules by name. */
export function upcoming({ upcoming: hour, pausedJobs }: Json<Snapshot>): Html {
  return html`${heading("Next hour")}${hour && (hour.next[0] ? shown(hour, pausedJobs) : empty("Nothing in the next hour", "What is paused does not count."))}`;
}

const shown = ({ minutes, next, more, isCut }: Hour, pausedJobs: Json<Snapshot>["pausedJobs"]): Html =>
  html`<div class="card table"><table><thead><tr><th>Next</th><th class="figure">When</th></tr></thead><tbody>${byType(next).map(eventLine)}</tbody></table></div>
<p class="muted">${more > 0 && `These are the next ${next.length} of ${number(next.length + more)}. `}${isCut && "More jobs are scheduled than are counted. "}What is paused does not count.${pausedJobs.map(({ name, queue }, index) => html`${index > 0 ? ", " : " Paused now: "}${link({ ...inQueue(queue), view: "type", id: name }, name)}`)}</p>
${chart({
  ...{ title: "Next hour", of: "upcoming", points: minutes, series, kind: "bars", unit: "minute" },
  time: ({ at }) => clock(at),
  end: "in an hour",
})}`;

/** The scheduled jobs of one type are one row, and so are its retries. */
function byType(next: readonly Event[]): readonly Event[] {
  const rows = new Map<string, Event>();
  for (const event of next) {
    const { kind, name, of, queue } = event;
    const key = JSON.stringify([queue, kind, kind === "occurrence" ? of : name]);
    const row = rows.get(key);
    rows.set(key, row ? { ...row, count: row.count + 1 } : event);
  }
  return [...rows.values()];
}

function eventLine({ at, kind, name, of, queue, count }: Event): Html {
  const isMany = kind !== "occurrence" && count > 1;
  const to: Route = isMany
    ? { view: "jobs", state: "scheduled", search: name, by: "name" }
    : kind === "occurrence"
      ? { view: "schedules" }
      : { view: "job", id: of };
  return html`<tr data-key="${`${at} ${of}`}" data-click="${opens}"><td class="job">${queueTag(queue)}${link({ ...inQueue(queue), ...to }, name)} ${!isMany && of !== name && html`<code class="muted" title="${of}">${shortId(of)}</code> `}${badge(kinds[kind], plural(count, kind === "retry" ? "retried job" : kind))}</td><td class="figure muted">${dueText(at)} <small>${clock(at)}</small></td></tr>`;
}

/** When something is due, or for how long it has been: after a minute, that needs attention. */
function dueText(at: string, before = ""): Html {
  const lateMs = queueNow() - Date.parse(at);
  if (lateMs < 0) return html`${before}${when(at)}`;
  return html`<span class="${lateMs > 60_000 && "retried error"}" title="${moment(at)}">overdue ${span(lateMs)}</span>`;
}
