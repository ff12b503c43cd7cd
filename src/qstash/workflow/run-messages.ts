import { utf8 } from "../../core/shared/bytes.ts";
import { withoutUndefined } from "../../core/shared/validate.ts";
import { storedBody } from "../messages/body.ts";
import type { HeaderValues, Message, WorkflowNote } from "../messages/message.ts";
import { type MessageJob, messageJob } from "../messages/message-job.ts";
import { readRedaction } from "../messages/redaction.ts";
import { messageIds, type Run, type RunOptions, type RunStep, type Step } from "./run.ts";
import { type Wait, waitsName } from "./wait-documents.ts";

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

export function stepJob(run: Run, { id, url = run.url, notBefore }: RunStep): Promise<MessageJob> {
  return jobOfRun(stepMessage(run, url, { role: "step" }), run.options, id, notBefore);
}

/** The message that brings a run the result of a step from elsewhere. Its delivery stores the step with the run. */
export function arrivalJob(
  run: Run,
  step: Step & { readonly out?: string },
  url: string,
  note: Omit<WorkflowNote, "runId" | "createdAt"> = { role: "step" },
  runAt?: number,
): Promise<MessageJob> {
  const message = { ...stepMessage(run, url, note), ...storedBody(utf8(JSON.stringify(step))) };
  const idOf = note.role === "timeout" ? messageIds.timeout : messageIds.result;
  return jobOfRun(message, run.options, idOf(run.id, step.stepId), runAt);
}

/** The message that ends a wait: with the data of an event, as base64, or at its deadline without. */
export async function endOfWait(run: Run, wait: Wait, eventId: string, data?: string): Promise<MessageJob> {
  const { step, url, deadline } = wait;
  const note = { step: step.stepId, wait: await waitsName(eventId, run.id) };
  const result = waitResult(step, eventId, data);
  if (data !== undefined) return arrivalJob(run, result, url, { ...note, role: "step" });
  return arrivalJob(run, result, url, { ...note, role: "timeout" }, deadline);
}

export function waitResult(step: Step, eventId: string, data: string | undefined) {
  return { ...step, waitEventId: eventId, ...(data && { out: data }), waitTimeout: data === undefined };
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

export function runHeader({ id, url, createdAt }: Pick<Run, "id" | "url" | "createdAt">): HeaderValues {
  return {
    "Upstash-Workflow-Runid": [id],
    "Upstash-Workflow-Url": [url],
    "Upstash-Workflow-Createdat": [String(createdAt)],
    "Upstash-Workflow-Init": ["false"],
  };
}
