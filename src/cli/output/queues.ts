import type { QueueBrief, QueueStats } from "../../core/manage/stats.ts";
import { MINUTE_MS } from "../../core/store/stats.ts";
import type { ListView } from "./jobs.ts";
import { type Column, table } from "./table.ts";
import { short } from "./text.ts";
import { fromNow } from "./time.ts";

/** The pace is an average over so many minutes and the current one. */
const RECENT_MINUTES = 5;

/** @param total their last line. It has no NEXT, which would be that of a paused or held-back queue. */
export function queuesTable(
  queues: readonly QueueBrief[],
  { now, colors, width }: ListView,
  total?: QueueBrief,
): string {
  const next = ({ paused, nextRunAt }: QueueStats) => (paused ? "paused" : nextRunAt ? fromNow(nextRunAt, now) : "-");
  const red = (text: string, { stats }: QueueBrief) => (stats.deadLetterCount > 0 ? colors.red(text) : text);
  const columns: Column<QueueBrief>[] = [
    { title: "QUEUE", cell: ({ queue }) => queue, givesWay: true },
    { title: "READY", cell: ({ stats }) => short(stats.readyCount), align: "right" },
    { title: "SCHEDULED", cell: ({ stats }) => short(stats.scheduledCount), align: "right" },
    { title: "RUNNING", cell: ({ stats }) => short(stats.runningCount), align: "right" },
    { title: "DEAD", cell: ({ stats }) => short(stats.deadLetterCount), align: "right", paint: red },
    { title: "PACE", cell: ({ ended }) => pace(ended, now), align: "right" },
    {
      title: "NEXT",
      cell: (row) => (row === total ? "" : next(row.stats)),
      paint: (text, { stats }) => (stats.paused ? colors.yellow(text) : text),
    },
    { title: "LAST HOUR", cell: ({ ended }) => bars(ended), paint: (text) => colors.cyan(text) },
  ];
  return table(columns, total ? [...queues, total] : queues, { colors, width });
}

/** How many attempts have ended per minute lately: "120/min", "2/min", "0.4/min". The current minute counts in part. */
function pace(ended: readonly number[], now: number): string {
  const count = ended.slice(-RECENT_MINUTES - 1).reduce((sum, each) => sum + each, 0);
  const each = count / (RECENT_MINUTES + (now % MINUTE_MS) / MINUTE_MS);
  return `${short(each < 10 ? Math.round(each * 10) / 10 : Math.round(each))}/min`;
}

const heights = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const BAR_MINUTES = 6;

/** The last hour in ten bars. The lowest bar means none. */
function bars(ended: readonly number[]): string {
  const sums = Array.from({ length: Math.ceil(ended.length / BAR_MINUTES) }, (_, index) =>
    ended.slice(index * BAR_MINUTES, (index + 1) * BAR_MINUTES).reduce((sum, count) => sum + count, 0),
  );
  const most = Math.max(1, ...sums);
  return sums.map((sum) => heights[Math.ceil((sum / most) * (heights.length - 1))]).join("");
}
