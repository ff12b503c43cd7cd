import { type ListView, paintState } from "./jobs.ts";
import { shortId } from "./short-id.ts";
import { type Column, facts, table } from "./table.ts";
import { type Colors, printable } from "./text.ts";
import { fromNow, moment, took } from "./time.ts";

/** A run of a workflow of QStash's SDK, or a job with steps. */
export interface RunBrief {
  readonly id: string;
  readonly kind: "workflow" | "job";
  /** The address of the workflow, or the name of the job. */
  readonly name: string;
  readonly state: RunState;
  readonly startedAt: Date;
  /** Null while it goes on. */
  readonly endedAt: Date | null;
  /** How many steps are done, of those that have begun. */
  readonly done: number;
  readonly total: number;
}

export type RunState = "running" | "completed" | "dead" | "cancelled";

export interface RunStep {
  readonly name: string;
  readonly state: string;
  readonly startedAt: Date;
  /** Null if it has not ended. */
  readonly endedAt: Date | null;
  /** Why it failed, or its last attempt did. */
  readonly error?: string;
}

export interface RunDetails extends RunBrief {
  readonly steps: readonly RunStep[];
}

export function runsTable(runs: readonly RunBrief[], { now, colors, width }: ListView): string {
  const columns: readonly Column<RunBrief>[] = [
    { title: "ID", cell: ({ id, kind }) => (width && kind === "job" ? shortId(id) : id), givesWay: true },
    { title: "STATE", cell: ({ state }) => state, paint: (text, { state }) => paint(text, state, colors) },
    { title: "STARTED", cell: ({ startedAt }) => fromNow(startedAt, now) },
    { title: "TOOK", cell: (run) => tookText(run, now) },
    { title: "STEPS", cell: ({ done, total }) => `${done} of ${total}`, align: "right" },
    { title: "NAME", cell: ({ name }) => name },
  ];
  return table(columns, runs, { colors, width });
}

/** A run, and when each of its steps ran: one bar for each, on one scale. */
export function waterfall(run: RunDetails, { now, colors, width }: ListView): string {
  const { id, name, state, startedAt, done, total, steps } = run;
  const entries = [
    ["Id", printable(id)],
    ["Name", printable(name)],
    ["State", paint(state, state, colors)],
    ["Started", `${moment(startedAt)} (${fromNow(startedAt, now)})`],
    ["Took", tookText(run, now)],
    ["Steps", `${done} of ${total} done`],
  ] as const;
  const endsAt = new Date(Math.max(endOf(run, now), ...steps.map((step) => endOf(step, now))));
  const beginsAt = Math.min(startedAt.getTime(), ...steps.map((step) => step.startedAt.getTime()));
  const room = Math.max(LEAST_BAR, Math.min(MOST_BAR, (width ?? USUAL_WIDTH) - BESIDE_BARS));
  const scale = { from: beginsAt, to: endsAt.getTime(), room, now };
  const columns: readonly Column<RunStep>[] = [
    { title: "STEP", cell: ({ name }) => name, givesWay: true },
    { title: "STATE", cell: ({ state }) => state },
    { title: "TOOK", cell: (step) => tookText(step, now), align: "right" },
    {
      title: `0${took(new Date(beginsAt), endsAt).padStart(room - 1)}`,
      cell: (step) => barOf(step, scale),
      paint: (text, { endedAt }) => (endedAt ? colors.cyan(text) : colors.yellow(text)),
    },
  ];
  const below = ({ error = "" }: RunStep) => error;
  const options = { colors, width, below, paintBelow: colors.red };
  return [facts(entries, colors), ...(steps.length > 0 ? [table(columns, steps, options)] : [])].join("\n\n");
}

const USUAL_WIDTH = 100;
const BESIDE_BARS = 50;
const LEAST_BAR = 16;
const MOST_BAR = 60;

interface Scale {
  readonly from: number;
  readonly to: number;
  readonly room: number;
  readonly now: number;
}

/** At least one character, so that a short step is seen. An open end is lighter. */
function barOf(step: RunStep, { from, to, room, now }: Scale): string {
  const at = (ms: number) => Math.round(((ms - from) / Math.max(1, to - from)) * room);
  const begin = Math.min(at(step.startedAt.getTime()), room - 1);
  const length = Math.max(1, at(endOf(step, now)) - begin);
  // A column is trimmed at its end alone.
  return `${"·".repeat(begin)}${(step.endedAt ? "█" : "▒").repeat(length)}`;
}

interface Lasting {
  readonly startedAt: Date;
  readonly endedAt: Date | null;
}

const endOf = ({ startedAt, endedAt }: Lasting, now: number) =>
  endedAt?.getTime() ?? Math.max(now, startedAt.getTime());

function tookText(lasting: Lasting, now: number): string {
  const text = took(lasting.startedAt, new Date(endOf(lasting, now)));
  return lasting.endedAt ? text : `${text} so far`;
}

function paint(text: string, state: RunState, colors: Colors): string {
  return state === "cancelled" ? colors.dim(text) : paintState(text, state, colors);
}
