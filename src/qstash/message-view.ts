import type { JobInfo } from "../core/manage/job-info.ts";
import { bytesOfBody, shownBody } from "./body.ts";
import { DELIVERY } from "./delivery.ts";
import type { Message } from "./message.ts";
import type { ShownResponse } from "./response.ts";
import type { WorkflowNote } from "./workflow/note.ts";

/** A message as the API shows it. */
export interface MessageView extends ShownResponse {
  readonly messageId: string;
  readonly url: string;
  readonly createdAt: number;
  readonly labels?: readonly string[];
  readonly scheduleId?: string;
  readonly topicName?: string;
  readonly endpointName?: string;
  readonly queueName?: string;
  readonly flowControlKey?: string;
  readonly dlqId?: string;
  readonly failureCallback?: string;
  readonly workflowRunId?: string;
  readonly workflowCreatedAt?: number;
  readonly workflowUrl?: string;
}

/** Whether a job delivers a message that can be shown: its payload may have been replaced by anything. */
export function isDelivery({ name, payload }: JobInfo): boolean {
  return name === DELIVERY && typeof (payload as Partial<Message> | null)?.url === "string";
}

/** Shows the message that a job delivers. */
export function messageView(job: JobInfo): MessageView {
  const { url, method, header, body, bodyBase64, notBefore, retryDelay, labels, ...rest } = job.payload as Message;
  const createdAt = job.enqueuedAt.getTime();
  const bytes = bytesOfBody({ ...(body !== undefined && { body }), ...(bodyBase64 !== undefined && { bodyBase64 }) });
  return {
    messageId: job.id,
    url,
    ...{ method, header },
    ...shownBody(bytes ?? new Uint8Array()),
    ...{ maxRetries: job.maxRetries, createdAt, notBefore: notBefore ?? createdAt },
    ...(retryDelay !== undefined && { retryDelayExpression: retryDelay }),
    ...(labels && { label: labels[0], labels }),
    ...(rest.callback && { callback: rest.callback.url }),
    ...(rest.failureCallback && { failureCallback: rest.failureCallback.url }),
    ...(rest.workflow && workflowView(url, rest.workflow)),
    ...(rest.topicName !== undefined && { topicName: rest.topicName }),
    ...(rest.endpointName !== undefined && { endpointName: rest.endpointName }),
    ...rest.limits,
    ...((job.schedule || rest.scheduleId) && { scheduleId: job.schedule?.key ?? rest.scheduleId }),
    ...(job.state === "dead" && { dlqId: job.id, ...lastResponse(job.progress) }),
  };
}

function workflowView(url: string, { runId, createdAt, role }: WorkflowNote) {
  const isOfWorkflow = role !== "call" && role !== "failure";
  return {
    ...{ workflowRunId: runId, workflowCreatedAt: createdAt },
    ...(isOfWorkflow && { workflowUrl: url }),
  };
}

/** The response that the job of a message has stored last. */
export function lastResponse(progress: unknown): ShownResponse {
  const { responseStatus, responseHeader, responseBody, responseBodyBase64 } = Object(progress) as ShownResponse;
  return {
    ...(responseStatus !== undefined && { responseStatus }),
    ...(responseHeader && { responseHeader }),
    ...(responseBody !== undefined && { responseBody }),
    ...(responseBodyBase64 !== undefined && { responseBodyBase64 }),
  };
}
