import { storedBody } from "../body.ts";
import type { Message } from "../message.ts";
import { messageIds } from "./messages.ts";
import type { Step, WorkflowNote } from "./note.ts";
import type { Run, RunOptions, RunStep } from "./run.ts";

/** The run that a message begins. */
export function newRun(
  message: Message,
  { runId, createdAt, invoker, redact }: WorkflowNote,
  id: string,
  retries: number | undefined,
  now: number,
): Run {
  const { url, header, timeoutMs, retryDelay, labels, failureCallback, limits, notBefore, body, bodyBase64 } = message;
  const options: RunOptions = {
    header,
    ...(retries !== undefined && { retries }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(retryDelay !== undefined && { retryDelay }),
    ...(labels && { labels }),
    ...(failureCallback && { failureCallback }),
    ...(limits && { limits }),
    ...(redact !== undefined && { redact }),
  };
  const stored = { ...(body !== undefined && { body }), ...(bodyBase64 !== undefined && { bodyBase64 }) };
  const first: RunStep = {
    ...{ id, at: now, step: 0, concurrent: 1, body: stored },
    ...(notBefore !== undefined && { notBefore }),
  };
  return {
    id: runId,
    url,
    createdAt,
    options: optionsFor(runId, createdAt, options),
    ...(invoker && { invoker }),
    state: "started",
    steps: [first],
  };
}

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
