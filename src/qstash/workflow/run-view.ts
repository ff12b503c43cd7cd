import type { Queue } from "../../core/queue/queue.ts";
import type { RunPage, RunStepView, RunView } from "../../http/qstash-port.ts";
import { runsOf } from "./host.ts";
import { runLog } from "./run-log.ts";

const MOST_LISTED = 50;

/** What the dashboard lists of runs, newest first. */
export async function runPage(queue: Queue, cursor: string | undefined): Promise<RunPage> {
  const page = await runsOf(queue).list(cursor, MOST_LISTED);
  const runs = page.runs.map(({ summary: { id, url, state, createdAt } }) => ({ id, url, state, createdAt }));
  return { runs, cursor: page.cursor };
}

/** A run with its steps; undefined if there is none. A step begins when the one before it has a result. The name of one
 * that has none yet is not known. */
export async function runView(queue: Queue, id: string): Promise<RunView | undefined> {
  const runs = runsOf(queue);
  const run = await runs.find(id);
  if (!run) return undefined;
  const log = await runLog(run, runs, queue);
  const steps: RunStepView[] = [];
  let from = run.createdAt;
  for (const group of log.steps) {
    const began = from;
    for (const step of group.steps) {
      const { messageId, state, ...rest } = step as LoggedStep;
      const to = state === "STEP_SUCCESS" ? (rest.createdAt ?? began) : undefined;
      const error = rest.errors?.at(-1)?.error;
      steps.push({
        ...{ name: rest.stepName ?? `after ${steps.at(-1)?.name}`, messageId, from: began, to },
        state: states[state] ?? "waiting",
        ...(error !== undefined && { error }),
      });
      from = Math.max(from, to ?? from);
    }
  }
  return { ...{ id, url: run.url, state: run.state, createdAt: run.createdAt, endedAt: run.endedAt }, steps };
}

interface LoggedStep {
  readonly messageId: string;
  readonly state: string;
  readonly stepName?: string;
  readonly createdAt?: number;
  readonly errors?: readonly { readonly error: string }[] | undefined;
}

const states: Readonly<Record<string, RunStepView["state"]>> = {
  STEP_SUCCESS: "completed",
  STEP_FAILED: "failed",
  STEP_RETRY: "retrying",
  STEP_CANCELED: "canceled",
};
