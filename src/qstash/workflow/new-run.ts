import { storedBody } from "../body.ts";
import { messageIds } from "./messages.ts";
import type { Step } from "./note.ts";
import type { RunOptions, RunStep } from "./run.ts";

/** The options of a run, whose failure callback says which run it is. */
export function optionsFor(runId: string, createdAt: number, options: RunOptions): RunOptions {
  const { failureCallback, ...rest } = options;
  if (!failureCallback) return rest;
  const header = { ...failureCallback.header, "Upstash-Workflow-Runid": [runId] };
  return { ...rest, failureCallback: { ...failureCallback, header, workflow: { runId, createdAt, role: "failure" } } };
}

/** A step as a run keeps it. */
export function runStepOf(runId: string, step: Step, body: Uint8Array, now: number): RunStep {
  const { stepId, targetStep, concurrent } = step;
  const isPlan = targetStep !== undefined && targetStep > 0;
  return {
    id: isPlan ? messageIds.plan(runId, targetStep) : messageIds.result(runId, stepId),
    ...{ at: now, step: stepId, concurrent, body: storedBody(body) },
    ...(isPlan && { target: targetStep }),
  };
}
