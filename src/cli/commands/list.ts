import type { QueueFigures } from "../../core/manage/figures.ts";
import type { QueueStats } from "../../core/manage/stats.ts";
import { totalOf } from "../../http/dashboard/all-queues.ts";
import { readLists } from "../all-queues.ts";
import { metricsTable, type PlacedFigures, typesTable } from "../output/metrics.ts";
import { queuesTable } from "../output/queues.ts";
import { count } from "../output/text.ts";
import { fromNow, moment, span } from "../output/time.ts";
import { addCommand } from "../program.ts";
import { readQueues } from "../queues.ts";
import type { Session } from "../session.ts";
import { openTarget, refuseUnknownQueue, type Target } from "../target.ts";

const DESCRIPTION = `Shows every queue that the handler or the module serves: its jobs by state, its pace in attempts per minute over
the last five minutes, when something is due next, and the last hour in steps of six minutes.

The last line sums up all queues. With --all-queues, one table shows the last hour of the job types of all queues, the one with the highest
95th percentile of duration first.

With --queue, or if there is only one, shows that queue: the number of jobs in each state, the age of the oldest ready one,
and totals so far. A table shows the last hour by job type: outcomes, the median and the 95th percentile of wait and duration,
and how many jobs wait now. ~ marks an estimate.`;

export function addList(session: Session): void {
  addCommand(
    session.program,
    "queue:list",
    "show counts and pace of all queues, or one in detail",
    DESCRIPTION,
    ["tidegate queue:list", "all queues, or the only one in detail"],
    ["tidegate queue:list --queue bulk", "one in detail"],
    ["tidegate queue:list --json | jq .deadLetterCount", "one number, for a script"],
    ["tidegate queue:list --all-queues", "the job types of all queues, the slowest first"],
  )
    .option("--all-queues", "the job types of every queue of the handler or the module, the slowest first")
    .action(async ({ allQueues }) => {
      const target = await openTarget(session);
      if (allQueues) return printTypes(target, session);
      const isOne = session.globals.queue !== undefined || target.kind === "redis";
      const [stats, queues] = await Promise.all([target.queue.getStats(), isOne ? [] : readQueues(target)]);
      await refuseUnknownQueue(target, session, stats);
      if (queues.length > 1) {
        const total = totalOf(queues);
        session.print({ queues, total: total.stats }, () => queuesTable(queues, session, total));
      } else {
        const metrics = await target.queue.getFigures({ days: 0, pending: true });
        session.print({ ...stats, figures: metrics }, () => statistics(target, stats, metrics, session));
      }
    });
}

async function printTypes(target: Target, session: Session): Promise<void> {
  const read = async ({ queue }: Target, name = "-") => {
    const { names, other } = await queue.getFigures({ days: 0, pending: true });
    return { items: [...names, ...(other ? [other] : [])].map((each) => ({ ...each, queue: name })), cursor: null };
  };
  const slowness = ({ hour }: PlacedFigures) => hour.running?.p95Ms ?? -1;
  const slowestFirst = (types: readonly PlacedFigures[]) => [...types].sort((a, b) => slowness(b) - slowness(a));
  const every = { allQueues: true, all: true, limit: 0 } as const;
  const { items: types } = await readLists(target, every, session, read, slowestFirst);
  session.print({ types }, () => (types.length > 0 ? typesTable(types, session) : "No job has ended or waits."));
}

interface Line {
  readonly name: string;
  readonly value: number;
  readonly remark: string;
}

function statistics({ label, command }: Target, stats: QueueStats, metrics: QueueFigures, session: Session): string {
  const { colors, now } = session;
  const next = stats.nextRunAt
    ? `${fromNow(stats.nextRunAt, now)} (${moment(stats.nextRunAt)})`
    : "nothing is scheduled";
  const head = `${colors.bold(label)}${stats.paused ? colors.yellow(`  PAUSED: ${command("queue:resume")}`) : ""}`;
  const parts = [
    head,
    linesTable("NOW", nowLines(stats, command), session),
    linesTable("TOTAL", totalLines(stats), session),
    metricsTable(metrics, session),
    `${colors.dim("Next")}  ${next}`,
  ];
  return parts.filter((part) => part !== undefined).join("\n\n");
}

function linesTable(title: string, lines: readonly Line[], session: Session): string {
  return session.table<Line>(
    [
      { title, cell: ({ name }) => name.padEnd("Completed".length) },
      { title: "JOBS", cell: ({ value }) => count(value), align: "right" },
      { title: "", cell: ({ remark }) => remark, paint: (text) => session.colors.dim(text) },
    ],
    lines,
  );
}

function nowLines(stats: QueueStats, command: Target["command"]): readonly Line[] {
  const oldest = stats.oldestReadyAgeMs;
  const heldBack = stats.readyCount > 0 ? `held back: see ${command("queue:flow")}` : "";
  return [
    {
      name: "Ready",
      value: stats.readyCount,
      remark: oldest === null ? heldBack : `the oldest has been due for ${span(oldest)}`,
    },
    { name: "Scheduled", value: stats.scheduledCount, remark: "" },
    { name: "Running", value: stats.runningCount, remark: "" },
    { name: "Completed", value: stats.completedCount, remark: "kept for the queue's retention" },
    {
      name: "Dead",
      value: stats.deadLetterCount,
      remark: stats.deadLetterCount > 0 ? `see ${command("queue:dlq")}` : "",
    },
  ];
}

function totalLines(stats: QueueStats): readonly Line[] {
  return [
    { name: "Enqueued", value: stats.totalEnqueued, remark: "" },
    { name: "Processed", value: stats.totalProcessed, remark: "" },
    { name: "Retried", value: stats.totalRetried, remark: "attempts" },
    { name: "Dead", value: stats.totalFailed, remark: "" },
    { name: "Expired", value: stats.totalExpired, remark: "" },
  ];
}
