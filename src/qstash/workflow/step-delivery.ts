import type { JobContext } from "../../core/job/define.ts";
import type { AttemptHost, JobEnding } from "../../core/job/inner-options.ts";
import { toBase64, utf8 } from "../../core/shared/bytes.ts";
import { jsonIn } from "../../core/shared/json.ts";
import { withoutUndefined } from "../../core/shared/validate.ts";
import { type CallbackParts, callbackId } from "../callbacks/callback-jobs.ts";
import { bytesOfBody } from "../messages/body.ts";
import { goesToWorkflow, type HeaderValues, type Message, type WorkflowNote } from "../messages/message.ts";
import { readRedaction } from "../messages/redaction.ts";
import type { KeptResponse } from "../messages/response.ts";
import { closeRuns, runAgain } from "./rerun.ts";
import { followersOf, isStep, type Run, type RunStep, resultOf, runStepOf, stepIdOf } from "./run.ts";
import { type RunStore, type Runs, runStoreOf } from "./run-documents.ts";
import { arrivalJob, resultHeader, stepHeader, stepJob } from "./run-messages.ts";

/** If the steps are larger together, they are not sent. The SDK fetches them. */
const LARGEST_SENT_BYTES = 1024 * 1024;

export interface Sent {
  readonly header: HeaderValues;
  readonly body: Uint8Array<ArrayBuffer>;
  /** As in `RunOptions`. */
  readonly expectsSdk?: boolean | undefined;
}

/** What has ended a wait, by the role of the message that says so. */
const endedBy = { step: "notified", timeout: "timed out" } as const;

/** Prepares a delivery of a run; undefined if the run has ended, or continued from this message. */
export async function prepareDelivery(
  message: Message,
  note: WorkflowNote,
  job: JobContext,
  host: AttemptHost,
): Promise<Sent | undefined> {
  const own = { header: message.header, body: bytesOfBody(message) };
  if (note.role === "failure") return own;
  const store = runStoreOf(host);
  const run = await store.runs.find(note.runId);
  // Somebody has retried the message that failed the run.
  if (run?.state === "failed" && run.failedBy === job.id) {
    await runAgain(store, run, "resume");
    await closeRuns(store.runs, [{ messageId: job.id, workflowRunId: run.id }]);
  }
  if (run?.state !== "started") return hasEnded(message, note, run, job, store);
  if (note.role === "call" || note.role === "result") {
    const next = nextOf(run, note, job.id);
    if (next.length > 0) return goneOn(run, next, job, store);
    if (note.role === "call") return own;
    return { ...own, header: resultHeader(run, own.header), expectsSdk: run.options.expectsSdk };
  }
  const { role, step, wait } = note;
  if (step !== undefined && wait !== undefined) {
    const isFirst = await store.waits.end(wait, step, endedBy[role], store.now);
    if (!isFirst) return undefined;
  }
  return stepDelivery(message, job, run, store);
}

async function hasEnded(
  message: Message,
  { role, wait }: WorkflowNote,
  run: Run | undefined,
  { id, attempt }: JobContext,
  store: RunStore,
): Promise<undefined> {
  // A failed run keeps the result of a run that it has invoked, for its log and for whoever resumes it.
  if (run?.state === "failed" && role === "step" && wait === undefined)
    await withStep(message, stepIdOf(run.id, id), run, store);
  // An earlier attempt may have ended the run without telling its invoker.
  if (run && attempt > 1) await tellInvoker(store, run);
}

/** Brings the end of a run to the run that invoked it. The id comes from the step, so that it arrives once. */
async function tellInvoker({ runs, enqueue }: RunStore, run: Run): Promise<void> {
  const { id, invoker, state, response } = run;
  if (!invoker) return;
  const waiting = await runs.find(invoker.runId);
  if (waiting?.state !== "started" && waiting?.state !== "failed") return;
  const result = {
    workflowRunId: id,
    ...(state === "success" && { body: response }),
    ...{ isFailed: state === "failed", isCanceled: state === "canceled" },
  };
  await enqueue([await arrivalJob(waiting, { ...invoker.step, out: JSON.stringify(result) }, invoker.url)]);
}

async function stepDelivery(message: Message, job: JobContext, found: Run, store: RunStore): Promise<Sent | undefined> {
  const stepId = stepIdOf(found.id, job.id);
  const run = await withStep(message, stepId, found, store);
  const index = run?.steps.findIndex(({ id }) => id === stepId) ?? -1;
  if (!run || index < 0) return undefined;
  const followers = followersOf(run, index);
  if (followers.length > 0) return goneOn(run, followers, job, store);
  const steps = utf8(JSON.stringify(await rawSteps(run, store.runs, index + 1)));
  const body = steps.length > LARGEST_SENT_BYTES ? new Uint8Array() : steps;
  return { header: stepHeader(run), body, expectsSdk: run.options.expectsSdk };
}

/** What a run has stored after a message: its result, or the steps that followed. Then it has gone on from there. */
function nextOf(run: Run, { role, step }: WorkflowNote, messageId: string): readonly RunStep[] {
  if (role === "call" || role === "result") return [resultOf(run, step ?? 0) ?? []].flat();
  const index = run.steps.findIndex(({ id }) => id === stepIdOf(run.id, messageId));
  return index < 0 ? [] : followersOf(run, index);
}

/** Handles a message whose run has already gone on. An earlier attempt may not have enqueued the next messages. */
async function goneOn(
  run: Run,
  steps: readonly RunStep[],
  { attempt }: JobContext,
  store: RunStore,
): Promise<undefined> {
  if (attempt > 1) await enqueueSteps(run, steps, store);
}

async function enqueueSteps(run: Run, steps: readonly RunStep[], { enqueue }: RunStore): Promise<void> {
  await enqueue(await Promise.all(steps.map((step) => stepJob(run, step))));
}

/**
 * Whether a run has gone on from a dead message: the last attempt may have been killed after the run went on. Then
 * enqueues the next messages again, since that attempt may not have done so.
 */
async function hasGoneOn(note: WorkflowNote, id: string, store: RunStore): Promise<boolean> {
  const run = await store.runs.find(note.runId);
  const next = run?.state === "started" ? nextOf(run, note, id) : [];
  if (run && next.length > 0) await enqueueSteps(run, next, store);
  return next.length > 0;
}

async function withStep(message: Message, id: string, run: Run, { runs, now }: RunStore): Promise<Run | undefined> {
  const body = bytesOfBody(message);
  const step = jsonIn(new TextDecoder().decode(body));
  if (run.steps.some((step) => step.id === id) || !isStep(step)) return run;
  return runs.change(run.id, (current) => {
    const isOver = current.state !== "started" && current.state !== "failed";
    if (isOver || resultOf(current, step.stepId)) return undefined;
    const { id: _, ...stored } = runStepOf(run.id, step, body, now);
    return { ...current, steps: [...current.steps, { id, url: message.url, ...stored }] };
  });
}

export async function rawSteps(run: Run, runs: Runs, count: number) {
  const bodies = await runs.bodiesOf(run, count);
  return bodies.map((body, index) => ({
    messageId: run.steps[index]?.id,
    body: toBase64(bytesOfBody(body)),
    callType: "step",
  }));
}

export type RunEnd =
  | { readonly state: "success"; readonly response: string }
  | { readonly state: "canceled" }
  | {
      readonly state: "failed";
      readonly failedBy: string;
      /** The id of the message that reports it. */
      readonly reportId: string;
      readonly response: string;
    };

/**
 * Ends a run, and brings its end to the run that invoked it. If several ends race, the first stored one counts. A
 * second call brings the stored end again, because the first call may have been killed before it did so.
 */
export async function endRun(host: RunStore, id: string, end: RunEnd): Promise<Run | undefined> {
  const run = await host.runs.change(id, (current) =>
    current.state === "started" ? { ...current, ...end, endedAt: host.now } : undefined,
  );
  if (run) await tellInvoker(host, run);
  return run;
}

/** Ends the run of a dead message. @returns what callbacks report of it; "of no account" means no callbacks. */
export async function afterMessage(
  note: WorkflowNote,
  { id, attempts, failure }: JobEnding,
  host: AttemptHost,
  response: KeptResponse,
): Promise<CallbackParts | "of no account"> {
  // After a response before the last retry, the SDK waits for another one.
  if (note.role === "call") return { source: { maxRetries: attempts - 1 } };
  if (failure === undefined || !goesToWorkflow[note.role]) return {};
  const store = runStoreOf(host);
  if (await hasGoneOn(note, id, store)) return "of no account";
  const text = new TextDecoder().decode(response.body);
  const reportId = callbackId("failure-callback", id, host);
  const run = await endRun(store, note.runId, { state: "failed", failedBy: id, reportId, response: text });
  if (run?.failedBy !== id) return "of no account";
  const [payload] = await store.runs.bodiesOf(run, 1);
  const { failureCallback, redact } = run.options;
  const sourceBody = toBase64(bytesOfBody(payload ?? {}));
  const source = { sourceBody, workflowRunId: run.id, workflowCreatedAt: run.createdAt, workflowUrl: run.url };
  return withoutUndefined({ source, failureCallback, redaction: readRedaction(redact ?? null) });
}
