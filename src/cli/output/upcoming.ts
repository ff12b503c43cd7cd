import type { Upcoming, UpcomingEvent } from "../../http/dashboard/read-schedules.ts";
import type { ListView } from "./jobs.ts";
import { queueColumnOf } from "./queue-column.ts";
import { type Column, table } from "./table.ts";
import { fromNow } from "./time.ts";

/** What will run within the hour, in the order of time. */
export function upcomingTable({ next }: Upcoming, { now, colors, width }: ListView): string {
  const columns: readonly Column<UpcomingEvent>[] = [
    { title: "AT", cell: ({ at }) => `${at.toISOString().slice(11, 19)} UTC` },
    { title: "WHEN", cell: ({ at }) => fromNow(at, now) },
    {
      title: "KIND",
      cell: ({ kind }) => kind,
      paint: (text, { kind }) => (kind === "retry" ? colors.yellow(text) : text),
    },
    ...queueColumnOf(next),
    { title: "JOB", cell: ({ name }) => name, givesWay: true },
    { title: "ID OR SCHEDULE", cell: ({ of }) => of },
  ];
  return table(columns, next, { colors, width });
}

/** How many jobs and occurrences there are in all. */
export function totalOf({ minutes }: Upcoming): number {
  return minutes.reduce((sum, { jobs, retries, occurrences }) => sum + jobs + retries + occurrences, 0);
}
