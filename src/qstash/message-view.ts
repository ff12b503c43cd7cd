import type { JobInfo } from "../core/manage/job-info.ts";
import { bytesOfBody, shownBody } from "./body.ts";
import { DELIVERY } from "./deliver.ts";
import type { Message } from "./message.ts";
import type { ShownResponse } from "./response.ts";

/** A message as the API shows it. */
export interface MessageView extends ShownResponse {
  readonly messageId: string;
  readonly url: string;
  readonly createdAt: number;
  readonly labels?: readonly string[];
  readonly dlqId?: string;
}

/** Whether a job delivers a message that can be shown: its payload may have been replaced by anything. */
export function isDelivery({ name, payload }: JobInfo): boolean {
  return name === DELIVERY && typeof (payload as Partial<Message> | null)?.url === "string";
}

/** Shows the message that a job delivers. */
export function messageView(job: JobInfo): MessageView {
  const { url, method, header, body, bodyBase64, notBefore, retryDelay, labels } = job.payload as Message;
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
    ...(job.state === "dead" && { dlqId: job.id, ...(job.progress as ShownResponse | undefined) }),
  };
}
