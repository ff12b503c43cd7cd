import type { Figures } from "../../../../../core/manage/figures.ts";
import type { ActivityMinute } from "../../../../../core/manage/stats.ts";
import type { Json, Snapshot } from "../../../snapshot.ts";
import { type Html, html } from "../../dom/html.ts";
import { state } from "../../state/state.ts";
import { clock, hour, number, span } from "../format.ts";
import { rangeLinks, ranges } from "../parts.ts";
import { type ChartOptions, chart, type Series, sumOf } from "./chart.ts";

type Counts = Json<Pick<ActivityMinute, "at" | "processed" | "retried" | "dead">>;

export const outcomes: readonly Series<Counts>[] = (["processed", "retried", "dead"] as const).map((kind) => ({
  ...{ name: kind, kind },
  value: (point) => point[kind],
}));

export const times: readonly Series<Json<Figures>>[] = [
  { name: "p95 wait", kind: "ready", value: ({ waiting }) => waiting?.p95Ms ?? null },
  { name: "p50 wait", kind: "scheduled", value: ({ waiting }) => waiting?.medianMs ?? null },
  { name: "p95 duration", kind: "retried", value: ({ running }) => running?.p95Ms ?? null },
  { name: "p50 duration", kind: "completed", value: ({ running }) => running?.medianMs ?? null },
];

/** The dots below a chart of outcomes. */
export const deaths = { text: "a job became dead", isAt: ({ dead }: Counts) => dead > 0 };

/** How many hours of the history a chart shows. */
const HOURS = { day: 24, weeks: 336 } as const;

/** Throughput and latency. Each has links to other ranges, which leave the other chart as it is. */
export function charts({ activity, history }: Json<Snapshot>): Html {
  const { route } = state;
  const { range, latency } = route;
  const hours = (of: keyof typeof HOURS = "day") => ({
    of,
    points: history?.hours.slice(-HOURS[of]) ?? [],
    unit: "hour",
    time: ({ at }: Counts) => hour(at),
  });
  const minutes = {
    of: "minutes",
    points: activity.minutes,
    unit: "minute",
    time: ({ at }: Counts) => clock(at),
  };
  const throughput: ChartOptions<Counts> = {
    ...(range ? hours(range) : minutes),
    title: "Throughput",
    ranges: rangeLinks("throughput", route, ranges("2 weeks")),
    series: outcomes,
    kind: "bars",
    text: number,
    sum: sumOf,
    marks: deaths,
  };
  const byHour = hours(latency);
  const ofLatency: ChartOptions<Json<Figures>> = {
    ...byHour,
    title: "Latency",
    ranges: rangeLinks("latency", route, [["day"], ["2 weeks", "weeks"]], "latency"),
    series: times,
    kind: "lines",
    text: span,
  };
  return html`<div class="columns even">${chart(throughput)}${byHour.points[0] && chart(ofLatency)}</div>`;
}
