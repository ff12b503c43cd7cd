import { withHidden } from "../../core/job/hidden.ts";
import type { LocalFacts } from "../../core/store/store.ts";
import { DELIVERY } from "../../http/qstash-port.ts";
import { storedBody } from "../messages/body.ts";
import { flowKeyOf, keyLimits } from "../messages/flow-control.ts";
import type { HeaderValues, Message } from "../messages/message.ts";
import { attemptTimeoutMs, idUnderKey, type MessageJob } from "../messages/message-job.ts";
import { readRedaction, redact } from "../messages/redaction.ts";
import type { WorkflowNote } from "../messages/workflow-note.ts";
import { messageIds, type Run, type RunOptions, type RunStep } from "./run.ts";
import type { Step } from "./step.ts";
import { eventStep, timeoutStep, type Wait, waitsName } from "./wait-documents.ts";

const encoder = new TextEncoder();

/** The version of the protocol that the SDK speaks. */
export const SDK_VERSION = "Upstash-Workflow-Sdk-Version";

/** The id of the job of such a message. */
export function jobIdOf({ options: { limits } }: Run, id: string, local: LocalFacts): string {
  const { flowControlKey } = limits ?? {};
  return idUnderKey(id, flowControlKey === undefined ? undefined : flowKeyOf(flowControlKey), local);
}

/** The options of the job of such a message. */
function jobOptions({
  retries,
  timeoutMs,
  limits,
}: Omit<RunOptions, "header">): Pick<MessageJob, "maxRetries" | "timeout" | "flowControl"> {
  const { flowControlKey } = limits ?? {};
  return {
    ...(limits && flowControlKey !== undefined && { flowControl: keyLimits(flowControlKey, limits) }),
    ...(retries !== undefined && { maxRetries: retries }),
    ...(timeoutMs !== undefined && { timeout: attemptTimeoutMs(timeoutMs) }),
  };
}

/** The job of a message, which shows nothing that the run hides. */
export async function shownJob(
  message: Message,
  options: Omit<RunOptions, "header">,
  job: Pick<MessageJob, "id" | "runAt">,
): Promise<MessageJob> {
  const { payload, hidden } = await redact(message, readRedaction(options.redact ?? null));
  return withHidden({ job: DELIVERY, ...job, payload, ...jobOptions(options) }, hidden);
}

/** The message that brings a run a step which is stored with the run. */
export function stepJob(run: Run, { id, url = run.url, notBefore }: RunStep): Promise<MessageJob> {
  const message = stepMessage(run, url, { role: "step" });
  return shownJob(message, run.options, { id, ...(notBefore !== undefined && { runAt: notBefore }) });
}

/** The message that brings a run the result of a step from elsewhere. Its delivery stores it with the run. */
export function arrivalJob(
  run: Run,
  step: Step & { readonly out?: string },
  url: string,
  note: Omit<WorkflowNote, "runId" | "createdAt"> = { role: "step" },
): Promise<MessageJob> {
  const message = { ...stepMessage(run, url, note), ...storedBody(encoder.encode(JSON.stringify(step))) };
  return shownJob(message, run.options, { id: messageIds.result(run.id, step.stepId) });
}

/** The message that brings a run an event for which one of its steps waits. */
export async function eventJob(run: Run, { step, url }: Wait, eventId: string, data: string): Promise<MessageJob> {
  const note = { role: "step", step: step.stepId, wait: await waitsName(eventId, run.id) } as const;
  return arrivalJob(run, eventStep(step, eventId, data), url, note);
}

/** The message that ends the wait of a step by its deadline. Its delivery stores the result with the run. */
export async function timeoutJob(run: Run, { step, url, deadline }: Wait, eventId: string): Promise<MessageJob> {
  const wait = await waitsName(eventId, run.id);
  const body = storedBody(encoder.encode(JSON.stringify(timeoutStep(step, eventId))));
  const message = { ...stepMessage(run, url, { role: "timeout", step: step.stepId, wait }), ...body };
  return shownJob(message, run.options, { id: messageIds.timeout(run.id, step.stepId), runAt: deadline });
}

/** A message to a workflow. Its headers, and whom its failure is reported to, are those of its run. */
function stepMessage(run: Run, url: string, note: Omit<WorkflowNote, "runId" | "createdAt">): Message {
  const { timeoutMs, retryDelay, labels, limits } = run.options;
  return {
    ...{ url, method: "POST", header: {} },
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(retryDelay !== undefined && { retryDelay }),
    ...(labels && { labels }),
    ...(limits && { limits }),
    workflow: { runId: run.id, createdAt: run.createdAt, ...note },
  };
}

/** The headers of the delivery of a step. */
export function stepHeader(run: Run): HeaderValues {
  return {
    ...run.options.header,
    ...{ "Content-Type": ["application/json"], [SDK_VERSION]: ["1"] },
    ...runHeader(run),
  };
}

/** The headers of the delivery of a call's result. The SDK takes one with its version for a step. */
export function resultHeader(run: Run, own: HeaderValues): HeaderValues {
  const { [SDK_VERSION]: _, ...header } = run.options.header;
  return { ...header, ...own, ...runHeader(run) };
}

/** The headers by which a workflow knows its run. */
export function runHeader({ id, url, createdAt }: Pick<Run, "id" | "url" | "createdAt">): HeaderValues {
  return {
    "Upstash-Workflow-Runid": [id],
    "Upstash-Workflow-Url": [url],
    "Upstash-Workflow-Createdat": [String(createdAt)],
    "Upstash-Workflow-Init": ["false"],
  };
}
