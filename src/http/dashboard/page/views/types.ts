import type { Figures as AllFigures, NameFigures } from "../../../../core/manage/figures.ts";
import type { Placed } from "../../contents.ts";
import type { Json, Snapshot } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import { state } from "../state/state.ts";
import { pauseButton, pausedText, pauseOf } from "./attention.ts";
import { type Counts, chart, outcomes, times } from "./charts.ts";
import { groups } from "./failures.ts";
import { day, number, plural, span } from "./format.ts";
import { list, tookMs } from "./jobs.ts";
import { badge, button, figure, heading, inQueue, keyOf, link, opens, queueTag, rangeLinks } from "./parts.ts";
import { type Column, sortable, sortedBy } from "./sort.ts";

type Figures = Counts & Json<Pick<AllFigures, "waiting" | "running">>;
type Name = Json<Pick<NameFigures & Placed, "name" | "queue" | "pending">> & {
  readonly total: Omit<Counts, "at">;
  readonly hour: Figures;
  readonly days: readonly Figures[];
};

/** How many days the range "weeks" has. */
const DAYS = 7;

const nothing = { processed: 0, retried: 0, dead: 0 };

/** A job type of which no job has ended. */
const unused = (of: Pick<Name, "name" | "queue">): Name => ({
  ...of,
  total: nothing,
  hour: { ...nothing, at: "", waiting: null, running: null },
  days: [],
});

/** Every job type that jobs have had, and those that are paused. Of one queue, also those that it performs. */
function allNames({ figures, names, pausedJobs }: Json<Snapshot>): readonly Name[] | undefined {
  if (!figures) return undefined;
  const performed = state.route.scope ? [] : names.map((name) => ({ name }));
  const all: readonly Name[] = [...[...performed, ...pausedJobs].map(unused), ...figures.names];
  const byKey = new Map(all.map((each) => [keyOf(each.queue, each.name), each]));
  return [...byKey.values(), ...(figures.other ? [figures.other] : [])];
}

export function names(snapshot: Json<Snapshot>): Html {
  const all = allNames(snapshot);
  return html`${heading("Job types", metricRanges())}
${all?.every(({ total }) => total.processed + total.retried + total.dead === 0) && html`<p class="muted">No metrics yet, or this queue has observe: false.</p>`}${all?.[0] && table(all, snapshot)}`;
}

const metricRanges = (): Html =>
  rangeLinks("metrics", state.route, [
    ["hour"],
    ["today", "day"],
    ["yesterday", "yesterday"],
    [`${DAYS} days`, "weeks"],
  ]);

/** The metrics of the range. The times of several days are those of the worst day. */
function figuresOf({ hour, days }: Name): Figures {
  const { range } = state.route;
  const [before, today] = days.slice(-2);
  if (!range || !before || !today) return hour;
  if (range !== "weeks") return { day: today, yesterday: before }[range];
  const sum = (count: (day: Figures) => number) => days.reduce((total, day) => total + count(day), 0);
  const worst = (times: (day: Figures) => Figures["waiting"]) =>
    days.map(times).reduce((one, other) => (other && (!one || other.p95Ms > one.p95Ms) ? other : one), null);
  return {
    at: days[0]?.at ?? today.at,
    processed: sum((day) => day.processed),
    retried: sum((day) => day.retried),
    dead: sum((day) => day.dead),
    waiting: worst((day) => day.waiting),
    running: worst((day) => day.running),
  };
}

const columns: readonly Column<Name>[] = [
  ["name", "Job type", ({ name }) => name],
  ["processed", "Processed", (name) => figuresOf(name).processed],
  ["retried", "Retried", (name) => figuresOf(name).retried],
  ["dead", "Dead", (name) => figuresOf(name).dead],
  ["pending", "Waiting", ({ pending }) => pending?.count ?? 0],
  ["waiting", "Wait p50 / p95", (name) => figuresOf(name).waiting?.p95Ms ?? -1],
  ["running", "Duration p50 / p95", (name) => figuresOf(name).running?.p95Ms ?? -1],
];

function table(all: readonly Name[], snapshot: Json<Snapshot>): Html {
  return html`<div class="card table"><table><thead><tr>${columns.map(([name, text]) => sortable(name, text, name === "name" ? "" : name === "retried" ? "figure roomy" : ["waiting", "running"].includes(name) ? "figure medium" : "figure", "name"))}</tr></thead><tbody>${sortedBy(all, columns, "name").map((name) => row(name, snapshot))}</tbody></table></div>
<p class="muted">${state.route.range === "weeks" && "Wait and duration are those of the slowest day. "}Times are at most 20 % off; p95 sorts. Days begin at midnight UTC.</p>`;
}

/** The row of the types that have no metrics of their own. */
const OTHER = "other";

/** How many jobs wait. An estimate differs with each refresh, and of less than 50 it is no count. */
function waitingOf({ count, estimated }: NonNullable<Name["pending"]>): string {
  if (!estimated) return number(count);
  return count < 50 ? "few or none" : `about ${number(Number(count.toPrecision(2)))}`;
}

function row(name: Name, snapshot: Json<Snapshot>): Html {
  const { processed, retried, dead, waiting, running } = figuresOf(name);
  const { pending } = name;
  const paused = pauseOf(name.name, name.queue, snapshot);
  const before = state.route.range === "day" ? name.days.at(-2) : undefined;
  const pair = (of: Figures["waiting"]) =>
    of ? html`<span>${span(of.medianMs)}</span> <span class="muted">/ ${span(of.p95Ms)}</span>` : "-";
  const time = (of: Figures["waiting"], before: Figures["waiting"] = null) =>
    html`<td class="figure medium">${pair(of)}${before && html`<div class="muted">yesterday ${pair(before)}</div>`}</td>`;
  const inWords = (what: string, of: Figures["waiting"]) => of && html`<p class="slim">${what} ${pair(of)}</p>`;
  return html`<tr data-key="${keyOf(name.queue, name.name)}" data-queue="${name.queue}" data-click="${opens}"><td class="job"><div class="row">${name.queue && queueTag(name.queue)}${link({ ...inQueue(name.queue), view: "type", id: name.name, range: state.route.range ?? "day" }, name.name)}${snapshot.mayChange && name.name !== OTHER && html`<span class="end">${pauseButton(name.name, name.queue, snapshot)}</span>`}</div>${inWords("Wait", waiting)}${inWords("Duration", running)}
${paused && html`<p class="muted">${badge("retried", "paused")}${pausedText(paused.by, paused.since, paused.reason)}</p>`}</td>
${figure(processed, "", "", before?.processed)}${figure(retried, "retried", "roomy", before?.retried)}${figure(dead, "dead", "", before?.dead)}
<td class="figure ${!pending?.count && "muted"}">${pending ? waitingOf(pending) : 0}</td>${time(waiting, before?.waiting)}${time(running, before?.running)}</tr>`;
}

type Day = Name["days"][number];

const MOST_SLOWEST = 10;

/** One job type: its throughput and times, its failures, and the slowest of its jobs. */
export function type(snapshot: Json<Snapshot>): Html {
  const { figures, jobs, failures } = snapshot;
  const { route } = state;
  const name = route.id ?? "";
  const shown = figures?.names[0] ?? unused({ name });
  const slowest = [...(jobs?.rows ?? [])].sort((one, other) => tookMs(other) - tookMs(one)).slice(0, MOST_SLOWEST);
  const { count = 0, estimated = false } = shown.pending ?? {};
  const actions =
    snapshot.mayChange &&
    html`${failures?.failures[0] && button("Retry all dead...", "retry-type", name)}${(estimated || count > 0) && button("Cancel waiting...", "cancel-type", name, "dead")}`;
  return html`${heading(name, html`${actions}${link({ view: "jobs", search: name, by: "name" }, "Its jobs")}`)}${
    figures &&
    html`${metricRanges()}${table([shown], snapshot)}
${byDay(shown.days)}
${failures?.failures[0] && html`<section data-key="failing"><h2>Failures</h2>${groups(failures.failures, snapshot)}</section>`}
${slowest[0] && html`<section data-key="slowest"><h2>Slowest <small>of ${plural(jobs?.rows.length ?? 0, "completed job")}, the latest</small></h2>${list({ rows: slowest, cursor: null }, { ...snapshot, mayChange: false })}</section>`}`
  }`;
}

function byDay(days: readonly Day[]): Html | false {
  const common = { of: "days", points: days, unit: "day", time: ({ at }: Day) => day(at), end: "today" };
  return (
    days.length > 0 &&
    html`<h2>Last ${DAYS} days</h2><div class="columns even">${chart({ ...common, title: "Throughput", series: outcomes, kind: "bars" })}
${chart({ ...common, title: "Latency", series: times, kind: "lines", before: days.slice(-2, -1) })}</div>`
  );
}
