import { type FlowControlKey, limitsText } from "../../core/flow/flow-key.ts";
import type { AffectedField, FailureDetails } from "../../core/manage/failure-details.ts";
import type { NameFigures } from "../../core/manage/figures.ts";
import type { JobError, JobInfo } from "../../core/manage/job-info.ts";
import { isShared, shareOf } from "../../core/manage/job-text.ts";
import { isGrowing, paceText } from "../../core/manage/pace.ts";
import type { PausedJobType } from "../../core/manage/paused-jobs.ts";
import type { QueueBrief, QueueStats } from "../../core/manage/stats.ts";
import type { StepInfo } from "../../core/manage/step-info.ts";
import { changeText } from "../../core/observe/change-text.ts";
import type { PausedBy, QueueChange } from "../../core/observe/changes.ts";
import type { ScheduleRow, ScheduleRun } from "../../core/queue/schedule-runs.ts";
import type { UpcomingEvent } from "../../core/queue/upcoming.ts";
import type { ScheduleInfo } from "../../core/schedule/schedules.ts";
import { shortId } from "../../core/shared/id.ts";
import { MOST_EXAMINED } from "../../core/store/failures.ts";
import type { Session } from "../session.ts";
import { bar, barOf } from "./live-line.ts";
import { type Column, cut, facts, table } from "./table.ts";
import { type Colors, count, inline, printable, printableLines, quoted, short } from "./text.ts";
import { brief, fromNow, moment, shortly, span } from "./time.ts";

// What tables and lists of facts show of any answer of a handler: the form of a value follows from its name and type.

export type Row = Readonly<Record<string, unknown>>;
export type View = Pick<Session, "now" | "colors" | "width">;

/** Results of steps are cut to this width: the JSON has all of them. */
const RESULT_WIDTH = 100;

/** Cells that are made of several fields. Facts without a text are left out. */
const made: Readonly<Record<string, (row: never, view: View) => string>> = {
  // Of jobs.
  id: ({ id }: JobInfo, { width }) => (width ? shortId(id) : id),
  attempts: ({ attempts, maxRetries }: JobInfo) =>
    `${attempts}${maxRetries === undefined ? "" : ` of ${maxRetries + 1}`}`,
  when({ completedAt, failedAt, startedAt, runAt }: JobInfo, { now }) {
    const time = completedAt ?? failedAt ?? startedAt ?? runAt;
    return time ? shortly(time, now) : "-";
  },
  error: (row: Failing) => errorIn(row),
  schedule: ({ schedule }: JobInfo) => (schedule ? `${schedule.key}, for ${moment(schedule.occurrence)}` : ""),
  encrypted: ({ encrypted }: JobInfo) => (encrypted ? `🔒 with the key ${encrypted}, which this queue lacks` : ""),
  payload: ({ encrypted, payload }: JobInfo) => (encrypted ? "" : inline(payload)),
  result: ({ encrypted, result }: JobInfo) => (encrypted || result === undefined ? "" : inline(result)),
  progress: ({ encrypted, progress }: JobInfo) => (encrypted || progress === undefined ? "" : progressText(progress)),
  children({ children }: JobInfo) {
    if (!children) return "";
    const { total, pending, ...ended } = children;
    const counts = Object.entries({ "waiting or running": pending, ...ended }).filter(([, of]) => of > 0);
    return `${bar("", total - pending, total).trimStart()}  ${counts.map(([state, of]) => `${of} ${state}`).join(", ")}`;
  },
  state: ({ state }: JobInfo | StepInfo) => (state === "timedOut" ? "timed out" : state),
  outcome: ({ error, result }: StepInfo) =>
    cut(error ? errorText(error) : result === undefined ? "" : inline(result), RESULT_WIDTH),
  // Of groups of failures.
  byMinute: ({ byMinute }: FailureDetails) => bars(byMinute.map((deaths) => deaths ?? 0)),
  field: ({ field }: AffectedField) => field || "(payload)",
  values({ values, of }: AffectedField) {
    const others = values.reduce((left, { count }) => left - count, of);
    const shown = values.map(({ value, count }) => `${inline(value)} (${count})`);
    return [...shown, ...(others > 0 ? [`others (${others})`] : [])].join(", ");
  },
  newest: ({ count: of, name }: FailureDetails) =>
    of > MOST_EXAMINED
      ? `the newest ${MOST_EXAMINED} of ${count(of)} dead jobs. All: queue:jobs --state dead --name ${quoted(name)} --search FIELD=VALUE`
      : "",
  took({ tookMs, startedAt, endedAt, failedAt }: Partial<ScheduleRun & StepInfo> & { readonly failedAt?: Date }) {
    const end = endedAt ?? failedAt;
    const ms = tookMs ?? (startedAt && end ? end.getTime() - startedAt.getTime() : undefined);
    return ms === undefined ? "-" : brief(ms);
  },
  // Of queues.
  due: ({ stats: { paused, nextRunAt } }: QueueBrief, { now }) =>
    paused || !nextRunAt ? "-" : shortly(nextRunAt, now),
  pace: (stats: QueueStats) => paceText(stats, perMinute, brief),
  outlook: ({ stats }: QueueBrief) => (stats.paused ? "paused" : paceText(stats, perMinute, brief)),
  pending: ({ pending: of }: NameFigures) =>
    !of ? "-" : of.count || !of.estimated ? `${of.estimated ? "~" : ""}${short(of.count)}` : "few",
  paused: ({ paused, ...of }: { readonly paused?: unknown }, { now }) =>
    paused ? `paused${pauseText(paused === true ? of : paused, now)}` : "",
  by: ({ by }: QueueChange) => by ?? "(no name)",
  operation: ({ operation: of }: { readonly operation: string }) =>
    changeText(of.replace(/(?<=^pause|^resume)Jobs/, "Type").replace(/FlowControl|Jobs?$/, "")),
  // Of schedules, and what they bring.
  next: ({ paused, nextRunAt }: ScheduleInfo, { now }) =>
    paused ? "paused" : nextRunAt ? shortly(nextRunAt, now) : "-",
  fires: ({ cron, every }: ScheduleInfo) => cron ?? `every ${every}`,
  zone: ({ cron, timeZone }: ScheduleInfo) => (cron === null ? "" : timeZone),
  last: ({ lastRunAt }: ScheduleInfo, { now }) => (lastRunAt ? shortly(lastRunAt, now) : "-"),
  runs: ({ runs }: ScheduleRow) => runs.map(markOf).join("") || "-",
  set: ({ declared }: ScheduleInfo) => (declared ? "code" : "run time"),
  event: ({ of }: UpcomingEvent, { width }) => (width ? shortId(of) : of),
  clock: ({ at }: { readonly at: Date }) => `${at.toISOString().slice(11, 19)} UTC`,
  // Of flow control keys.
  limits: (key: FlowControlKey) => limitsText(key),
};

const markOf = ({ state, error }: ScheduleRun) =>
  state === "completed" ? "✓" : state === "dead" ? "✗" : error === undefined ? "·" : "!";

const inner: Readonly<Record<string, string>> = {
  steps: "step=name state attempt took result=outcome",
  errors: "attempt failed=failedAt took error",
  logs: "at attempt message data",
  runs: "occurrence=at state took id error",
  jobs: "id state since=when name",
  affected: "field newest-jobs=of most-frequent=values",
};

/** Colours of words in a column STATE, NEXT, OUTLOOK, AGE or PAUSED. */
const paints: Readonly<Record<string, keyof Colors>> = {
  ...{ scheduled: "blue", ready: "cyan", running: "yellow", completed: "green", dead: "red" },
  ...{ failed: "red", sleeping: "blue", waiting: "blue", signalled: "cyan", retrying: "yellow", paused: "yellow" },
  ...{ new: "red", over: "dim" },
};

const YIELDING = /^(queue|outlook|by|fires|zone|limits|message|outcome)$/;

type Shown = readonly (readonly [name: string, path: string])[];

const shownIn = (shows: string): Shown =>
  shows
    .split(" ")
    .map((each) => each.split("="))
    .map(([name = "", path = name]) => [name, path] as const);

/**
 * A table. On a terminal, sentences are below their rows: what has failed, or who has paused it and why.
 *
 * @param shows as `Command.shows` has it. Default: every field.
 * @param isOfSeveral whether the rows are of several queues.
 */
export function listText(rows: readonly Row[], shows: string | undefined, view: View, isOfSeveral = false): string {
  const { colors, width } = view;
  const shown: Shown = shownIn(shows ?? Object.keys(rows[0] ?? {}).join(" "));
  const after = shown[0]?.[0] === "id" ? 1 : 0;
  const placed: Shown = isOfSeveral ? shown.toSpliced(after, 0, ["queue", "queue"]) : shown;
  const columns = placed
    .filter(([name]) => name !== "paused" || rows.some(({ paused }) => paused))
    .map(([name, path]): Column<Row> => {
      const isNumber = !(path in made) && rows.every((row) => typeof (at(row, path) ?? 0) === "number");
      return {
        title: inWords(name).toUpperCase(),
        cell: (row) =>
          (name === "error" && alike.has(row) ? "" : cellOf(row, path, view)) ||
          (/^(error|age|result|data|paused|reason)$/.test(name) ? "" : "-"),
        align: isNumber || /^(attempts|pending)$/.test(path) ? "right" : "left",
        isOptional: /^(lastRunAt|last|zone|set|clock|due|(hour|days)\..*)$/.test(path),
        givesWay: /^(id|key|name|event|target|field)$/.test(path) ? 16 : YIELDING.test(path) ? 8 : undefined,
        paint: (text, row) => paint(name, text, row, colors),
      };
    });
  // Of jobs that all failed alike, the first says how.
  const alike = new Set(after && width ? rows.filter((row, at) => errorIn(row) === errorIn(rows[at - 1] ?? {})) : []);
  const below = width === undefined ? undefined : columns.find(({ title }) => /^(ERROR|PAUSED|REASON)$/.test(title));
  const beside = columns.filter((column) => column !== below);
  return table(beside, rows, { colors, width, below });
}

/** One thing: its facts, and below them the lists in it. */
export function factsText(thing: Row, shows: string | undefined, view: View): string {
  const { colors } = view;
  const shown = shownIn(shows ?? Object.keys(thing).join(" "));
  const isList = (path: string) => path in inner && Array.isArray(thing[path]);
  const whole = { now: view.now, colors, width: undefined };
  const entries = shown.flatMap(([name, path]): readonly (readonly [string, string])[] => {
    const value = at(thing, path);
    if (isList(path)) return [];
    const inZone = (time: Date) => timeText(time, path, view, thing["timeZone"]);
    if (path === "occurrences")
      return (value as readonly Date[]).map((time, index) => [index ? "" : inWords(name, true), inZone(time)] as const);
    const text = value instanceof Date && !(path in made) ? timeText(value, path, view) : cellOf(thing, path, whole);
    const isKnown = text !== "" && (path in made || (value !== null && value !== undefined));
    return isKnown ? [[inWords(name, true), paint(name, printable(text), thing, colors)] as const] : [];
  });
  const lists = shown.flatMap(([name, path]) => {
    const all = isList(path) ? (thing[path] as readonly Row[]) : [];
    const rows = all.filter((row) => path !== "affected" || isShared(row as Partial<AffectedField> as AffectedField));
    return rows[0] ? `${colors.bold(inWords(name, true))}\n${listText(rows, inner[path], view)}` : [];
  });
  const { stack } = Object(thing["error"]) as Partial<JobError>;
  return [facts(entries, colors), ...lists, ...(stack ? [colors.dim(printableLines(stack))] : [])].join("\n\n");
}

/** Fills in the {fields} of a text, and makes commands that can be copied of {command WORDS}. */
export function filled(text: string, answer: Row, given: View, command: (words: string) => string): string {
  const view = { now: given.now, colors: given.colors, width: undefined };
  const value = (name: string) => {
    const found = answer[name];
    if (found instanceof Date) return `${fromNow(found, view.now)} (${moment(found)})`;
    return printable(cellOf(answer, name, view));
  };
  // In one pass: what a value has in braces is its own.
  return text
    .replace(/\{command ((?:[^{}]|\{\w+\})*)\}|\{(\w+)\}/g, (_, words: string | undefined, name = "") =>
      words === undefined
        ? value(name)
        : command(words.replace(/\{(\w+)\}/g, (_, inner: string) => quoted(value(inner)))),
    )
    .trimEnd();
}

const at = (row: unknown, path: string): unknown =>
  path.split(".").reduce((value, name) => Object(value)[name] as unknown, row);

function cellOf(row: Row, path: string, view: View): string {
  return made[path]?.(row as never, view) ?? textOf(path, at(row, path), view);
}

function timeText(time: Date, path: string, { now }: View, zone: unknown = "UTC"): string {
  const passed = fromNow(time, now).replace(/^(.*) ago$/, /^(next)?runAt$/i.test(path) ? "overdue by $1" : "$&");
  const local = zone === "UTC" ? "" : `, ${moment(time, String(zone))}`;
  return `${moment(time)}${local} (${passed})`;
}

function textOf(name: string, value: unknown, view: View): string {
  if (value === null || value === undefined) return "";
  if (value instanceof Date) return shortly(value, view.now);
  if (name === "error") return errorText(value as JobError | string);
  if (value === 0 && /\.dead$/.test(name)) return "-";
  if (typeof value === "number")
    return /Ms$/.test(name) ? brief(value) : /^(timeout|period|keep)$/.test(name) ? span(value) : short(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "object" ? inline(value) : String(value);
}

function paint(name: string, text: string, row: Row, colors: Colors): string {
  const word = name === "state" ? String(row["state"]) : name === "paused" ? name : text;
  const isBad = (/^dead/.test(name) && !/^(0|-)$/.test(text)) || (name === "runs" && row["failing"] === true);
  const stats = name === "pace" ? row : name === "outlook" ? row["stats"] : undefined;
  if (stats && isGrowing(stats as QueueStats)) return colors.yellow(text);
  const color =
    name === "error" || isBad ? "red" : /^(state|next|outlook|age|paused)$/.test(name) ? paints[word] : undefined;
  return color ? (colors[color] as (text: string) => string)(text) : text;
}

interface Failing extends Partial<Pick<JobInfo, "name" | "state" | "errors" | "retriedAt">> {
  readonly error?: JobError | string;
  readonly runs?: readonly ScheduleRun[];
  readonly message?: string;
}

function errorIn({ error, errors = [], runs, state, name = "", message, retriedAt }: Failing): string {
  const run = runs?.findLast((each) => each.error !== undefined || each.state === "completed");
  if (run) return run.error === undefined ? "" : `${run.state}: ${run.error}`;
  if (error === undefined && message !== undefined) return errorText({ name, message });
  // What it died of before it was retried is over.
  const isNow = state === "dead" || !retriedAt || Number(errors.at(-1)?.failedAt) > Number(retriedAt);
  const last = error ?? (state === "completed" || !isNow ? undefined : errors.at(-1));
  return last === undefined ? "" : errorText(last);
}

export const errorText = (error: Pick<JobError, "name" | "message"> | string) =>
  typeof error === "string" ? error : error.message === "" ? error.name : `${error.name}: ${error.message}`;

/** A share of the work as a bar, and what says more than that as JSON. */
function progressText(progress: unknown): string {
  const share = shareOf(progress);
  if (share === undefined) return inline(progress);
  const full = Math.max(0, Math.min(1, share));
  const more = typeof progress === "object" || full !== share ? `  ${inline(progress)}` : "";
  return `${barOf(full)} ${Math.round(full * 100)}%${more}`;
}

/** "nextRunAt": "next run" */
export function inWords(name: string, isTitle = false): string {
  const words = name
    .replace(/(At|Ms)$/, "")
    .replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
    .replaceAll("-", " ");
  return isTitle ? words.charAt(0).toUpperCase() + words.slice(1) : words;
}

export type Pause = PausedBy & Partial<PausedJobType>;

/** Who paused something, when and why: " by on-call 9 minutes ago: CRM is down". */
export function pauseText(of: Pause, now: number): string {
  const { pausedBy: by = of.by, pausedAt: since = of.since, pausedReason: reason = of.reason } = of;
  return `${by ? ` by ${by}` : ""}${since ? ` ${fromNow(since, now)}` : ""}${reason ? `: ${reason}` : ""}`;
}

/** "450", "0.2" */
export const perMinute = (jobs: number): string => short(jobs < 10 ? Math.round(jobs * 10) / 10 : Math.round(jobs));

/** The last hour in ten bars. The lowest bar means none. */
function bars(ended: readonly number[]): string {
  const sums = Array.from({ length: 10 }, (_, index) =>
    ended.slice(index * 6, index * 6 + 6).reduce((sum, of) => sum + of, 0),
  );
  const most = Math.max(1, ...sums);
  return sums.map((sum) => "▁▂▃▄▅▆▇█"[Math.ceil((sum / most) * 7)]).join("");
}
