import type { JobInfo } from "../../core/manage/job-info.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { withoutUndefined } from "../../core/shared/validate.ts";
import { bytesOfBody, shownBody } from "./body.ts";
import type { MessageLimits } from "./flow-control.ts";
import { DELIVERY, goesToWorkflow, type Message, type WorkflowNote } from "./message.ts";
import type { ShownResponse } from "./response.ts";

/** How people find a message and its events: labels, origin and limits. */
export interface MessageTags
  extends Pick<Message, "labels" | "scheduleId" | "topicName" | "endpointName">,
    Pick<MessageLimits, "queueName" | "flowControlKey"> {
  readonly label?: string;
}

export function tagsOf({ labels, scheduleId, topicName, endpointName, limits = {} }: Message): MessageTags {
  const { queueName, flowControlKey } = limits;
  const label = labels && (labels[0] ?? "");
  return withoutUndefined({ label, labels, scheduleId, topicName, endpointName, queueName, flowControlKey });
}

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

/** Whether a job delivers a message that can be shown. Its payload may have been replaced with anything. */
export function isDelivery({ name, payload }: JobInfo): boolean {
  return name === DELIVERY && typeof (payload as Partial<Message> | null)?.url === "string";
}

export async function deliveriesAmong(queue: Queue, ids: readonly string[]): Promise<readonly JobInfo[]> {
  const jobs = await Promise.all([...new Set(ids)].map((id) => queue.getJob(id)));
  return jobs.flatMap((job) => (job && isDelivery(job) ? job : []));
}

export function messageView(job: JobInfo): MessageView {
  const message = job.payload as Message;
  const { url, method, header, notBefore, retryDelay, callback, failureCallback, workflow } = message;
  const createdAt = job.enqueuedAt.getTime();
  return withoutUndefined({
    messageId: job.id,
    url,
    method,
    header,
    ...shownBody(bytesOfBody(message)),
    maxRetries: job.maxRetries,
    createdAt,
    notBefore: notBefore ?? createdAt,
    retryDelayExpression: retryDelay,
    callback: callback?.url,
    failureCallback: failureCallback?.url,
    ...(workflow && workflowView(url, workflow)),
    ...message.limits,
    ...tagsOf(message),
    ...(job.schedule && { scheduleId: job.schedule.key }),
    ...(job.state === "dead" && { dlqId: job.id, ...lastResponse(job.progress) }),
  });
}

function workflowView(url: string, { runId, createdAt, role }: WorkflowNote) {
  return { workflowRunId: runId, workflowCreatedAt: createdAt, ...(goesToWorkflow[role] && { workflowUrl: url }) };
}

export function lastResponse(progress: unknown): ShownResponse {
  const { responseStatus, responseHeader, responseBody, responseBodyBase64 } = Object(progress) as ShownResponse;
  return withoutUndefined({ responseStatus, responseHeader, responseBody, responseBodyBase64 });
}
