import type { Json, Snapshot } from "../../../snapshot.ts";
import { type Html, html } from "../../dom/html.ts";
import { state } from "../../state/state.ts";
import { chart, type Series } from "../charts/chart.ts";
import { groups } from "../failures/failures.ts";
import { number, plural, span } from "../format.ts";
import { list } from "../jobs/jobs.ts";
import { heading, link, rangeLinks } from "../parts.ts";
import { type Name, table, unused } from "./names.ts";

type Day = Name["days"][number];

const outcomes: readonly Series<Day>[] = (["processed", "retried", "dead"] as const).map((kind) => ({
  ...{ name: kind, kind },
  value: (day) => day[kind],
}));
const durations: readonly Series<Day>[] = [
  { name: "p95 duration", kind: "retried", value: ({ running }) => running?.p95Ms ?? null },
  { name: "p50 duration", kind: "completed", value: ({ running }) => running?.medianMs ?? null },
];

/** One job type: its throughput and times, its failures, and the slowest of its jobs. */
export function type(snapshot: Json<Snapshot>): Html {
  const { type: shown, failures, mayChange } = snapshot;
  const { route } = state;
  const name = route.id ?? "";
  return html`${heading(name, link({ view: "jobs", search: name, by: "name" }, "Its jobs"))}${
    shown &&
    html`${rangeLinks("metrics", route, "7 days")}${table([shown.figures ?? unused(name)])}
<div class="columns even">${byDay(shown.figures?.days ?? [])}</div>
${failures?.failures[0] && html`<section data-key="failing"><h2>Failures</h2>${groups(failures.failures, mayChange)}</section>`}
${shown.slowest[0] && html`<section data-key="slowest"><h2>Slowest <small>of ${plural(shown.among, "completed job")}, the latest</small></h2>${list({ rows: shown.slowest, cursor: null }, { ...snapshot, mayChange: false })}</section>`}`
  }`;
}

function byDay(days: readonly Day[]): Html | false {
  const common = {
    range: "7 days, UTC",
    of: "days",
    points: days,
    unit: "day",
    time: ({ at }: Day) => dayOf(at),
    end: "today",
  };
  return (
    days.length > 0 &&
    html`${chart({
      ...{ ...common, title: "Throughput", series: outcomes, kind: "bars", text: number },
      sum: (points, { value }) => points.reduce((total, point) => total + (value(point) ?? 0), 0),
      isMarked: ({ dead }) => dead > 0,
    })}${chart({ ...common, title: "Duration", series: durations, kind: "lines", text: span })}`
  );
}

const dayOf = (at: string): string =>
  new Date(at).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
