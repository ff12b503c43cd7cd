import type { EnqueueResult } from "../../core/enqueue/new-job.ts";
import { invalidRequest, isTidegateError, TidegateError } from "../../core/shared/errors.ts";
import { checkPathText } from "../../core/shared/validate.ts";
import { isFailure } from "../../http/contract/problems.ts";
import { StepRefusedError } from "../answers.ts";
import { storedBody } from "../body.ts";
import { type MessageLimits, readLimits, withoutLimits } from "../limits.ts";
import type { Message } from "../message.ts";
import type { Draft, MessageJob } from "../message-job.ts";
import { readPublishOptions } from "../publish-options.ts";
import type { QStashCall } from "../request.ts";
import { messageIds, shownJob, stepJob } from "./messages.ts";
import { newRun, runStepOf } from "./new-run.ts";
import { type Invoker, isStep, type WorkflowNote } from "./note.ts";
import { isSameStep, type RunStep } from "./run.ts";
import { runsOf } from "./run-store.ts";

/** As in a path: the ids of messages are longer. */
const LONGEST_RUN_ID = 200;
const RUN_ID = "upstash-workflow-runid";
/** What QStash and Tidegate retry by default. */
const DEFAULT_RETRIES = 3;

/** What the publisher of a message is told. */
export interface PublishAnswer {
  readonly messageId: string;
  readonly url?: string;
  readonly deduplicated?: boolean;
  readonly workflowRunId?: string;
  readonly workflowCreatedAt?: number;
}

/** A message that is to be stored, and what its publisher is told then. */
export interface Prepared {
  /** undefined if nothing is to be delivered. */
  readonly job?: MessageJob | undefined;
  answer(result: EnqueueResult | undefined): PublishAnswer | Promise<PublishAnswer>;
}

/** Whether a message belongs to a run of a workflow. */
export function isOfRun({ headers }: Draft): boolean {
  return headers.has(RUN_ID);
}

/** Prepares messages of runs. What belongs to one run is stored with the run together, before it is enqueued. */
export async function prepareOfRuns(call: QStashCall, drafts: readonly Draft[]): Promise<readonly Prepared[]> {
  return refusingAsStep(() => prepareEach(call, drafts));
}

async function prepareEach(call: QStashCall, drafts: readonly Draft[]): Promise<readonly Prepared[]> {
  const prepared = new Map<Draft, Prepared>();
  const steps = new Map<string, Draft[]>();
  for (const draft of drafts) {
    const runId = readRunId(draft.headers.get(RUN_ID));
    if (draft.headers.get("upstash-workflow-init") === "true")
      prepared.set(draft, await prepareStart(call, draft, runId));
    else if (draft.headers.get("upstash-workflow-calltype") === "toCallback")
      prepared.set(draft, await prepareCall(call, draft, runId));
    else steps.set(runId, [...(steps.get(runId) ?? []), draft]);
  }
  for (const [runId, ofRun] of steps) {
    const ready = await prepareSteps(call, runId, ofRun);
    for (const [index, draft] of ofRun.entries()) prepared.set(draft, ready[index] as Prepared);
  }
  return drafts.map((draft) => prepared.get(draft) as Prepared);
}

export function readRunId(text: string | null | undefined): string {
  checkPathText(text, "Upstash-Workflow-RunId", LONGEST_RUN_ID);
  if (/[/?#]/.test(text)) throw invalidRequest("Upstash-Workflow-RunId must not contain a slash, ? or #.");
  return text;
}

/** The error for a message to a run that does not go on. The SDK takes 400 for that, and ends quietly. */
export function runIsOver(): Error {
  return new RunIsOverError("invalid_request", "The run has ended, or there is none with this id.");
}

class RunIsOverError extends TidegateError {}

/** Refuses what is wrong with a step so that its run fails: with 400 the SDK would leave it where it stands. */
export async function refusingAsStep<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const isOfStep = isTidegateError(error) && !(error instanceof RunIsOverError) && !isFailure(error);
    throw isOfStep ? new StepRefusedError(error.code, error.message) : error;
  }
}

async function prepareStart(call: QStashCall, draft: Draft, runId: string): Promise<Prepared> {
  const { host, settings } = call;
  const { headers, destination } = draft;
  const now = host.queue.clock();
  const read = readPublishOptions(withoutAnyLimits(headers), settings.targets, now);
  const { retries, notBefore, deduplication, redaction, ...options } = read;
  const limits = runLimits(headers);
  if (deduplication) throw invalidRequest("A run takes no deduplication id: its run id serves for that.");
  const { invoker, body } = headers.has("upstash-workflow-invoke")
    ? await readInvocation(call, draft.body)
    : { invoker: undefined, body: draft.body };
  const id = invoker ? messageIds.invoke(invoker.runId, invoker.step.stepId) : messageIds.start(runId);
  const redact = redaction && (headers.get("upstash-redact-fields") ?? "");
  const workflow: WorkflowNote = {
    ...{ runId, createdAt: now, role: "start", ...(invoker && { invoker }) },
    ...(redact !== undefined && { redact }),
  };
  const url = settings.targets.read(destination, "destination");
  const message: Message = {
    ...{ url, ...options, ...storedBody(body), ...(limits && { limits }), workflow },
    ...(notBefore !== undefined && { notBefore }),
  };
  const run = newRun(message, workflow, id, retries, now);
  const answer = { messageId: id, workflowRunId: runId, workflowCreatedAt: now };
  return {
    job: await shownJob(message, run.options, { id, ...(notBefore !== undefined && { runAt: notBefore }) }),
    async answer(result) {
      // Its delivery stores the run too, if this does not come about.
      if (result?.status !== "enqueued") return { ...answer, deduplicated: true };
      const runs = runsOf(host.queue);
      if (await runs.create(run)) return answer;
      const existing = await runs.find(runId);
      if (!existing || existing.createdAt === now) return answer;
      await host.queue.cancel(id).catch(() => {});
      return { ...answer, workflowCreatedAt: existing.createdAt, deduplicated: true };
    },
  };
}

function runLimits(headers: Headers): MessageLimits | undefined {
  const limits = readLimits(headers, undefined)?.limits;
  if (limits?.queueName !== undefined)
    throw invalidRequest("A run has no queue. Give it Upstash-Flow-Control-Key to limit it.");
  return limits;
}

/** The limits of a run hold for its messages, which have them from the run. What is made when one of them ends has none. */
function withoutAnyLimits(headers: Headers): Headers {
  const rest = withoutLimits(headers);
  const ofCallbacks = [...rest.keys()].filter((name) => /^upstash-(?:failure-)?callback-flow-control-/.test(name));
  for (const name of ofCallbacks) rest.delete(name);
  return rest;
}

/** Reads what `context.invoke` sends: the payload for the new run, and who invokes it. */
async function readInvocation(call: QStashCall, body: Uint8Array): Promise<{ invoker: Invoker; body: Uint8Array }> {
  const { body: payload = "", workflowRunId, workflowUrl, step } = Object(readJson(body));
  if (!isStep(step) || typeof payload !== "string" || typeof workflowUrl !== "string")
    throw invalidRequest("The body of an invocation must hold body, workflowRunId, workflowUrl and step.");
  const run = await runsOf(call.host.queue).find(readRunId(workflowRunId));
  if (run?.state !== "started") throw runIsOver();
  const url = call.settings.targets.read(workflowUrl, "workflowUrl");
  const invoker = { runId: run.id, createdAt: run.createdAt, url, step };
  return { invoker, body: new TextEncoder().encode(payload) };
}

async function prepareCall(call: QStashCall, draft: Draft, runId: string): Promise<Prepared> {
  const { host, settings } = call;
  const { headers } = draft;
  const run = await runsOf(host.queue).find(runId);
  if (run?.state !== "started") throw runIsOver();
  const step = Number(headers.get("upstash-callback-forward-upstash-workflow-stepid"));
  const read = readPublishOptions(withoutAnyLimits(headers), settings.targets, host.queue.clock());
  const limits = runLimits(headers);
  const { retries, notBefore: _, deduplication: __, redaction: ___, callback, ...options } = read;
  if (!callback || !Number.isInteger(step) || step < 1)
    throw invalidRequest("A call must have an Upstash-Callback, and the step that it is for.");
  const note = { runId, createdAt: run.createdAt, step };
  const { retryDelay, redact } = run.options;
  const message: Message = {
    url: settings.targets.read(draft.destination, "destination"),
    ...{ ...options, ...storedBody(draft.body), ...(limits && { limits }) },
    workflow: { ...note, role: "call" },
    callback: {
      ...callback,
      retries: run.options.retries ?? DEFAULT_RETRIES,
      ...(retryDelay !== undefined && { retryDelay }),
      workflow: { ...note, role: "result" },
    },
  };
  const id = messageIds.call(runId, step);
  const ofCall = {
    ...{ ...options, ...(limits && { limits }) },
    ...(retries !== undefined && { retries }),
    ...(redact !== undefined && { redact }),
  };
  return {
    job: await shownJob(message, ofCall, { id }),
    answer: (result) => ({ messageId: id, ...(result?.status !== "enqueued" && { deduplicated: true }) }),
  };
}

async function prepareSteps(call: QStashCall, runId: string, drafts: readonly Draft[]): Promise<readonly Prepared[]> {
  const { host } = call;
  const added = drafts.map((draft) => readStep(call, draft, runId));
  const run = await runsOf(host.queue).change(runId, (run) => {
    if (run.state !== "started" && run.state !== "failed") throw runIsOver();
    const missing = added.filter((step) => !run.steps.some((known) => isSameStep(known, step)));
    return missing.length === 0 ? undefined : { ...run, steps: [...run.steps, ...missing] };
  });
  if (!run) throw runIsOver();
  const prepared = added.map(async (step): Promise<Prepared> => {
    const stored = run.steps.find((known) => isSameStep(known, step)) ?? step;
    return {
      // A step of a run that has failed is kept for when the run is resumed.
      job: run.state === "started" ? await stepJob(run, stored) : undefined,
      answer: () => ({ messageId: stored.id, ...(stored !== step && { deduplicated: true }) }),
    };
  });
  return Promise.all(prepared);
}

function readStep({ host, settings }: QStashCall, { headers, body, destination }: Draft, runId: string): RunStep {
  const now = host.queue.clock();
  const step = readJson(body);
  if (!isStep(step)) throw invalidRequest("A step must have stepId, stepName, stepType and concurrent.");
  const { notBefore } = readPublishOptions(withoutAnyLimits(headers), settings.targets, now);
  const url = settings.targets.read(destination, "destination");
  return {
    ...runStepOf(runId, step, body, now),
    url,
    ...(notBefore !== undefined && notBefore > now && { notBefore }),
  };
}

export function readJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw invalidRequest("The body must be JSON.");
  }
}
