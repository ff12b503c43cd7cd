import type { Json, Snapshot } from "../../../snapshot.ts";
import { type Html, html } from "../../dom/html.ts";
import { state } from "../../state/state.ts";
import { chart, sumOf } from "../charts/chart.ts";
import { deaths, outcomes, times } from "../charts/charts.ts";
import { groups } from "../failures/failures.ts";
import { number, plural, span } from "../format.ts";
import { list } from "../jobs/jobs.ts";
import { heading, link } from "../parts.ts";
import { metricRanges, type Name, table, unused } from "./names.ts";

type Day = Name["days"][number];

/** One job type: its throughput and times, its failures, and the slowest of its jobs. */
export function type(snapshot: Json<Snapshot>): Html {
  const { type: shown, failures, mayChange } = snapshot;
  const { route } = state;
  const name = route.id ?? "";
  return html`${heading(name, link({ view: "jobs", search: name, by: "name" }, "Its jobs"))}${
    shown &&
    html`${metricRanges(route)}${table([shown.figures ?? unused(name)])}
<div class="columns even">${byDay(shown.figures?.days ?? [])}</div>
${failures?.failures[0] && html`<section data-key="failing"><h2>Failures</h2>${groups(failures.failures, mayChange)}</section>`}
${shown.slowest[0] && html`<section data-key="slowest"><h2>Slowest <small>of ${plural(shown.among, "completed job")}, the latest</small></h2>${list({ rows: shown.slowest, cursor: null }, { ...snapshot, mayChange: false })}</section>`}`
  }`;
}

function byDay(days: readonly Day[]): Html | false {
  const common = {
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
      sum: sumOf,
      marks: deaths,
    })}${chart({ ...common, title: "Latency", series: times, kind: "lines", text: span })}`
  );
}

const dayOf = (at: string): string =>
  new Date(at).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
