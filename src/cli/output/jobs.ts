import type { DeadJob, JobInfo } from "../../core/manage/job-info.ts";
import { heldBackTexts, shareOf } from "../../http/dashboard/shown-texts.ts";
import { bar, barOf } from "./live-line.ts";
import { shortId } from "./short-id.ts";
import { stepsOf, waitText } from "./steps.ts";
import { type Column, facts, queueColumn, table } from "./table.ts";
import { type Colors, inline, printable, printableLines } from "./text.ts";
import { fromNow, moment, span, took } from "./time.ts";

export interface ListView {
  readonly now: number;
  readonly colors: Colors;
  /** The width of the terminal. If undefined, ids and errors are whole, and each job has one line. */
  readonly width: number | undefined;
}

interface JobView extends ListView {
  /** Whether the jobs are of several queues. Default false. */
  readonly withQueue?: boolean;
}

/** A list of jobs. On a terminal, errors are below their jobs. */
export function jobTable(jobs: readonly JobInfo[], view: JobView): string {
  return tableOf(jobs, view, [
    { title: "STATE", cell: ({ state }) => state, paint: (text, { state }) => paintState(text, state, view.colors) },
    { title: "ATTEMPTS", cell: attempts, align: "right" },
    { title: "WHEN", cell: (job) => when(job, view.now) },
  ]);
}

/** A list of dead jobs. On a terminal, errors are below their jobs. */
export function deadTable(jobs: readonly DeadJob[], view: JobView): string {
  return tableOf(jobs, view, [
    { title: "DEAD", cell: ({ failedAt }) => fromNow(failedAt, view.now) },
    { title: "ATTEMPTS", cell: ({ attempts }) => String(attempts), align: "right" },
  ]);
}

function tableOf<Job extends JobInfo>(
  jobs: readonly Job[],
  { colors, width, withQueue }: JobView,
  own: readonly Column<Job>[],
): string {
  const id: Column<Job> = { title: "ID", cell: ({ id }) => (width ? shortId(id) : id), givesWay: true };
  const columns: Column<Job>[] = [
    id,
    ...(withQueue ? [queueColumn] : []),
    ...own,
    { title: "NAME", cell: ({ name }) => name },
  ];
  if (width) return table(columns, jobs, { colors, width, below: errorText, paintBelow: colors.red });
  return table([...columns, { title: "ERROR", cell: errorText }], jobs, { colors });
}

/** What has become of the children of a job: a bar, how many are in each state, and the first of them. */
export function childrenOf({ children }: JobInfo, jobs: readonly JobInfo[], view: ListView): readonly string[] {
  if (!children) return [];
  const { total, pending, completed, dead, dropped } = children;
  const counts = { pending, completed, dead, dropped };
  const states = Object.entries(counts).flatMap(([state, count]) => (count > 0 ? `${count} ${state}` : []));
  const summary = `${bar("Children", total - pending, total)}  ${states.join(", ")}`;
  return [summary, ...(jobs.length > 0 ? [jobTable(jobs, view)] : [])];
}

function errorText({ state, error, errors }: JobInfo): string {
  const last = error ?? (state === "completed" ? undefined : errors.at(-1));
  return last ? `${last.name}: ${last.message}` : "";
}

export function jobDetails(job: JobInfo, { now, colors, width }: ListView): string {
  const at = (time: Date | null | undefined) => (time ? `${moment(time)} (${fromNow(time, now)})` : undefined);
  const entries = [
    ["Id", printable(job.id)],
    ["Name", printable(job.name)],
    ["Queue", printable(job.queue)],
    ["State", paintState(job.state, job.state, colors)],
    ["Attempts", attempts(job)],
    ["Enqueued", at(job.enqueuedAt)],
    ["Enqueued by", job.enqueuedBy],
    ["Runs", at(job.runAt)],
    ["Expires", at(job.expiresAt)],
    ["Held back by", job.heldBack && `the key ${printable(job.heldBack.key)}: ${heldBackTexts[job.heldBack.reason]}`],
    ["since", at(job.heldBack?.since)],
    ["until", at(job.heldBack?.until)],
    ["Waits for", waitText(job)],
    ["until", at(job.waitingFor?.until)],
    ["Started", at(job.startedAt)],
    ["Timeout", job.timeout ? span(job.timeout) : undefined],
    ["Lease ends", at(job.leaseEndsAt)],
    ["Completed", at(job.completedAt)],
    ["Dead since", at(job.failedAt)],
    ["Schedule", job.schedule && `${printable(job.schedule.key)}, for ${moment(job.schedule.slot)}`],
    ["Progress", job.progress === undefined || job.encrypted ? undefined : progressText(job.progress)],
    ["Encrypted", job.encrypted && `🔒 with the key ${printable(job.encrypted)}, which this queue lacks`],
    ["Payload", job.encrypted ? undefined : inline(job.payload)],
    ["Result", job.result === undefined || job.encrypted ? undefined : inline(job.result)],
  ] as const;
  const known = entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  const parts = [...stepsOf(job, { colors, width }), ...logs(job, colors), ...failures(job, now, colors)];
  return [facts(known, colors), ...parts].join("\n\n");
}

/** A share of the work as a bar, and what says more than that as JSON. */
function progressText(progress: unknown): string {
  const share = shareOf(progress);
  if (share === undefined) return inline(progress);
  const full = Math.max(0, Math.min(1, share));
  const more = typeof progress === "object" || full !== share ? `  ${inline(progress)}` : "";
  return `${barOf(full)} ${Math.round(full * 100)}%${more}`;
}

function logs({ logs }: JobInfo, colors: Colors): readonly string[] {
  const lines = logs.map(({ at, attempt, message, data }) =>
    [
      colors.dim(`${moment(at)}  attempt ${attempt}`),
      printable(message),
      ...(data === undefined ? [] : [inline(data)]),
    ].join("  "),
  );
  return lines.length > 0 ? [lines.join("\n")] : [];
}

function failures({ errors, error }: JobInfo, now: number, colors: Colors): readonly string[] {
  const past = errors.map(
    ({ attempt, name, message, startedAt, failedAt }) =>
      `${colors.red(`Attempt ${attempt}`)} failed ${fromNow(failedAt, now)}${startedAt ? ` after ${took(startedAt, failedAt)}` : ""}: ${printable(`${name}: ${message}`)}`,
  );
  const stack = error?.stack ? [colors.dim(printableLines(error.stack))] : [];
  return past.length > 0 || stack.length > 0 ? [[...past, ...stack].join("\n")] : [];
}

function when({ state, completedAt, failedAt, startedAt, runAt }: JobInfo, now: number): string {
  if (state === "running") return startedAt ? `for ${span(now - startedAt.getTime())}` : "now";
  const time = completedAt ?? failedAt ?? runAt;
  return time ? fromNow(time, now) : "-";
}

/** "2 of 4": attempts that have started, out of the maximum if it is known. */
export function attempts({ attempts, maxRetries }: Pick<JobInfo, "attempts" | "maxRetries">): string {
  return maxRetries === null ? String(attempts) : `${attempts} of ${maxRetries + 1}`;
}

export function paintState(text: string, state: JobInfo["state"], colors: Colors): string {
  const paints = {
    scheduled: colors.blue,
    ready: colors.cyan,
    running: colors.yellow,
    completed: colors.green,
    dead: colors.red,
  };
  return paints[state](text);
}
