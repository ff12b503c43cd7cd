import type { JobInfo } from "../../core/manage/job-info.ts";
import { internalsOf } from "../../core/queue/internals.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { jsonIn } from "../../core/shared/json.ts";
import { bytesOfBody } from "../messages/body.ts";
import type { Message } from "../messages/message.ts";
import { withoutEnding } from "../messages/message-job.ts";
import { lastResponse } from "../messages/message-view.ts";
import { type Redaction, readRedaction } from "../messages/redaction.ts";
import { frontierOf, type Run, type RunState, type RunStep, resultOf } from "./run.ts";
import type { Runs } from "./run-documents.ts";
import { jobIdOf } from "./run-messages.ts";

const DEFAULT_RETRIES = 3;

/** A run with its steps, as the API shows it. */
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
  const failureFunction = failedBy === undefined ? undefined : await failureLog(run, failedBy, queue);
  return {
    ...{ workflowRunId: id, workflowUrl: url, workflowState: `RUN_${state.toUpperCase()}` },
    workflowRunCreatedAt: createdAt,
    ...(endedAt !== undefined && { workflowRunCompletedAt: endedAt }),
    steps: next ? [...groups, { type: "next", steps: [next] }] : groups,
    ...(state === "success" && response !== undefined && { workflowRunResponse: response }),
    ...(invoker && {
      invoker: {
        ...{ workflowRunId: invoker.runId, workflowUrl: invoker.url },
        workflowRunCreatedAt: invoker.createdAt,
      },
    }),
    ...(failedBy !== undefined && { dlqId: failedBy }),
    ...(failureFunction && { failureFunction }),
    ...options.limits,
    ...(options.labels && { label: options.labels[0], labels: options.labels }),
  };
}

interface Group {
  readonly type: "sequential" | "parallel";
  readonly steps: readonly RunStep[];
}

/** The steps of a run in groups: those that run in parallel together, with their plans until they have results. */
function groupsOf(run: Run): readonly Group[] {
  const groups: Group[] = [];
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
    ...{ messageId, createdAt, concurrent, retries },
    ...(retryDelay !== undefined && { retryDelay }),
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

/** How the message of a step stands that is on its way, and how it has failed so far. */
interface StepState {
  readonly messageId: string;
  readonly state: string;
  readonly retries: number;
  readonly retryDelay?: string;
  readonly errors?: readonly object[];
}

/** How the steps stand from which a run goes on: parallel ones that are planned, or the next one. */
async function openSteps(
  run: Run,
  queue: Queue,
): Promise<{ readonly open: ReadonlyMap<RunStep, StepState>; readonly next?: StepState }> {
  const open = new Map<RunStep, StepState>();
  if (run.state === "success") return { open };
  const { local } = internalsOf(queue);
  const failed = run.failedBy === undefined ? null : await queue.getJob(run.failedBy);
  for (const step of frontierOf(run)) {
    const isNext = step.target === undefined;
    const isCulprit = failed !== null && (isNext || isOf(step, failed));
    const job = isCulprit ? failed : await queue.getJob(jobIdOf(run, step.id, local));
    const state = stateOf(run, step.id, job, isNext || isCulprit);
    if (isNext) return { open, next: state };
    open.set(step, state);
  }
  // It may be the delivery of a result while other steps are still planned.
  const isElsewhere = failed && ![...open.values()].some(({ messageId }) => messageId === failed.id);
  return { open, ...(isElsewhere && { next: stateOf(run, failed.id, failed, true) }) };
}

/** Whether a message is on behalf of a planned step. */
function isOf({ id, target }: RunStep, { id: messageId, payload }: JobInfo): boolean {
  return withoutEnding(messageId) === id || (payload as Message).workflow?.step === target;
}

/** @param mayHaveFailed whether it is this message that a failed run has failed by. */
function stateOf({ state, options }: Run, id: string, job: JobInfo | null, mayHaveFailed: boolean): StepState {
  const { retries = DEFAULT_RETRIES, retryDelay } = options;
  const errors = (job?.errors ?? []).map(({ message, failedAt }) => ({ error: message, time: failedAt.getTime() }));
  return {
    ...{ messageId: job?.id ?? id, retries },
    state: stepState(state, errors.length > 0, mayHaveFailed),
    ...(retryDelay !== undefined && { retryDelay }),
    ...(errors.length > 0 && { errors: errors.map((error) => ({ ...error, ...responseOf(job) })) }),
  };
}

function stepState(state: RunState, hasErrors: boolean, mayHaveFailed: boolean): string {
  if (state === "canceled") return "STEP_CANCELED";
  if (state === "failed" && mayHaveFailed) return "STEP_FAILED";
  return state === "started" && hasErrors ? "STEP_RETRY" : "STEP_PROGRESS";
}

/** The last response, which is all that is kept of a failed delivery. */
function responseOf(job: JobInfo | null) {
  const { responseStatus = 0, responseHeader = {}, responseBody = "" } = lastResponse(job?.progress);
  return { status: responseStatus, headers: responseHeader, body: responseBody };
}

/** How the report of a failure stands: a message that has been delivered is kept for a while only. */
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
