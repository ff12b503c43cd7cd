import { MILLION_JOBS } from "../costs.ts";
import { numberText } from "../figures.ts";
import { columnsOf, type Results, type Row, rowsOf, titleOf } from "../results.ts";
import { barChart, type Chart, type Group } from "./svg.ts";

/** Distinguishable for colour-blind readers too, on white and on black. */
const colors: Readonly<Record<string, string>> = {
  [titleOf("tidegate")]: "#0b8f8c",
  [titleOf("tidegate-tcp")]: "#5ec4c1",
  [titleOf("tidegate-elsewhere")]: "#8a94a0",
  [titleOf("bullmq")]: "#d9822b",
  [titleOf("bee-queue")]: "#9a6fd0",
};

/** A plot: its file in docs/images, and its section of the page. */
export interface Plot {
  readonly file: string;
  readonly part: string;
  readonly chart: Chart;
}

/** All plots of the results. */
export function plotsOf(results: Results): readonly Plot[] {
  const speed = rowsOf(results, "speed").filter(({ what, unit }) => unit === "jobs a second" && /^drain/.test(what));
  const latency = rowsOf(results, "latency").filter(({ what }) => !what.startsWith("behind"));
  const costs = rowsOf(results, "cost");
  const distances = rowsOf(results, "distance");
  const empty = distances.filter(({ unit }) => unit === "jobs a second");
  const busy = distances.filter(({ what, unit }) => unit === "% of slots busy" && !what.startsWith("the whole"));
  const plots = [
    plot("speed", "drain", "Drain speed by backlog, jobs a second: longer is better", bySystem(speed), "linear"),
    plot(
      "latency",
      "latency",
      "From enqueue to start, ms, each step ten times: shorter is better",
      bySystem(latency),
      "log",
    ),
    plot(
      "distance",
      "distance",
      "Empty jobs a second, by the distance of Redis: longer is better",
      bySystem(empty),
      "log",
    ),
    plot("distance", "busy", "Slots busy in the steady state, %: the line is the ideal", bySystem(busy), "linear", 100),
    plot("cost", "cost", "What a million jobs cost: shorter is better", costBars(costs), "linear"),
  ];
  return plots.filter(({ chart }) => chart.groups.length > 0);
}

function plot(
  part: string,
  name: string,
  title: string,
  groups: readonly Group[],
  scale: Chart["scale"],
  ideal?: number,
): Plot {
  const names = groups.flatMap(({ bars }) => bars.map((bar) => bar.series));
  const series = new Map(names.map((name) => [name, colors[name] ?? "#0b8f8c"]));
  return {
    file: `docs/images/bench-${name}.svg`,
    part,
    chart: { title, series, groups, scale, ...(ideal !== undefined && { ideal }) },
  };
}

export function drawn({ chart }: Plot): string {
  return barChart(chart);
}

function bySystem(rows: readonly Row[]): readonly Group[] {
  const columns = columnsOf(rows);
  return rows.map(({ what, figures }) => ({
    label: what.replace(/^drain /, ""),
    bars: columns.flatMap((column) => {
      const value = figures[column]?.median;
      return value === undefined ? [] : [{ series: titleOf(column), value, text: numberText(value) }];
    }),
  }));
}

function costBars(rows: readonly Row[]): readonly Group[] {
  return rows.map(({ what, figures }) => {
    const value = figures[MILLION_JOBS]?.median ?? 0;
    return { label: what, bars: [{ series: MILLION_JOBS, value, text: `$${value.toFixed(2)}` }] };
  });
}
