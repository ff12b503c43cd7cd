import type { JobInfo } from "../../core/manage/job-info.ts";
import { DELIVERY } from "../../http/qstash-port.ts";
import { bytesOfBody, shownBody } from "./body.ts";
import type { Message } from "./message.ts";
import { type MessageTags, tagsOf } from "./message-tags.ts";
import type { ShownResponse } from "./response.ts";
import type { WorkflowNote } from "./workflow-note.ts";

/** A message as the API shows it. */
export interface MessageView extends ShownResponse, MessageTags {
  readonly messageId: string;
  readonly url: string;
  readonly createdAt: number;
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
  const message = job.payload as Message;
  const { url, method, header, body, bodyBase64, notBefore, retryDelay, callback, failureCallback, workflow } = message;
  const createdAt = job.enqueuedAt.getTime();
  const bytes = bytesOfBody({ ...(body !== undefined && { body }), ...(bodyBase64 !== undefined && { bodyBase64 }) });
  return {
    messageId: job.id,
    url,
    ...{ method, header },
    ...shownBody(bytes ?? new Uint8Array()),
    ...{ maxRetries: job.maxRetries, createdAt, notBefore: notBefore ?? createdAt },
    ...(retryDelay !== undefined && { retryDelayExpression: retryDelay }),
    ...(callback && { callback: callback.url }),
    ...(failureCallback && { failureCallback: failureCallback.url }),
    ...(workflow && workflowView(url, workflow)),
    ...message.limits,
    ...tagsOf(message),
    ...(job.schedule && { scheduleId: job.schedule.key }),
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
