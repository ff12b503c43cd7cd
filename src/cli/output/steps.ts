import type { JobInfo } from "../../core/manage/job-info.ts";
import type { StepInfo } from "../../core/manage/step-info.ts";
import { cut, table } from "./table.ts";
import { type Colors, inline, printable } from "./text.ts";
import { took } from "./time.ts";

/** Results are cut to this width on every output: the JSON has all of them. */
const RESULT_WIDTH = 100;

interface View {
  readonly colors: Colors;
  /** Default: unlimited. */
  readonly width: number | undefined;
}

/** What a job remembers of its steps, sleeps and waits, in the order in which they began. */
export function stepsOf({ steps = [] }: JobInfo, { colors, width }: View): readonly string[] {
  if (steps.length === 0) return [];
  const columns = [
    { title: "STEP", cell: ({ name }: StepInfo) => name, givesWay: true },
    { title: "STATE", cell: stateText, paint: (text: string, step: StepInfo) => paintState(text, step, colors) },
    { title: "ATTEMPT", cell: ({ attempt }: StepInfo) => String(attempt), align: "right" },
    { title: "TOOK", cell: ({ startedAt, endedAt }: StepInfo) => (endedAt ? took(startedAt, endedAt) : "-") },
    {
      title: "RESULT",
      cell: outcomeText,
      paint: (text: string, { error }: StepInfo) => (error ? colors.red(text) : text),
    },
  ] as const;
  return [table(columns, steps, { colors, width })];
}

/** "the signal reply-42", or "one of the signals paid, cancelled" */
export function waitText({ waitingFor }: JobInfo): string | undefined {
  if (!waitingFor) return undefined;
  const { events } = waitingFor;
  return `${events.length > 1 ? "one of the signals" : "the signal"} ${events.map(printable).join(", ")}`;
}

function stateText({ state }: StepInfo): string {
  return state === "timedOut" ? "timed out" : state;
}

function paintState(text: string, { state }: StepInfo, colors: Colors): string {
  if (state === "completed") return colors.green(text);
  if (state === "failed") return colors.red(text);
  return state === "sleeping" || state === "waiting" ? colors.blue(text) : colors.yellow(text);
}

function outcomeText({ error, result }: StepInfo): string {
  const text = error ? printable(`${error.name}: ${error.message}`) : result === undefined ? "" : inline(result);
  return cut(text, RESULT_WIDTH);
}
