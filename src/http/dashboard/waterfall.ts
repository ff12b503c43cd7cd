import type { StepInfo } from "../../core/manage/step-info.ts";
import type { JobState } from "../../core/store/store.ts";

/** A part of a run, as a bar of a waterfall. */
export interface Bar {
  readonly name: string;
  /** Its colour, and what became of it. */
  readonly kind: JobState | "retried";
  /** When it began, in ms since 1970. */
  readonly from: number;
  /** When it ended; null if it has not. */
  readonly to: number | null;
  /** Why it failed. */
  readonly error?: string | undefined;
}

/** The most bars of a run. */
const MOST_BARS = 100;

/** The colour of a step by its state. */
export const stepKinds: Readonly<Record<StepInfo["state"], Bar["kind"]>> = {
  completed: "completed",
  failed: "dead",
  retrying: "retried",
  timedOut: "retried",
  sleeping: "scheduled",
  waiting: "scheduled",
};

type Timed = Pick<StepInfo, "name" | "state" | "startedAt" | "endedAt"> & {
  readonly error?: StepInfo["error"] | undefined;
};

/** The steps, sleeps and waits of a job as bars, in the order in which they began: the last hundred. */
export const barsOf = (steps: readonly Timed[]): readonly Bar[] =>
  steps.slice(-MOST_BARS).map(({ name, state, startedAt, endedAt, error }) => ({
    ...{ name, kind: stepKinds[state], from: startedAt.getTime(), to: endedAt?.getTime() ?? null },
    ...(error && { error: `${error.name}: ${error.message}` }),
  }));
