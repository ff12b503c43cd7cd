import type { ScheduleRow, ScheduleRun } from "../../http/dashboard/read-schedules.ts";
import { isFailing } from "../../http/dashboard/shown-texts.ts";
import { type ListView, paintState } from "./jobs.ts";
import { type Column, facts, queueColumnOf, table } from "./table.ts";
import { inline, printable } from "./text.ts";
import { brief, fromNow, moment, shortAgo } from "./time.ts";

/** A schedule, with its queue in a list of several. */
export type PlacedSchedule = ScheduleRow & { readonly queue?: string };

/** A list of schedules, those that fail first. On a terminal, errors are below their schedules. */
export function schedulesTable(schedules: readonly PlacedSchedule[], { now, colors, width }: ListView): string {
  const columns: readonly Column<PlacedSchedule>[] = [
    ...queueColumnOf(schedules),
    { title: "KEY", cell: ({ key }) => key, givesWay: true },
    { title: "FIRES", cell: fires, givesWay: true },
    { title: "ZONE", cell: ({ cron, timeZone }) => (cron === null ? "-" : timeZone), givesWay: true },
    {
      title: "LAST",
      cell: ({ lastRunAt, runs }) => [...(lastRunAt ? [shortAgo(lastRunAt, now)] : ["-"]), marksOf(runs)].join(" "),
      paint: (text, { runs }) => (isFailing(runs) ? colors.red(text) : text),
    },
    {
      title: "NEXT",
      cell: ({ nextRunAt, paused }) => (paused ? "paused" : nextRunAt ? fromNow(nextRunAt, now) : "never"),
      paint: (text, { nextRunAt, paused }) => (paused ? colors.yellow(text) : nextRunAt ? text : colors.red(text)),
    },
    { title: "SET IN", cell: ({ declared }) => (declared ? "code" : "run time") },
    { title: "JOB", cell: ({ name }) => name },
  ];
  const failing = schedules.filter(({ runs }) => isFailing(runs));
  const rows = [...failing, ...schedules.filter((each) => !failing.includes(each))];
  if (width) return table(columns, rows, { colors, width, below: errorText, paintBelow: colors.red });
  return table([...columns, { title: "ERROR", cell: errorText }], rows, { colors });
}

/** One schedule: when it fires, and what became of its last jobs. */
export function scheduleDetails(schedule: ScheduleRow, { now, colors, width }: ListView): string {
  const { key, name, cron, timeZone, paused, declared, nextRunAt, occurrences, missed, overlap, payload } = schedule;
  const entries = [
    ["Key", printable(key)],
    ["Job", printable(name)],
    ["Fires", cron === null ? fires(schedule) : `${cron}, ${timeZone}`],
    ["Next", nextRunAt ? `${moment(nextRunAt)} (${fromNow(nextRunAt, now)})` : paused ? "paused" : "never"],
    ...occurrences.slice(1).map((at) => ["", moment(at)] as const),
    ["Missed", missed],
    ["Overlap", overlap],
    ["Set in", declared ? "code" : "run time"],
    ["Payload", inline(payload)],
  ] as const;
  const columns: readonly Column<ScheduleRun>[] = [
    { title: "LAST", cell: ({ at }) => moment(at) },
    {
      title: "STATE",
      cell: ({ state }) => state,
      paint: (text, { state }) => paintState(text, state, colors),
    },
    { title: "TOOK", cell: ({ tookMs }) => (tookMs === undefined ? "-" : brief(tookMs)), align: "right" },
    { title: "JOB", cell: ({ id }) => id },
  ];
  const runs = [...schedule.runs].reverse();
  const below = ({ error = "" }: ScheduleRun) => error;
  const parts = runs.length > 0 ? [table(columns, runs, { colors, width, below, paintBelow: colors.red })] : [];
  return [facts(entries, colors), ...parts].join("\n\n");
}

const fires = ({ cron, every }: ScheduleRow): string => cron ?? `every ${every}`;

/** One mark for each of the last jobs, oldest first. */
function marksOf(runs: readonly ScheduleRun[]): string {
  const markOf = ({ state, error }: ScheduleRun) =>
    state === "completed" ? "✓" : state === "dead" ? "✗" : error === undefined ? "·" : "!";
  return runs.map(markOf).join("");
}

/** What became of the last job, if it failed: "dead: Error: no luck". */
function errorText({ runs }: ScheduleRow): string {
  const last = isFailing(runs) ? runs.findLast(({ error }) => error !== undefined) : undefined;
  return last ? `${last.state}: ${last.error}` : "";
}
