import type { Figures } from "../../../../core/manage/figures.ts";
import type { ActivityMinute } from "../../../../core/manage/stats.ts";
import type { Json, Snapshot } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import { type ActionName, state } from "../state/state.ts";
import { capital, clock, hour, number, span } from "./format.ts";
import { badge, rangeLinks } from "./parts.ts";

export type Counts = Json<Pick<ActivityMinute, "at" | "processed" | "retried" | "dead">>;

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

/** How many hours of the history a chart shows. */
const HOURS = { day: 24, weeks: 336 } as const;

/** Throughput and latency. Each has links to other ranges, which leave the other chart as it is. */
export function charts({ activity, history }: Json<Snapshot>): Html {
  const { route } = state;
  const { range, latency } = route;
  const all = history?.hours ?? [];
  const hours = (of: keyof typeof HOURS = "day") => ({
    of,
    points: all.slice(-HOURS[of]),
    unit: "hour",
    time: ({ at }: Counts) => hour(at),
  });
  const minutes = { of: "minutes", points: activity.minutes, unit: "minute", time: ({ at }: Counts) => clock(at) };
  const throughput: ChartOptions<Counts> = {
    ...(range ? hours(range === "weeks" ? range : "day") : minutes),
    title: "Throughput",
    ranges: rangeLinks("throughput", route, [["hour"], ["day", "day"], ["2 weeks", "weeks"]]),
    series: outcomes,
    kind: "bars",
    before: range === "day" ? all.slice(-48, -24) : [],
  };
  const ofLatency: ChartOptions<Json<Figures>> = {
    ...hours(latency),
    title: "Latency",
    ranges: rangeLinks("latency", route, [["day"], ["2 weeks", "weeks"]], "latency"),
    series: times,
    kind: "lines",
    // The same hour.
    before: all.slice(-25, -24),
  };
  return html`<div class="columns even">${chart(throughput)}${all[0] && chart(ofLatency)}</div>`;
}

// Heights are exact: a small value is drawn small.

export interface Series<Point> {
  readonly name: string;
  /** Its name for a value of 1, if that is another. */
  readonly one?: string;
  /** Its colour: one of the kinds of colours.css. */
  readonly kind: string;
  /** Null where nothing is known. */
  value(point: Point): number | null;
}

export interface ChartOptions<Point> {
  readonly title: string;
  /** Links that show other points. */
  readonly ranges?: Html;
  /** The name of the points. Charts of the same points share what is read. */
  readonly of: string;
  readonly points: readonly Point[];
  readonly series: readonly Series<Point>[];
  /** Bars are counts, and stacked. Lines are times, not stacked, and have a logarithmic scale from one to the top. */
  readonly kind: "bars" | "lines";
  /** What a point is: "minute" or "hour". */
  readonly unit: string;
  time(point: Point): string;
  /** The points of yesterday, which the legend compares with these, or with the last one. */
  readonly before?: readonly Point[];
  /** What the end of the axis is. Default: now. */
  readonly end?: string;
}

const HEIGHT = 140;
const STEP = 10;

/** The next round number for the axis. Its half is a whole number too. */
function ceiling(most: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(most, 2)));
  return ([2, 4, 6, 8].find((factor) => factor * power >= most) ?? 10) * power;
}

const sumOf = <Point>(points: readonly Point[], { value }: Pick<Series<Point>, "value">): number =>
  points.reduce((total, point) => total + (value(point) ?? 0), 0);

export function chart<Point>(options: ChartOptions<Point>): Html {
  const { title, of, points, series, unit, time, kind, before = [], end = "now" } = options;
  const isSum = kind === "bars";
  const text = isSum ? number : span;
  const point = state.charts[of];
  const [first] = points;
  const read = point === undefined ? undefined : points[point];
  const shown = `${of} ${points.length}`;
  const width = points.length * STEP;
  const values = (each: Point) => series.map(({ value }) => value(each) ?? 0);
  const height = (each: Point) =>
    isSum ? values(each).reduce((total, value) => total + value, 0) : Math.max(...values(each));
  const most = Math.max(0, ...points.map(height));
  const top = isSum ? ceiling(most) : 10 ** Math.max(2, Math.ceil(Math.log10(most || 1)));
  const shownText = (value: number | null) => (value === null ? "-" : text(value));
  const wholeOf = (all: readonly Point[], { value }: Series<Point>) =>
    isSum ? sumOf(all, { value }) : (all.map(value).at(-1) ?? null);
  const labelOf = (each: Series<Point>): string => {
    const value = read ? each.value(read) : wholeOf(points, each);
    const then = read || !before[0] ? null : wholeOf(before, each);
    const compared = then === null ? "" : `, yesterday ${text(then)}`;
    return `${shownText(value)} ${(value === 1 && each.one) || each.name}${compared}`;
  };
  // What does not occur needs no legend.
  const named = series.filter((each, index) => index === 0 || !isSum || sumOf([...points, ...before], each) !== 0);
  const words = named.map(labelOf).join(", ");
  return html`<section class="card chart" data-key="${title}"><div class="row"><h2>${title} <small>by the ${unit}${!isSum && ", logarithmic"}</small></h2><span class="row end">${options.ranges}</span></div>
<p class="row legend">${named.map((each) => badge(each.kind, labelOf(each)))}<span class="muted end">${read ? time(read) : before[0] && !words.includes("yesterday") && "No figures of yesterday"}</span></p>
<div class="plot"><small>${text(top)}</small><small class="middle">${text(isSum ? top / 2 : Math.sqrt(top))}</small>
<svg viewBox="0 0 ${width} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${`${title}: ${words}`}" data-with="${shown}" data-pointermove="${"read" satisfies ActionName}">
<path d="M0 .5h${width}M0 70h${width}M0 139.5h${width}"/>${read && html`<rect class="at" x="${(point ?? 0) * STEP}" y="0" width="${STEP}" height="${HEIGHT}"/>`}
${isSum ? points.map((each, index) => bar(series, each, index, top)) : series.map((each) => line(each, points, top))}</svg></div>
<p class="row"><small aria-hidden="true">${first && time(first)}</small><input type="range" min="0" max="${points.length - 1}" value="${points.length - 1}" aria-label="${`Read one ${unit} of ${title}`}" aria-valuetext="${read && `${time(read)}: ${words}`}" data-input="${"point" satisfies ActionName}" data-with="${shown}"/><small class="end" aria-hidden="true">${end}</small></p>
${asTable(options, text)}</section>`;
}

function bar<Point>(series: readonly Series<Point>[], point: Point, index: number, top: number): Html {
  let y = HEIGHT;
  return html`<g>${series.map((each) => {
    const height = ((each.value(point) ?? 0) / top) * HEIGHT;
    y -= height;
    return (
      height > 0 &&
      html`<rect class="${each.kind}" x="${index * STEP + 1}" y="${y.toFixed(2)}" width="8" height="${height.toFixed(2)}"/>`
    );
  })}</g>`;
}

/** A line with gaps where nothing is known. A point between two gaps is a short stroke. */
function line<Point>({ kind, value }: Series<Point>, points: readonly Point[], top: number): Html {
  let isDown = false;
  const path = points.map((point, index) => {
    const known = value(point);
    if (known === null) {
      isDown = false;
      return "";
    }
    const y = (HEIGHT - (Math.log10(Math.max(1, known)) / Math.log10(top)) * HEIGHT).toFixed(1);
    const to = isDown ? `L${index * STEP + STEP / 2} ${y}` : `M${index * STEP + 2} ${y}h6`;
    isDown = true;
    return to;
  });
  return html`<path class="line ${kind}" d="${path.join("")}"/>`;
}

function asTable<Point>({ points, series, time, unit }: ChartOptions<Point>, text: (value: number) => string): Html {
  const known = points.filter((point) => series.some(({ value }) => value(point)));
  return html`<details><summary>As a table</summary><table>
<tr><th>${capital(unit)}</th>${series.map(({ name }) => html`<th class="figure">${name}</th>`)}</tr>
${known.map(
  (point) =>
    html`<tr><th>${time(point)}</th>${series.map(({ value }) => {
      const known = value(point);
      return html`<td class="figure">${known === null ? "" : text(known)}</td>`;
    })}</tr>`,
)}</table></details>`;
}

/** A small line of some values; null where nothing is known. @param top the scale, if the values stay below it. */
export function spark(values: readonly (number | null)[], kind = "", top = 1): Html {
  const most = Math.max(top, ...values.map((value) => value ?? 0));
  const bars = values.map(
    (value, index) =>
      !!value &&
      html`<rect class="${kind}" x="${index * 4}" y="${(20 - (value / most) * 20).toFixed(1)}" width="3" height="${((value / most) * 20).toFixed(1)}"/>`,
  );
  return html`<svg class="spark" viewBox="0 0 ${values.length * 4} 20" preserveAspectRatio="none" aria-hidden="true">${bars}</svg>`;
}
