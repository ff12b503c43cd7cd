import type { NameFigures, Percentiles, QueueFigures } from "../../core/manage/figures.ts";
import type { ListView } from "./jobs.ts";
import { type Column, table } from "./table.ts";
import { type Colors, short } from "./text.ts";
import { brief } from "./time.ts";

/** How many job types are shown: those with the most attempts. */
const MOST_SHOWN = 20;

/** A table of the last hour by job type, and of what waits now. Undefined if there is nothing to show. */
export function metricsTable({ names, other }: QueueFigures, view: ListView): string | undefined {
  const { colors, width } = view;
  const all = [...names, ...(other ? [other] : [])].filter((each) => attempts(each) + waiting(each) > 0);
  if (all.length === 0) return undefined;
  const busiest = all.sort((a, b) => attempts(b) - attempts(a) || waiting(b) - waiting(a)).slice(0, MOST_SHOWN);
  const columns: Column<NameFigures>[] = [
    nameColumn,
    processed,
    { title: "RETRIED", cell: ({ hour }) => short(hour.retried), align: "right" },
    dead(colors),
    { title: "WAIT P50", cell: ({ hour }) => time(hour.waiting, "medianMs"), align: "right" },
    { title: "P95", cell: ({ hour }) => time(hour.waiting, "p95Ms"), align: "right" },
    ...running,
    ...(all.some(({ pending }) => pending) ? [waitingColumn] : []),
  ];
  const more =
    all.length > busiest.length ? `\n${colors.dim(`${all.length - busiest.length} more job types did less.`)}` : "";
  return table(columns, busiest, { colors, width }) + more;
}

/** One table of the job types of several queues, in the order given. */
export function typesTable(types: readonly PlacedFigures[], { colors, width }: ListView): string {
  const columns: Column<PlacedFigures>[] = [
    { title: "QUEUE", cell: ({ queue }) => queue, givesWay: true },
    nameColumn,
    processed,
    dead(colors),
    waitingColumn,
    ...running,
  ];
  return table(columns, types, { colors, width });
}

/** A job type of one of several queues. */
export type PlacedFigures = NameFigures & { readonly queue: string };

const nameColumn: Column<NameFigures> = { title: "LAST HOUR", cell: ({ name }) => name, givesWay: true };
const processed: Column<NameFigures> = {
  title: "PROCESSED",
  cell: ({ hour }) => short(hour.processed),
  align: "right",
};
const dead = (colors: Colors): Column<NameFigures> => ({
  title: "DEAD",
  cell: ({ hour }) => short(hour.dead),
  align: "right",
  paint: (text, { hour }) => (hour.dead > 0 ? colors.red(text) : text),
});
const running: readonly Column<NameFigures>[] = [
  { title: "RUN P50", cell: ({ hour }) => time(hour.running, "medianMs"), align: "right" },
  { title: "P95", cell: ({ hour }) => time(hour.running, "p95Ms"), align: "right" },
];

function time(times: Percentiles | null, field: keyof Percentiles): string {
  return times ? brief(times[field]) : "-";
}

function attempts({ hour: { processed, retried, dead } }: NameFigures): number {
  return processed + retried + dead;
}

function waiting({ pending }: NameFigures): number {
  return pending?.count ?? 0;
}

const waitingColumn: Column<NameFigures> = {
  title: "WAITING",
  cell: ({ pending }) => (pending ? `${pending.estimated ? "~" : ""}${short(pending.count)}` : "-"),
  align: "right",
};
