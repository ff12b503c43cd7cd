import type { JobInfo } from "../../core/manage/job-info.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { jsonIn } from "../../core/shared/json.ts";
import { bytesOfBody } from "../messages/body.ts";
import type { Message } from "../messages/message.ts";
import { DEFAULT_RETRIES } from "../messages/message-job.ts";
import { lastResponse } from "../messages/message-view.ts";
import { type Redaction, readRedaction } from "../messages/redaction.ts";
import { frontierOf, type Run, type RunState, type RunStep, resultOf } from "./run.ts";
import type { Runs } from "./run-documents.ts";

export async function runLog(run: Run, runs: Runs, queue: Queue) {
  const { id, url, state, createdAt, endedAt, response, invoker, failedBy, options } = run;
  const redaction = readRedaction(options.redact ?? null);
  const bodies = await runs.bodiesOf(run, run.steps.length);
  const { open, next } = await openSteps(run, queue);
  const groups = groupsOf(run).map(({ type, steps }) => ({
    type,
    steps: steps.map((step) => ({
      ...stepLog(run, step, bytesOfBody(bodies[run.steps.indexOf(step)] ?? {}), redaction),
      ...open.get(step),
    })),
  }));
  const { runId, url: invokerUrl, createdAt: invokedAt } = invoker ?? {};
  return {
    ...{ workflowRunId: id, workflowUrl: url, workflowState: `RUN_${state.toUpperCase()}` },
    ...{ workflowRunCreatedAt: createdAt, workflowRunCompletedAt: endedAt },
    steps: next ? [...groups, { type: "next", steps: [next] }] : groups,
    workflowRunResponse: state === "success" ? response : undefined,
    invoker: invoker && { workflowRunId: runId, workflowUrl: invokerUrl, workflowRunCreatedAt: invokedAt },
    dlqId: failedBy,
    failureFunction: failedBy === undefined ? undefined : await failureLog(run, failedBy, queue),
    ...options.limits,
    ...{ label: options.labels?.[0], labels: options.labels },
  };
}

/** The steps of a run in groups. Parallel steps are one group, with a plan for each step that has no result yet. */
function groupsOf(run: Run) {
  const groups: { readonly type: "sequential" | "parallel"; readonly steps: readonly RunStep[] }[] = [];
  const grouped = new Set<RunStep>();
  for (const step of run.steps) {
    if (grouped.has(step)) continue;
    const { target } = step;
    if (target === undefined) groups.push({ type: "sequential", steps: [step] });
    else {
      const plans = run.steps.filter((each) => each.target !== undefined && each.target < target + step.concurrent);
      const open = plans.filter((plan) => !grouped.has(plan));
      const results = open.map((plan) => resultOf(run, plan.target ?? 0));
      for (const each of [...open, ...results]) if (each) grouped.add(each);
      groups.push({ type: "parallel", steps: open.map((plan, index) => results[index] ?? plan) });
    }
  }
  return groups;
}

function stepLog(run: Run, step: RunStep, bytes: Uint8Array | undefined, redaction: Redaction | undefined) {
  const { id: messageId, at: createdAt, concurrent, target } = step;
  const text = new TextDecoder().decode(bytes);
  const isFirst = step === run.steps[0];
  const own = isFirst ? { stepName: "init", stepType: "Initial", out: text } : fieldsOf(text);
  const { retries = DEFAULT_RETRIES, retryDelay, header } = run.options;
  return {
    ...(redaction?.body ? { ...own, out: undefined } : own),
    callType: "step",
    ...{ messageId, createdAt, concurrent, retries, retryDelay },
    state: target === undefined ? "STEP_SUCCESS" : "STEP_PROGRESS",
    headers: isFirst && !redaction?.header ? header : {},
  };
}

function fieldsOf(text: string) {
  const step = jsonIn(text);
  if (step === undefined) return {};
  const { targetStep, stepId, ...fields } = Object(step);
  return { stepId: targetStep || stepId, ...fields };
}

type StepState = ReturnType<typeof stateOf>;

/** The states of the steps that continue a run: planned parallel ones, or the next one. */
async function openSteps(run: Run, queue: Queue) {
  const open = new Map<RunStep, StepState>();
  if (run.state === "success") return { open };
  const failed = run.failedBy === undefined ? null : await queue.getJob(run.failedBy);
  for (const step of frontierOf(run)) {
    const isNext = step.target === undefined;
    const isCulprit = failed !== null && (isNext || isOf(step, failed));
    const job = isCulprit ? failed : await queue.getJob(step.id);
    const state = stateOf(run, step.id, job, isNext || isCulprit);
    if (isNext) return { open, next: state };
    open.set(step, state);
  }
  // The message that failed the run may deliver a result while other steps are still planned.
  const isElsewhere = failed && ![...open.values()].some(({ messageId }) => messageId === failed.id);
  return { open, ...(isElsewhere && { next: stateOf(run, failed.id, failed, true) }) };
}

function isOf({ id, target }: RunStep, { id: messageId, payload }: JobInfo): boolean {
  return messageId === id || (payload as Message).workflow?.step === target;
}

/** @param mayHaveFailed whether a failed run may have failed by this message. */
function stateOf({ state, options }: Run, id: string, job: JobInfo | null, mayHaveFailed: boolean) {
  const { retries = DEFAULT_RETRIES, retryDelay } = options;
  const errors = (job?.errors ?? []).map(({ message, failedAt }) => {
    return { error: message, time: failedAt.getTime(), ...responseOf(job) };
  });
  return {
    ...{ messageId: job?.id ?? id, retries, retryDelay },
    state: stepState(state, errors.length > 0, mayHaveFailed),
    errors: errors.length > 0 ? errors : undefined,
  };
}

function stepState(state: RunState, hasErrors: boolean, mayHaveFailed: boolean): string {
  switch (state) {
    case "canceled":
      return "STEP_CANCELED";
    case "failed":
      return mayHaveFailed ? "STEP_FAILED" : "STEP_PROGRESS";
    case "started":
      return hasErrors ? "STEP_RETRY" : "STEP_PROGRESS";
    case "success":
      return "STEP_PROGRESS";
  }
}

/** The last response. Only this one is stored. */
function responseOf(job: JobInfo | null) {
  const { responseStatus = 0, responseHeader = {}, responseBody = "" } = lastResponse(job?.progress);
  return { status: responseStatus, headers: responseHeader, body: responseBody };
}

/** The state of a failure report. A delivered message is kept only for a while. */
export function callbackState(job: JobInfo | null): string {
  if (!job || job.state === "completed") return "CALLBACK_SUCCESS";
  return job.state === "dead" ? "CALLBACK_FAIL" : "CALLBACK_INPROGRESS";
}

async function failureLog({ options, reportId: messageId }: Run, failedBy: string, queue: Queue) {
  if (!options.failureCallback || messageId === undefined) return undefined;
  const [failed, report] = await Promise.all([queue.getJob(failedBy), queue.getJob(messageId)]);
  const { status, headers, body } = responseOf(failed);
  return {
    ...{ messageId, url: options.failureCallback.url, state: callbackState(report), dlqId: failedBy },
    ...{ failStatus: status, failHeaders: headers, failResponse: body },
    ...(report?.state === "dead" && lastResponse(report.progress)),
  };
}
