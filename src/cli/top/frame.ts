import { failureColumns } from "../output/failures.ts";
import { attempts, type ListView } from "../output/jobs.ts";
import { queuesTable } from "../output/queues.ts";
import { shortId } from "../output/short-id.ts";
import { type Column, table } from "../output/table.ts";
import { counted, printable } from "../output/text.ts";
import { span } from "../output/time.ts";
import type { Failure, Look, RunningJob } from "./looks.ts";

/** How looks go on. */
export interface Going {
  /** How often a look is taken, in ms. Undefined if it is the only one. */
  readonly everyMs?: number | undefined;
  /** Why the next look failed. */
  readonly failure?: string | undefined;
}

/** The text of a look: queues, running jobs, and what broke last. */
export function frameOf(title: string, look: Look, { everyMs, failure }: Going, view: ListView): string {
  const { colors } = view;
  const { queues, running, failures } = look;
  const withQueue = queues.length > 1;
  const head = [colors.bold(printable(title)), colors.dim(`${look.at.toISOString().slice(11, 19)} UTC`)];
  return [
    head.join("  "),
    ...(everyMs === undefined
      ? []
      : [colors.dim(`Every ${span(everyMs)}, ${costText(look, everyMs)}. Ctrl-C ends it.`)]),
    ...(failure ? [colors.red(failure)] : []),
    "",
    queuesTable(queues, view),
    ...(running.length > 0 ? ["", runningTable(running, withQueue, view)] : []),
    ...(failures.length > 0 ? ["", failuresTable(failures, withQueue, view)] : []),
  ].join("\n");
}

function costText(look: Look, everyMs: number): string {
  const perHour = commandsPerHour(look, everyMs);
  return perHour === 0 ? "at no cost" : `about ${counted(perHour, "command")} an hour`;
}

/** What looks like this one cost an hour, in commands. */
export function commandsPerHour({ commands }: Look, everyMs: number): number {
  return Math.round((commands * 3_600_000) / everyMs);
}

function runningTable(jobs: readonly RunningJob[], withQueue: boolean, { now, colors, width }: ListView): string {
  const columns: Column<RunningJob>[] = [
    { title: "RUNNING", cell: ({ id }) => (width ? shortId(id) : id), givesWay: true },
    ...(withQueue ? [queueColumn] : []),
    { title: "ATTEMPTS", cell: attempts, align: "right" },
    { title: "FOR", cell: ({ startedAt }) => (startedAt ? span(now - startedAt.getTime()) : "-") },
    { title: "NAME", cell: ({ name }) => name },
  ];
  return table(columns, jobs, { colors, width });
}

function failuresTable(failures: readonly Failure[], withQueue: boolean, { now, colors, width }: ListView): string {
  const columns: readonly Column<Failure>[] = failureColumns(now, colors);
  return table(withQueue ? [queueColumn, ...columns] : columns, failures, { colors, width });
}

const queueColumn: Column<{ readonly queue: string }> = { title: "QUEUE", cell: ({ queue }) => queue, givesWay: true };
