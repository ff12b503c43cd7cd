import type { Figures } from "../../../../../core/manage/figures.ts";
import type { ActivityMinute } from "../../../../../core/manage/stats.ts";
import type { Json, Snapshot } from "../../../snapshot.ts";
import { type Html, html } from "../../dom/html.ts";
import { state } from "../../state/state.ts";
import { clock, hour, number, span } from "../format.ts";
import { rangeLinks } from "../parts.ts";
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

export function charts({ activity, history }: Json<Snapshot>): Html {
  const { route } = state;
  const hours = history?.hours ?? [];
  const isShort = route.range === undefined;
  const byHour = `last ${route.range === "weeks" ? "2 weeks" : "24 hours"}, by the hour`;
  const latency: ChartOptions<Json<Figures>> = {
    title: "Latency",
    range: `${byHour}, logarithmic`,
    of: "hours",
    points: hours,
    series: times,
    kind: "lines",
    unit: "hour",
    time: ({ at }) => hour(at),
    text: span,
  };
  const common = {
    title: "Throughput",
    series: outcomes,
    kind: "bars",
    text: number,
    sum: sumOf,
    isMarked: ({ dead }: Counts) => dead > 0,
  } as const;
  const throughput: ChartOptions<Counts> = isShort
    ? {
        ...common,
        range: "last hour, by the minute",
        of: "minutes",
        points: activity.minutes,
        unit: "minute",
        time: ({ at }) => clock(at),
      }
    : { ...common, range: byHour, of: "hours", points: hours, unit: "hour", time: ({ at }) => hour(at) };
  return html`${rangeLinks("charts", route, "2 weeks")}
<div class="columns even">${chart(throughput)}${hours.length > 0 && chart(latency)}</div>`;
}
