import { failureColumns } from "../output/failures.ts";
import { attempts, type ListView } from "../output/jobs.ts";
import { queueColumn } from "../output/queue-column.ts";
import { queuesTable } from "../output/queues.ts";
import { shortId } from "../output/short-id.ts";
import { type Column, table } from "../output/table.ts";
import { counted, printable } from "../output/text.ts";
import { span } from "../output/time.ts";
import { helpText } from "./keys.ts";
import type { Failure, RunningJob, Snapshot } from "./snapshots.ts";
import { firstView, queuesIn, type View } from "./view.ts";

export interface Refresh {
  /** How often the frame is refreshed, in ms. Undefined for a single frame. */
  readonly everyMs?: number | undefined;
  /** Why the last refresh failed. */
  readonly failure?: string | undefined;
  /** Whether keys change the view. Default false. */
  readonly hasKeys?: boolean | undefined;
}

/** The text of a snapshot: queues, running jobs, and the latest failures. */
export function frameOf(
  title: string,
  snapshot: Snapshot,
  refresh: Refresh,
  view: ListView,
  shown = firstView,
): string {
  const { colors } = view;
  const { failure } = refresh;
  const withQueue = snapshot.queues.length > 1;
  const isShown = ({ queue }: { readonly queue: string }) => shown.queue === undefined || queue === shown.queue;
  const running = snapshot.running.filter(isShown);
  const failures = snapshot.failures.filter(isShown);
  const head = [colors.bold(printable(title)), colors.dim(`${snapshot.at.toISOString().slice(11, 19)} UTC`)];
  return [
    [...head, ...(shown.isPaused ? [colors.yellow("PAUSED: p goes on")] : [])].join("  "),
    ...howOften(snapshot, refresh, shown).map(colors.dim),
    ...(failure ? [colors.red(failure)] : []),
    "",
    ...(shown.isHelp ? [helpText, ""] : []),
    queuesTable(queuesIn(shown, snapshot.queues), view),
    ...(running.length > 0 ? ["", runningTable(running, withQueue, view)] : []),
    ...(failures.length > 0 ? ["", failuresTable(failures, withQueue, view)] : []),
  ].join("\n");
}

function howOften(snapshot: Snapshot, { everyMs, hasKeys }: Refresh, { sort }: View): readonly string[] {
  if (everyMs === undefined) return [];
  const sorted = sort === "as given" ? "" : ` Sorted by ${sort} jobs.`;
  return [
    `Every ${span(everyMs)}, ${costText(snapshot, everyMs)}.${sorted} ${hasKeys ? "q ends it, ? for help." : "Ctrl-C ends it."}`,
  ];
}

function costText(snapshot: Snapshot, everyMs: number): string {
  const perHour = commandsPerHour(snapshot, everyMs);
  return perHour === 0 ? "at no cost" : `about ${counted(perHour, "command")} an hour`;
}

export function commandsPerHour({ commands }: Snapshot, everyMs: number): number {
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
