import { failureGroup } from "../../core/job/failure-group.ts";
import type { JobError, JobInfo } from "../../core/manage/job-info.ts";
import { shareOf } from "../../core/manage/job-text.ts";
import type { KeyedJob } from "../../core/manage/list.ts";
import type { StepInfo } from "../../core/manage/step-info.ts";

/** How much of the JSON of a value the page shows. */
export const MOST_SHOWN_CHARACTERS = 20_000;

/** The same of the result of a step, and how many of the steps that have completed it shows. */
const MOST_STEP_CHARACTERS = 1_000;
const MOST_COMPLETED_STEPS = 100;

const valueNames = ["payload", "result", "progress"] as const;

/** A job as its own page shows it. The page polls while the job runs, so it gets only beginnings of large values. */
export interface ShownJob extends JobInfo {
  readonly steps?: readonly ShownStep[];
  /** The group of failures of a dead job, unless its error is encrypted. */
  readonly group?: string;
  /** How many steps are left out. */
  readonly earlierSteps?: number;
  /** The beginnings of large values, as indented JSON, in place of the values. */
  readonly beginnings?: { readonly [Name in (typeof valueNames)[number]]?: string };
}

interface ShownStep extends StepInfo {
  /** The beginning of its JSON. */
  readonly result?: string;
}

export function shownJob({ steps, ...job }: JobInfo): ShownJob {
  const large = valueNames.filter((name) => (JSON.stringify(job[name]) ?? "").length > MOST_SHOWN_CHARACTERS);
  // One more character says that the text continues.
  const beginningOf = (value: unknown) => JSON.stringify(value, null, 2).slice(0, MOST_SHOWN_CHARACTERS + 1);
  return {
    ...job,
    ...Object.fromEntries(large.map((name) => [name, undefined])),
    ...(steps && shownSteps(steps)),
    ...(job.error && !job.encrypted && { group: failureGroup(job.name, job.error) }),
    ...(large.length > 0 && { beginnings: Object.fromEntries(large.map((name) => [name, beginningOf(job[name])])) }),
  };
}

/** All that is not completed, and the last of the others. */
function shownSteps(all: readonly StepInfo[]): Pick<ShownJob, "steps" | "earlierSteps"> {
  const first = Math.max(0, all.length - MOST_COMPLETED_STEPS);
  const steps = all.filter(({ state }, index) => index >= first || state !== "completed").map(shownStep);
  return { steps, earlierSteps: all.length - steps.length };
}

function shownStep({ result, ...step }: StepInfo): ShownStep {
  if (result === undefined) return step;
  const text = JSON.stringify(result, null, 2);
  const isCut = text.length > MOST_STEP_CHARACTERS;
  return { ...step, result: isCut ? `${text.slice(0, MOST_STEP_CHARACTERS)}...` : text };
}

const PREVIEWED_CHARACTERS = 160;

/** A job as a list shows it: without fields that can be large. */
export interface JobRow
  extends Omit<KeyedJob, "payload" | "result" | "progress" | "errors" | "error" | "logs" | "steps"> {
  /** The beginning of the payload's JSON. Of a child that has completed: of its result. */
  readonly preview: string;
  readonly error?: Omit<JobError, "stack">;
  readonly isAsleep?: boolean;
  /** Whether it has the text of the search as a whole value. */
  readonly isWhole?: boolean;
  /** How much of the work is done, up to 1. Only of a job that has not ended. */
  readonly share?: number;
}

export function rowOf(info: KeyedJob): JobRow {
  const { payload, result, progress, errors, error, logs, steps, ...job } = info;
  const text = payload === null ? "" : JSON.stringify(payload);
  const preview = job.encrypted === undefined ? text : `🔒 ${job.encrypted}`;
  const isOver = job.state === "completed" || job.state === "dead";
  const share = isOver ? undefined : shareOf(progress);
  return {
    ...job,
    ...(share !== undefined && { share }),
    preview: preview.slice(0, PREVIEWED_CHARACTERS),
    ...(error && { error: { name: error.name, message: error.message } }),
    ...(steps?.some(({ state }) => state === "sleeping") && { isAsleep: true }),
  };
}

/** A child in the list of its parent. */
export function childRowOf(info: JobInfo): JobRow {
  const { result } = info;
  return rowOf(result == null ? info : { ...info, payload: result });
}
