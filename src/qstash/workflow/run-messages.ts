import { withoutUndefined } from "../../core/shared/validate.ts";
import { storedBody } from "../messages/body.ts";
import type { HeaderValues, Message, WorkflowNote } from "../messages/message.ts";
import { type MessageJob, messageJob } from "../messages/message-job.ts";
import { readRedaction } from "../messages/redaction.ts";
import { messageIds, type Run, type RunOptions, type RunStep, type Step } from "./run.ts";
import { eventStep, timeoutStep, type Wait, waitsName } from "./wait-documents.ts";

const encoder = new TextEncoder();

/** The header with the version of the SDK's protocol. */
export const SDK_VERSION = "Upstash-Workflow-Sdk-Version";

/** The job of a message, without what the run hides. */
export function jobOfRun(
  message: Message,
  { retries, redact }: Pick<RunOptions, "retries" | "redact">,
  id: string,
  runAt?: number,
): Promise<MessageJob> {
  return messageJob(message, { id, runAt, retries, redaction: readRedaction(redact ?? null) });
}

/** The message that brings a run a stored step. */
export function stepJob(run: Run, { id, url = run.url, notBefore }: RunStep): Promise<MessageJob> {
  return jobOfRun(stepMessage(run, url, { role: "step" }), run.options, id, notBefore);
}

/** The message that brings a run the result of a step from elsewhere. Its delivery stores the step with the run. */
export function arrivalJob(
  run: Run,
  step: Step & { readonly out?: string },
  url: string,
  note: Omit<WorkflowNote, "runId" | "createdAt"> = { role: "step" },
): Promise<MessageJob> {
  const message = { ...stepMessage(run, url, note), ...storedBody(encoder.encode(JSON.stringify(step))) };
  return jobOfRun(message, run.options, messageIds.result(run.id, step.stepId));
}

/** The message that brings a run an event that one of its steps waits for. */
export async function eventJob(run: Run, { step, url }: Wait, eventId: string, data: string): Promise<MessageJob> {
  const note = { role: "step", step: step.stepId, wait: await waitsName(eventId, run.id) } as const;
  return arrivalJob(run, eventStep(step, eventId, data), url, note);
}

/** The message that ends a wait at its deadline. Its delivery stores the result with the run. */
export async function timeoutJob(run: Run, { step, url, deadline }: Wait, eventId: string): Promise<MessageJob> {
  const wait = await waitsName(eventId, run.id);
  const body = storedBody(encoder.encode(JSON.stringify(timeoutStep(step, eventId))));
  const message = { ...stepMessage(run, url, { role: "timeout", step: step.stepId, wait }), ...body };
  return jobOfRun(message, run.options, messageIds.timeout(run.id, step.stepId), deadline);
}

/** A message to a workflow. Its delivery adds the headers of its run, and the run has the failure callback. */
function stepMessage(run: Run, url: string, note: Omit<WorkflowNote, "runId" | "createdAt">): Message {
  const { timeoutMs, retryDelay, labels, limits } = run.options;
  const workflow = { runId: run.id, createdAt: run.createdAt, ...note };
  return withoutUndefined({ url, method: "POST", header: {}, timeoutMs, retryDelay, labels, limits, workflow });
}

export function stepHeader(run: Run): HeaderValues {
  return {
    ...run.options.header,
    ...{ "Content-Type": ["application/json"], [SDK_VERSION]: ["1"] },
    ...runHeader(run),
  };
}

/** The headers for the result of a call. With the version, the SDK would take the delivery for a step. */
export function resultHeader(run: Run, own: HeaderValues): HeaderValues {
  const { [SDK_VERSION]: _, ...header } = run.options.header;
  return { ...header, ...own, ...runHeader(run) };
}

/** The headers by which a workflow recognizes its run. */
export function runHeader({ id, url, createdAt }: Pick<Run, "id" | "url" | "createdAt">): HeaderValues {
  return {
    "Upstash-Workflow-Runid": [id],
    "Upstash-Workflow-Url": [url],
    "Upstash-Workflow-Createdat": [String(createdAt)],
    "Upstash-Workflow-Init": ["false"],
  };
}
