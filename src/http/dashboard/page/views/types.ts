import type { Figures as AllFigures, NameFigures } from "../../../../core/manage/figures.ts";
import type { Placed } from "../../contents.ts";
import type { Json, Snapshot } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import type { Route } from "../state/route.ts";
import { state } from "../state/state.ts";
import { pausedText } from "./attention.ts";
import { type Counts, chart, outcomes, spark, sumOf, times } from "./charts.ts";
import { groups } from "./failures.ts";
import { day, number, plural, span } from "./format.ts";
import { list, tookMs } from "./jobs.ts";
import {
  badge,
  button,
  type Column,
  empty,
  figure,
  heading,
  inQueue,
  keyOf,
  link,
  opens,
  queueTag,
  rangeLinks,
  ranges,
  sortable,
  sortedBy,
} from "./parts.ts";

/** The metrics that the page shows. */
type Figures = Counts & Json<Pick<AllFigures, "waiting" | "running">>;
export type Name = Json<Pick<NameFigures & Placed, "name" | "queue" | "pending">> & {
  readonly total: Omit<Counts, "at">;
  readonly hour: Figures;
  readonly days: readonly Figures[];
};

/** How many days the range "weeks" has. */
const DAYS = 7;

const nothing = { processed: 0, retried: 0, dead: 0 };

/** A job type of which no job has ended. */
export const unused = (name: string): Name => ({
  name,
  total: nothing,
  hour: { ...nothing, at: "", waiting: null, running: null },
  days: [],
});

/** The metrics of every job type: of those that the queue performs, and of those that jobs have had. */
function allNames({ figures, names }: Json<Snapshot>): readonly Name[] | undefined {
  if (!figures) return undefined;
  const known = new Set(figures.names.map(({ name }) => name));
  const others = names.filter((name) => !known.has(name)).map(unused);
  return [...figures.names, ...others, ...(figures.other ? [figures.other] : [])];
}

/** Whether jobs have ended without metrics. */
function isUnobserved({ figures, activity }: Json<Snapshot>): boolean {
  const { totalProcessed, totalFailed } = activity.stats;
  const isNone = figures?.names.every(({ total }) => total.processed + total.retried + total.dead === 0);
  return isNone === true && totalProcessed + totalFailed > 0;
}

export function names(snapshot: Json<Snapshot>): Html {
  const all = allNames(snapshot);
  return html`${heading("Job types")}${metricRanges({ view: "names" })}
${all?.length === 0 && empty("No metrics yet", "They appear here once a job has ended. A queue with observe: false keeps none by job type.")}
${isUnobserved(snapshot) && html`<p class="muted">Jobs have ended here, but this queue keeps no metrics by job type: it has observe: false.</p>`}${all?.[0] && table(all, snapshot)}`;
}

export const metricRanges = (to: Route): Html => rangeLinks("metrics", to, ranges(`${DAYS} days`));

/** The metrics of the range. The times of several days are those of the worst day. */
function figuresOf({ hour, days }: Name): Figures {
  const { range } = state.route;
  const today = days.at(-1);
  if (range === undefined || !today) return hour;
  if (range === "day") return today;
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

/** @param listed what the list of all types shows: its rows pause and resume them */
export function table(all: readonly Name[], listed?: Json<Snapshot>): Html {
  // Of all queues together, the slowest first: of one, by name.
  const initial = state.route.scope && "-running";
  return html`<div class="card table"><table><thead><tr>${columns.map(([name, text]) => sortable(name, text, name === "name" ? "" : name === "retried" ? "figure roomy" : ["waiting", "running"].includes(name) ? "figure medium" : "figure", initial))}
<th class="figure wide roomy">${DAYS} days</th></tr></thead><tbody>${sortedBy(all, columns, initial).map((name) => row(name, listed))}</tbody></table></div>
<p class="muted">${state.route.range === "weeks" && "Wait and duration are those of the slowest day. "}Columns of two figures are sorted by p95, an estimate. Days begin at midnight UTC.</p>`;
}

/** The row of the types that have no metrics of their own. */
const OTHER = "other";

/** Who has paused a type, and the button that pauses or resumes it. */
function pausing({ name, queue }: Name, { pausedJobs, mayChange, queue: shown }: Json<Snapshot>): Html {
  const paused = pausedJobs.find((each) => each.name === name && each.queue === (queue ?? shown));
  // In all queues together, a type of which no job has ended is in none of them.
  const isOne = name !== OTHER && (queue ?? !state.route.scope);
  const [action, label] = paused ? (["resumeJobs", "Resume"] as const) : (["pause-type", "Pause"] as const);
  return html`${paused && html`<p class="muted">${badge("retried", "paused")}${pausedText(paused.by, paused.since, paused.reason)}</p>`}
${mayChange && isOne && html`<div class="row actions">${button(paused ? label : `${label}...`, action, name, "", `${label} ${keyOf(queue, name)}`)}</div>`}`;
}

function row(name: Name, listed: Json<Snapshot> | undefined): Html {
  const { processed, retried, dead, waiting, running } = figuresOf(name);
  const time = (of: Figures["waiting"]) =>
    html`<td class="figure medium">${of ? html`${span(of.medianMs)} <span class="muted">/ ${span(of.p95Ms)}</span>` : html`<span class="muted">-</span>`}</td>`;
  return html`<tr data-key="${keyOf(name.queue, name.name)}" data-queue="${name.queue}" data-click="${opens}"><td class="job">${name.queue && queueTag(name.queue)}${link({ ...inQueue(name.queue), view: "type", id: name.name }, name.name)}${listed && pausing(name, listed)}</td>
${figure(processed)}${figure(retried, "retried", "roomy")}${figure(dead, "dead")}
<td class="figure ${!name.pending?.count && "muted"}">${name.pending?.estimated && "about "}${number(name.pending?.count ?? 0)}</td>${time(waiting)}${time(running)}
<td class="wide roomy">${spark(name.days.map((day) => day.processed + day.retried + day.dead))}</td></tr>`;
}

type Day = Name["days"][number];

const MOST_SLOWEST = 10;

/** One job type: its throughput and times, its failures, and the slowest of its jobs. */
export function type(snapshot: Json<Snapshot>): Html {
  const { figures, jobs, failures, mayChange } = snapshot;
  const { route } = state;
  const name = route.id ?? "";
  const shown = figures?.names[0] ?? unused(name);
  const slowest = [...(jobs?.rows ?? [])].sort((one, other) => tookMs(other) - tookMs(one)).slice(0, MOST_SLOWEST);
  const isPaused = snapshot.pausedJobs.some((paused) => paused.name === name);
  const pause = mayChange && !isPaused && button("Pause...", "pause-type", name);
  return html`${heading(name, html`${link({ view: "jobs", search: name, by: "name" }, "Its jobs")} ${pause}`)}${
    figures &&
    html`${metricRanges(route)}${table([shown])}
<div class="columns even">${byDay(shown.days)}</div>
${failures?.failures[0] && html`<section data-key="failing"><h2>Failures</h2>${groups(failures.failures, mayChange)}</section>`}
${slowest[0] && html`<section data-key="slowest"><h2>Slowest <small>of ${plural(jobs?.rows.length ?? 0, "completed job")}, the latest</small></h2>${list({ rows: slowest, cursor: null }, { ...snapshot, mayChange: false })}</section>`}`
  }`;
}

function byDay(days: readonly Day[]): Html | false {
  const common = {
    of: "days",
    points: days,
    unit: "day",
    time: ({ at }: Day) => day(at),
    end: "today",
  };
  return (
    days.length > 0 &&
    html`${chart({
      ...{ ...common, title: "Throughput", series: outcomes, kind: "bars", text: number },
      sum: sumOf,
    })}${chart({ ...common, title: "Latency", series: times, kind: "lines", text: span })}`
  );
}
